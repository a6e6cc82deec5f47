"""`Familiarity`: which images are unlike the training data, so that a prediction says little.

A classifier chooses one of its diagnoses, whatever an image shows, and may be sure of it. So the
distance of an image from the training images is measured beside it (novelty detection). Images are
described by colours, shapes and textures, which hardly change when an image is turned. The distance
is Mahalanobis' under probabilistic principal component analysis (Tipping & Bishop, *Journal of the
Royal Statistical Society B* 61:611, 1999): each of the first components has a variance of its own,
and all other directions share one. Lee et al., *A Simple Unified Framework for Detecting
Out-of-Distribution Samples*, NeurIPS 2018, measure it in the layers of a network. Here it is the
same for all models on a split.

An image is unfamiliar if it is further away than 99 % of the validation images. A familiar image
may still be misdiagnosed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from hmnist.arrays import Array, Booleans, Float32, Pixels, Shape
from hmnist.errors import TrustError
from hmnist.features.pixels import as_images, can_describe
from hmnist.features.unfitted import describe_unfitted
from hmnist.guarded import Expected
from hmnist.hardware import usable_threads
from hmnist.large_arrays import chunks_of, release

FALSE_ALARMS = 0.01
"""The share of images like the training data that are called unfamiliar."""

LEAST_VALIDATION = 19
"""Validation images. With fewer, that share would be more than one in twenty."""

MOST_IMAGES = 1000
"""Images of a part that are used at most: 3,000 training images found the same on HAM10000."""

COMPONENTS = 32
"""Principal components. Half and twice as many did as well on HAM10000."""

CLIP = 5.0
"""Standardised features are clipped to ±5: one of them alone makes no image unfamiliar. On HAM10000
as much was found as without, and where few images validate, one odd image spoils less."""

LEAST_VARIANCE = 1e-6
"""Of standardised features: images that are all the same have no variance."""


ARRAYS: Expected = {
    "image_shape": (np.int64, (3,)),
    "centre": (np.float32, (None,)),
    "scale": (np.float32, (None,)),
    "components": (np.float32, (None, None)),
    "variances": (np.float32, (None,)),
    "noise": (np.float64, ()),
    "threshold": (np.float64, ()),
    "false_alarms": (np.float64, ()),
}
"""The arrays of `Familiarity.to_arrays`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Familiarity:
    """What training images look like, and from which distance on an image is unlike them.

    Attributes
    ----------
    image_shape : tuple of int
        Height, width and channels of the images.
    centre, scale : numpy.ndarray of float32, shape (features,)
        Mean and standard deviation of each feature.
    components : numpy.ndarray of float32, shape (features, k)
        The principal components of the standardised features, one in each column.
    variances : numpy.ndarray of float32, shape (k,)
        The variances along the components.
    noise : float
        The variance along every other direction.
    threshold : float
        The largest distance of a familiar image.
    false_alarms : float
        The expected share of images like the training data that are called unfamiliar, 0–1.
    """

    image_shape: Shape
    centre: Float32
    scale: Float32
    components: Float32
    variances: Float32
    noise: float
    threshold: float
    false_alarms: float

    def __post_init__(self) -> None:
        columns, count = self.components.shape
        alike = len(self.centre) == len(self.scale) == columns and len(self.variances) == count
        if not (alike and columns and count and can_describe(self.image_shape)):
            raise ValueError("its arrays do not belong together")
        if not min(self.scale.min(), self.variances.min(), self.noise) > 0:
            raise ValueError("a scale or a variance is not above 0")

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """Return what `to_arrays` returned; ValueError if the arrays do not belong together."""
        height, width, channels = map(int, arrays["image_shape"])
        return cls(
            image_shape=(height, width, channels),
            centre=arrays["centre"],
            scale=arrays["scale"],
            components=arrays["components"],
            variances=arrays["variances"],
            noise=float(arrays["noise"]),
            threshold=float(arrays["threshold"]),
            false_alarms=float(arrays["false_alarms"]),
        )

    def to_arrays(self) -> dict[str, Array]:
        """Return plain arrays for `numpy.savez`, by the names of the attributes."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    def is_unfamiliar(self, images: npt.ArrayLike) -> Booleans:
        """Return which images are unlike the training data: bool, shape (n,).

        Images are those of `measure_distances`.
        """
        return np.asarray(self.measure_distances(images) > self.threshold)

    def measure_distances(self, images: npt.ArrayLike) -> Float32:
        """Return the distance of each image from the training images: float32, shape (n,).

        Images are pixels 0–255 of the shape of the training images, (n, h, w, c) or (n, h·w·c);
        others raise a UsageError.
        """
        pixels = as_images(images, self.image_shape)
        features = describe_unfitted(pixels, usable_threads())
        if features.shape[1] != len(self.centre):
            raise TrustError(
                f"What is known of the training images has {len(self.centre):,} columns; images of "
                f"this size have {features.shape[1]:,}.",
                "Train it again.",
            )
        distances = np.empty(len(features), np.float32)
        for part in chunks_of(features):
            distances[part] = self._measure(features[part])
            release(features)
        return distances

    def _measure(self, features: Float32) -> Float32:
        standardised = _standardise(features, self.centre, self.scale)
        along = standardised @ self.components
        # Components are orthogonal, so that the rest of the length lies across them.
        across = np.vecdot(standardised, standardised) - np.vecdot(along, along)
        squares = (along**2 / self.variances).sum(axis=1) + across.clip(0) / self.noise
        return np.asarray(np.sqrt(squares))


def fit_familiarity(training: Pixels, validation: Pixels) -> Familiarity | None:
    """Learn what training images look like, and which distances validation images have.

    Parameters
    ----------
    training, validation : numpy.ndarray of uint8, shape (n, h, w, c)
        Images of different lesions. Up to 1,000 of each are used.

    Returns
    -------
    Familiarity or None
        None with fewer than 19 validation images, or if the images are too small to be described.

    Examples
    --------
    >>> images = np.random.default_rng(0).integers(90, 160, (300, 8, 8, 3), dtype=np.uint8)
    >>> familiarity = fit_familiarity(images[:200], images[200:])
    >>> familiarity.is_unfamiliar(np.zeros((1, 8, 8, 3), np.uint8))
    array([ True])
    """
    shape = training.shape[1:]
    if len(validation) < LEAST_VALIDATION or not can_describe(shape):
        return None
    rows = describe_unfitted(_choose(training), usable_threads())
    centre, deviation = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(deviation > 0, deviation, np.float32(1))
    with threadpool_limits(1):  # with more threads, sums are added in another order
        standardised = _standardise(rows, centre, scale)
        variances, components = np.linalg.eigh(np.cov(standardised, rowvar=False))
    count = max(1, min(COMPONENTS, len(rows) // 10))
    noise = max(float(variances[:-count].mean()), LEAST_VARIANCE)
    familiarity = Familiarity(
        image_shape=shape,
        centre=centre,
        scale=scale,
        components=np.ascontiguousarray(components[:, -count:], np.float32),
        variances=variances[-count:].clip(noise).astype(np.float32),
        noise=float(np.float32(noise)),
        threshold=math.inf,
        false_alarms=0,
    )
    return _set_threshold(familiarity, familiarity.measure_distances(_choose(validation)))


def _standardise(features: Float32, centre: Float32, scale: Float32) -> Float32:
    return np.asarray(((features - centre) / scale).clip(-CLIP, CLIP))


def _set_threshold(familiarity: Familiarity, distances: Float32) -> Familiarity:
    """Set the threshold at a distance of validation, that of the highest rank where they are few.

    A new image is as likely to fall between any two neighbours of these distances (conformal
    prediction; Vovk, Gammerman & Shafer, *Algorithmic Learning in a Random World*, 2005).
    """
    count = len(distances)
    rank = min(count, math.ceil((count + 1) * (1 - FALSE_ALARMS)))
    return replace(
        familiarity,
        threshold=float(np.sort(distances)[rank - 1]),
        false_alarms=1 - rank / (count + 1),
    )


def _choose(images: Pixels) -> Pixels:
    """Return at most `MOST_IMAGES`, at equal distances: files are often sorted by diagnosis."""
    if len(images) <= MOST_IMAGES:
        return images
    return images[np.linspace(0, len(images) - 1, MOST_IMAGES).astype(np.intp)]
