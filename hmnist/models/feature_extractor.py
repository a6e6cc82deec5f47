"""`FeatureExtractor`: images as rows of numbers, either features of the lesion or plain pixels."""

from pathlib import Path
from typing import Self

import numpy as np

from hmnist.arrays import Float32, Images
from hmnist.errors import unknown_name
from hmnist.models.registry import FEATURES

_FILE = "features.npz"


class FeatureExtractor:
    """Turns each image into a row of numbers.

    Parameters
    ----------
    features : str
        ``"lesion"`` for the features of `hmnist.features`, or ``"pixels"``.
    seed : int
        The seed of the filters that are learnt from the training images.

    Raises
    ------
    UsageError
        If there are no features of that name.
    """

    def __init__(self, features: str, seed: int = 0) -> None:
        if features not in FEATURES:
            raise unknown_name("features", features, FEATURES)
        self.features = features
        self.seed = seed

    def fit(self, images: Images) -> Self:
        """Learn filters and codebooks from training images; pixels need none."""
        if self.features == "lesion":
            from hmnist.features.lesion import LesionFeatures

            self.lesion_ = LesionFeatures(random_state=self.seed).fit(images)
        return self

    def transform(self, images: Images) -> Float32:
        """Return a row for each image: float32, shape (n, features)."""
        if self.features == "pixels":
            return images.reshape(len(images), -1).astype(np.float32)
        return np.asarray(self.lesion_.transform(images))

    def feature_names(self, pixels: int) -> list[str]:
        """Return the names of the columns, for images of so many pixels."""
        if self.features == "pixels":
            return [f"pixel{index:04d}" for index in range(pixels)]
        return [str(name) for name in self.lesion_.get_feature_names_out()]

    def save(self, folder: Path) -> None:
        """Write what was learnt, if anything was."""
        if self.features == "lesion":
            np.savez(folder / _FILE, allow_pickle=False, **self.lesion_.to_arrays())

    def load(self, folder: Path) -> Self:
        """Read the file of `save`.

        Raises
        ------
        TrustError
            If the arrays are damaged.
        """
        if self.features == "lesion":
            from hmnist.features.lesion import LesionFeatures

            with np.load(folder / _FILE, allow_pickle=False) as arrays:
                self.lesion_ = LesionFeatures.from_arrays(dict(arrays))
        return self
