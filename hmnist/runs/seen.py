"""``seen.npz``: fingerprints of the images that trained and validated a model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hmnist.arrays import Array, Booleans, Pixels
from hmnist.dataset import fingerprint_images
from hmnist.guarded import read_arrays, write_arrays

_SEEN = "seen.npz"


def write_seen(folder: Path, parts: Sequence[Pixels]) -> None:
    """Write the fingerprints of the images of some parts into a run folder: eight bytes each."""
    fingerprints = np.concatenate([fingerprint_images(images) for images in parts])
    write_arrays(folder / _SEEN, {"fingerprints": np.unique(fingerprints)})


def read_seen(folder: Path) -> Array:
    """Return the fingerprints in a run folder: uint64, shape (n,); TrustError if it is damaged."""
    return read_arrays(folder / _SEEN, {"fingerprints": (np.uint64, (None,))})["fingerprints"]


def has_seen(folder: Path, images: Pixels) -> Booleans:
    """Return which images have a fingerprint in the run folder: bool, shape (n,)."""
    return np.isin(fingerprint_images(images), read_seen(folder))
