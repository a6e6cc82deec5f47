"""`Inputs`: what a model reads of an image, and how that is learnt from the training images."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Images, Shape
from hmnist.errors import unknown_name
from hmnist.features.fitted import FittedFeatures
from hmnist.features.state import expected_arrays
from hmnist.features.steps import OnStep, ignore_steps, part_of
from hmnist.features.store import digest, kept
from hmnist.guarded import read_arrays, write_arrays
from hmnist.hardware import usable_threads
from hmnist.models.linear import CLIP, check_scale, measure_scale, standardise
from hmnist.models.registry import FEATURES

FEATURES_FILE = "features.npz"
SCALER_FILE = "scaler.npz"


class Inputs:
    """The images themselves; the base class of other inputs."""

    needs_shape: bool = True
    """Whether the shape of the images has to be known."""

    is_traceable: bool = True
    """Whether there is `trace`, beside `transform`."""

    epochs: float = 0
    """How many epochs of a network they take in time for the training images, roughly."""

    def fit_transform(
        self,
        images: Images,
        seed: int,  # noqa: ARG002
        on_step: OnStep = ignore_steps,  # noqa: ARG002
    ) -> npt.NDArray[Any]:
        """Learn from the training images, and return what the model reads of them."""
        return images

    def transform(self, images: Images) -> npt.NDArray[Any]:
        """Return what the model reads of images, shape (n, …)."""
        return images

    def trace(self, images: Any) -> Any:
        """Return the same of a float32 tensor, as a part of a TensorFlow graph."""
        return images

    @property
    def parameter_count(self) -> int:
        """The number of weights that belong to the inputs."""
        return 0

    def save(self, folder: Path) -> None:
        """Write what was learnt, if anything was."""

    def load(self, folder: Path, shape: Shape) -> tuple[int, ...]:  # noqa: ARG002
        """Read the files of `save`, for images of a shape; return the shape of one input.

        Raises
        ------
        TrustError
            If a file is damaged.
        ValueError
            If the files are of other images.
        """
        return shape


class FeatureExtractor(Inputs):
    """Turns each image into a row of numbers.

    They are the features of `hmnist.features` (``lesion``) or plain ``pixels``. Other names raise a
    UsageError.
    """

    def __init__(self, features: str) -> None:
        if features not in FEATURES:
            raise unknown_name("features", features, FEATURES)
        self.features = features
        self.needs_shape = features != "pixels"

    def fit_transform(self, images: Images, seed: int, on_step: OnStep = ignore_steps) -> Float32:
        """Learn filters and codebooks from the training images, if needed; return their rows."""
        if self.features == "lesion":
            # Fitting and describing 7,000 images take about as long as each other.
            fitting = part_of(on_step, 0, 0.5)
            arrays = kept(
                lambda: {"fitted": "lesion", "seed": seed, "images": digest(images)},
                lambda: _fit_lesion(images, seed, fitting).to_arrays(),
            )
            self.lesion_ = FittedFeatures.from_arrays(arrays)
        return self.transform(images, part_of(on_step, 0.5, 1))

    def transform(self, images: Images, on_step: OnStep = ignore_steps) -> Float32:
        """Return a row for each image: float32, shape (n, features)."""
        if self.features == "pixels":
            return images.reshape(len(images), -1).astype(np.float32)
        lesion = self.lesion_
        arrays = kept(
            lambda: self._facts(images),
            lambda: {"rows": lesion.transform(images, usable_threads(), on_step)},
        )
        return np.asarray(arrays["rows"])

    def _facts(self, images: Images) -> dict[str, str]:
        """Return what fixes the rows of images."""
        fitted = {name: digest(array) for name, array in self.lesion_.to_arrays().items()}
        return {**fitted, "images": digest(images)}

    def feature_names(self, pixels: int) -> list[str]:
        """Return the names of the columns, for images of so many pixels."""
        if self.features == "pixels":
            return [f"pixel{index:04d}" for index in range(pixels)]
        return list(self.lesion_.names)

    def save(self, folder: Path) -> None:
        """Write filters and codebooks, if there are any."""
        if self.features == "lesion":
            write_arrays(folder / FEATURES_FILE, self.lesion_.to_arrays())

    def load(self, folder: Path, shape: Shape) -> tuple[int, ...]:
        """Read the file of `save`, for images of a shape; errors are those of `Inputs.load`."""
        if self.features == "pixels":
            return (math.prod(shape),)
        arrays = read_arrays(folder / FEATURES_FILE, expected_arrays(shape))
        if tuple(arrays["image_shape"]) != shape:
            raise ValueError(f"its features are those of images of {arrays['image_shape']}")
        self.lesion_ = FittedFeatures.from_arrays(arrays)
        return (len(self.lesion_.names),)


def _fit_lesion(images: Images, seed: int, on_step: OnStep) -> FittedFeatures:
    # Not at the top: scikit-learn takes a second to load, and prediction does not need it.
    from hmnist.features.lesion import LesionFeatures

    return LesionFeatures(random_state=seed).fit(images, on_step=on_step).fitted_


class StandardisedFeatures(Inputs):
    """Features with mean 0 and deviation 1 in training; see `FeatureExtractor`."""

    def __init__(self, features: str) -> None:
        self.extractor = FeatureExtractor(features)
        self.needs_shape = self.extractor.needs_shape
        self.is_traceable = features == "pixels"
        self.epochs = 13 if features == "lesion" else 0

    def fit_transform(self, images: Images, seed: int, on_step: OnStep = ignore_steps) -> Float32:
        """Fit features and scale on the training images, and return their rows."""
        features = self.extractor.fit_transform(images, seed, on_step)
        self.centre, self.scale = measure_scale(features)
        return standardise(features, self.centre, self.scale)

    def transform(self, images: Images) -> Float32:
        """Return standardised features: float32, shape (n, features)."""
        return standardise(self.extractor.transform(images), self.centre, self.scale)

    def trace(self, images: Any) -> Any:
        """Return standardised pixels of a float32 tensor: the other features are numpy's."""
        import tensorflow as tf

        pixels = tf.reshape(images, (-1, len(self.centre)))
        return tf.clip_by_value((pixels - self.centre) / self.scale, -CLIP, CLIP)

    def save(self, folder: Path) -> None:
        """Write the fitted features and their scale, for `read_inputs`."""
        self.extractor.save(folder)
        write_arrays(folder / SCALER_FILE, {"centre": self.centre, "scale": self.scale})

    def load(self, folder: Path, shape: Shape) -> tuple[int, ...]:
        """Read the files of `save`, for images of a shape; errors are those of `Inputs.load`."""
        columns = self.extractor.load(folder, shape)
        kind = (np.float32, columns)
        arrays = read_arrays(folder / SCALER_FILE, {"centre": kind, "scale": kind})
        check_scale(arrays["scale"])
        self.centre, self.scale = arrays["centre"], arrays["scale"]
        return columns


def read_inputs(folder: Path, shape: Shape) -> Inputs:
    """Return the inputs that a model has saved: standardised features, or else the images.

    They are for images of a shape; errors are those of `Inputs.load`.
    """
    if not (folder / SCALER_FILE).is_file():
        return Inputs()
    inputs = StandardisedFeatures("lesion" if (folder / FEATURES_FILE).is_file() else "pixels")
    inputs.load(folder, shape)
    return inputs
