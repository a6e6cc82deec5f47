"""``seen.npy``: fingerprints of the images that trained and validated a model."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Booleans, Pixels

_SEEN = "seen.npy"


def write_seen(folder: Path, images: Pixels) -> None:
    """Write the fingerprints of images into a run folder, eight bytes for each."""
    np.save(folder / _SEEN, np.unique(_fingerprints(images)), allow_pickle=False)


def has_seen(folder: Path, images: Pixels) -> Booleans:
    """Return which images have a fingerprint in the run folder: bool, shape (n,)."""
    seen = np.load(folder / _SEEN, allow_pickle=False)
    return np.isin(_fingerprints(images), seen)


def _fingerprints(images: Pixels) -> npt.NDArray[np.uint64]:
    digests = (hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images)
    return np.frombuffer(b"".join(digests), np.uint64)
