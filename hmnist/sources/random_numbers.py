"""Random numbers without a generator: each is a hash of the seed, its purpose and a key.

The numbers do not depend on the order in which they are drawn. So every part of the sample can be
made by itself, in chunks of any size, and is always the same.
"""

import zlib

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Float64, Indices

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(seed: int, purpose: str, keys: Indices, count: int) -> Float64:
    """Draw `count` random numbers in [0, 1) for each key: float64, shape (n, count).

    They depend only on seed, purpose, key and column. Keys (n,) are numbers of 0 or more, such as
    those of lesions. The hash is SplitMix64 (Steele, Lea & Flood 2014).
    """
    # An integer of numpy would not hold 2**64.
    hashed_seed = _mix(np.array([int(seed) % 2**64], np.uint64))
    start = _mix(np.uint64(zlib.crc32(purpose.encode())) + hashed_seed)
    rows = _mix(keys.astype(np.uint64) * _GOLDEN + start)[:, None]
    columns = np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
    return (_mix(rows + columns) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(seed: int, purpose: str, keys: Indices, count: int) -> Float32:
    """Draw from the standard normal distribution: float32, otherwise as `uniform`."""
    flat = uniform(seed, purpose, keys, 2 * count)
    radius = np.sqrt(-2 * np.log1p(-flat[:, :count]))
    # Box and Muller (1958): two uniform numbers give a normal one.
    return np.asarray(radius * np.cos(2 * np.pi * flat[:, count:]), dtype=np.float32)


def _mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
