"""`Inputs`: what a network reads of an image, and how that is learnt from the training images."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Images
from hmnist.models.feature_extractor import FeatureExtractor
from hmnist.models.linear import measure_scale, standardise

_SCALER = "scaler.npz"


class Inputs:
    """The images themselves; the base class of other inputs."""

    needs_shape: bool = True
    """Whether the shape of the images has to be known."""

    def fit_transform(self, images: Images, seed: int) -> npt.NDArray[Any]:  # noqa: ARG002
        """Learn from the training images, and return what the network reads of them."""
        return images

    def transform(self, images: Images) -> npt.NDArray[Any]:
        """Return what the network reads of images, shape (n, …)."""
        return images

    @property
    def parameter_count(self) -> int:
        """The number of weights that belong to the inputs."""
        return 0

    def save(self, folder: Path) -> None:
        """Write what was learnt, if anything was."""

    def load(self, folder: Path) -> None:
        """Read the files of `save`."""


class FeatureInputs(Inputs):
    """Standardised features of an image, or its standardised pixels.

    Parameters
    ----------
    features : str
        ``"lesion"`` or ``"pixels"``; see `FeatureExtractor`.
    """

    def __init__(self, features: str) -> None:
        self.extractor = FeatureExtractor(features)
        self.needs_shape = features != "pixels"

    def fit_transform(self, images: Images, seed: int) -> Float32:
        """Fit features and scale on the training images, and return their rows."""
        self.extractor = FeatureExtractor(self.extractor.features, seed).fit(images)
        features = self.extractor.transform(images)
        self.centre, self.scale = measure_scale(features)
        return standardise(features, self.centre, self.scale)

    def transform(self, images: Images) -> Float32:
        """Return standardised features: float32, shape (n, features)."""
        return standardise(self.extractor.transform(images), self.centre, self.scale)

    def save(self, folder: Path) -> None:
        """Write the fitted features and their scale."""
        self.extractor.save(folder)
        np.savez(folder / _SCALER, allow_pickle=False, centre=self.centre, scale=self.scale)

    def load(self, folder: Path) -> None:
        """Read the files of `save`."""
        self.extractor.load(folder)
        with (folder / _SCALER).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            self.centre, self.scale = arrays["centre"], arrays["scale"]
