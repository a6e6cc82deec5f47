"""`Oversampled`: the training part as a model will see it."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Float64, Indices, Labels, Pixels
from hmnist.augmentation import orient_each
from hmnist.dataset import LesionDataset
from hmnist.large_arrays import chunks_of, empty_rows, release


@dataclass(frozen=True, eq=False)
class Oversampled:
    """The training part as a model will see it.

    Attributes
    ----------
    indices : numpy.ndarray of int64, shape (m,)
        Rows of the training part, with repetition; every row occurs at least once, unless a sampler
        of one's own has left some out.
    orientations : numpy.ndarray of uint8, shape (m,)
        The orientation (0–7, see `hmnist.augmentation.orient`) of each; 0 is the image as it is.
    new_images : numpy.ndarray of uint8, shape (k, h, w, c)
        Images that SMOTE or another sampler made; they follow the repeated ones.
    new_labels : numpy.ndarray of int64, shape (k,)
        Their diagnoses.
    new_rows : numpy.ndarray of int64, shape (k,)
        The rows of the training part that they were made of, whose patient data they have. Where
        that is unknown, those of the most similar image of their diagnosis.
    weights : numpy.ndarray of float64, shape (m + k,), or None
        How much each image counts in the loss; None if all count the same.
    """

    indices: Indices
    orientations: npt.NDArray[np.uint8]
    new_images: Pixels = field(repr=False)
    new_labels: Labels = field(repr=False)
    new_rows: Indices = field(repr=False)
    weights: Float64 | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.indices) + len(self.new_images)

    @property
    def rows(self) -> Indices:
        """The row of the training part that each image was made of: int64, shape (m + k,)."""
        return np.concatenate([self.indices, self.new_rows])

    def apply(self, training: LesionDataset) -> tuple[Pixels, Labels]:
        """Return images (uint8, (m + k, h, w, c)) and labels (int64, (m + k,)) to fit on.

        Images of more than half a gigabyte lie in a file; see `hmnist.large_arrays`.
        """
        images = empty_rows((len(self), *training.image_shape), np.uint8)
        repeated = images[: len(self.indices)]
        for part in chunks_of(repeated):
            rows, orientations = self.indices[part], self.orientations[part]
            repeated[part] = orient_each(training.images[rows], orientations)
            release(training.images)
            release(images)
        images[len(self.indices) :] = self.new_images
        return images, np.concatenate([training.labels[self.indices], self.new_labels])

    def patients(self, training: LesionDataset) -> Float32 | None:
        """Return the patient data to fit on, shape (m + k, columns); None if they are unknown."""
        return None if training.patients is None else np.take(training.patients, self.rows, axis=0)


def keep_all(training: LesionDataset) -> Oversampled:
    """Return every image once, as it is."""
    return repeat_rows(training, np.arange(len(training)))


def repeat_rows(training: LesionDataset, indices: Indices) -> Oversampled:
    """Return the images of some rows, as they are; rows may be repeated."""
    orientations = np.zeros(len(indices), np.uint8)
    new_images = np.empty((0, *training.image_shape), np.uint8)
    none = np.empty(0, np.int64)
    return Oversampled(indices, orientations, new_images, new_labels=none, new_rows=none)


def nearest_rows(training: LesionDataset, images: Pixels, labels: Labels) -> Indices:
    """Return the row of the most similar training image of each image's diagnosis: shape (k,).

    Of a diagnosis that the training part does not have, it is the most similar image of all.
    """
    from sklearn.metrics import pairwise_distances_argmin

    rows = np.empty(len(labels), np.int64)
    pixels = images.reshape(len(images), math.prod(training.image_shape)).astype(np.float32)
    for label in np.unique(labels):
        candidates, chosen = np.flatnonzero(training.labels == label), labels == label
        candidates = candidates if len(candidates) else np.arange(len(training))
        originals = training.X[candidates].astype(np.float32)
        rows[chosen] = candidates[pairwise_distances_argmin(pixels[chosen], originals)]
    return rows
