"""``seen.npy``: fingerprints of the images that trained and validated a model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hmnist.arrays import Booleans, Pixels
from hmnist.dataset import fingerprint_images

_SEEN = "seen.npy"


def write_seen(folder: Path, parts: Sequence[Pixels]) -> None:
    """Write the fingerprints of the images of some parts into a run folder: eight bytes each."""
    fingerprints = np.concatenate([fingerprint_images(images) for images in parts])
    np.save(folder / _SEEN, np.unique(fingerprints), allow_pickle=False)


def has_seen(folder: Path, images: Pixels) -> Booleans:
    """Return which images have a fingerprint in the run folder: bool, shape (n,)."""
    seen = np.load(folder / _SEEN, allow_pickle=False)
    return np.isin(fingerprint_images(images), seen)
