"""`Reader`: what a model of numbers reads: the features of a lesion, or the pixels as they are."""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from hmnist.errors import UsageError
from hmnist.models.base import Images
from hmnist.models.registry import FEATURES

__all__ = ["Reader", "Table", "check_features"]

Table = npt.NDArray[np.float32]

_FILE = "features.npz"


class Reader:
    """Turns images into a table, a row per image.

    Parameters
    ----------
    features : str
        ``"lesion"`` or ``"pixels"``.
    seed : int
        What fixes the filters that are found among the training images.
    """

    def __init__(self, features: str, seed: int) -> None:
        check_features(features)
        self.features = features
        self.seed = seed

    def fit(self, images: Images) -> Self:
        """Fit filters and codebooks to training images; pixels need none."""
        if self.features == "lesion":
            from hmnist.features.lesion import LesionFeatures

            self.lesion_ = LesionFeatures(random_state=self.seed).fit(images)
        return self

    def read(self, images: Images) -> Table:
        """Return the table of images: float32, shape (n, features)."""
        if self.features == "pixels":
            return images.reshape(len(images), -1).astype(np.float32)
        return np.asarray(self.lesion_.transform(images))

    def names(self, pixels: int) -> list[str]:
        """Return the names of the columns, for images of so many pixels."""
        if self.features == "pixels":
            return [f"pixel{number:04d}" for number in range(pixels)]
        return [str(name) for name in self.lesion_.get_feature_names_out()]

    def save(self, folder: Path) -> None:
        """Write what was fitted, if anything was."""
        if self.features == "lesion":
            np.savez(folder / _FILE, allow_pickle=False, **self.lesion_.to_arrays())

    def load(self, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        TrustError
            If the arrays are not what they should be.
        """
        if self.features == "lesion":
            from hmnist.features.lesion import LesionFeatures

            with np.load(folder / _FILE, allow_pickle=False) as arrays:
                self.lesion_ = LesionFeatures.from_arrays(dict(arrays))
        return self


def check_features(features: str) -> None:
    """Refuse features that there are not.

    Raises
    ------
    UsageError
        If the name is unknown.
    """
    if features not in FEATURES:
        raise UsageError(
            f"There are no features called {features!r}.", f"Choose {', '.join(FEATURES)}."
        )
