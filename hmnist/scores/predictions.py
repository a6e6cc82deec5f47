"""`Predictions`: what one trained model predicted for the images of one test part."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels, Strings
from hmnist.decisions.given import as_diagnoses, as_probabilities
from hmnist.errors import UsageError, with_article

_EQUAL = 1e-6
"""Probabilities that differ by less are the same: files have six decimals."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one trained model predicted for the images of one test part.

    Attributes
    ----------
    labels : numpy.ndarray of int64, shape (n,)
        The true diagnoses, 0–6 in the Kaggle order.
    probabilities : numpy.ndarray of float64, shape (n, 7)
        One row per image, 0–1, each with the sum 1 (within 0.001).
    predicted : numpy.ndarray of int64, shape (n,)
        The predicted diagnoses, 0–6 in the Kaggle order.
    lesions : numpy.ndarray of str or int, shape (n,), or None
        The lesion that each image shows; None counts every image as a lesion of its own.
    fold : int
        The number of the test part: predictions of one fold are for the same images.

    Raises
    ------
    UsageError
        If there are no images, the shapes disagree, a diagnosis is not 0–6, or the probabilities
        are not probabilities.
    """

    labels: Labels
    probabilities: Float64
    predicted: Labels
    lesions: Strings | npt.NDArray[np.int64] | None = None
    fold: int = 0

    def __post_init__(self) -> None:
        n = count_images(self.labels)
        object.__setattr__(self, "probabilities", as_probabilities(self.probabilities, n))
        object.__setattr__(self, "labels", as_diagnoses("labels", self.labels, n))
        predicted = as_diagnoses("predicted diagnoses", self.predicted, n)
        object.__setattr__(self, "predicted", predicted)
        if self.lesions is not None:
            lesions = np.asarray(self.lesions)
            if lesions.shape != (n,):
                raise UsageError(f"Lesions of shape {lesions.shape} for {n:,} images.")
            object.__setattr__(self, "lesions", lesions)

    @property
    def are_constant(self) -> bool:
        """Whether all images have the same probabilities, as of a model that has learnt nothing."""
        return len(self.labels) > 1 and bool(np.ptp(self.probabilities, axis=0).max() < _EQUAL)

    def has_rows_of(self, other: "Predictions") -> bool:
        """Tell whether both are for the same images, as far as labels and lesions show."""
        if self.lesions is None or other.lesions is None:
            same_lesions = self.lesions is other.lesions
        else:
            same_lesions = np.array_equal(self.lesions, other.lesions)
        return same_lesions and np.array_equal(self.labels, other.labels)


def as_list(predictions: Predictions | Iterable[Predictions]) -> list[Predictions]:
    """Return one or several predictions as a list.

    Raises
    ------
    UsageError
        If something else is among them, such as a run.
    """
    several = list(predictions) if isinstance(predictions, Iterable) else [predictions]
    for each in several:
        if not isinstance(each, Predictions):
            raise UsageError(
                f"Expected Predictions, not {with_article(type(each))}.",
                'Those of a run are run.part("test").',
            )
    return several


def by_fold(predictions: Sequence[Predictions]) -> dict[int, list[Predictions]]:
    """Return the predictions of each fold, in the order of the folds."""
    grouped: dict[int, list[Predictions]] = {}
    for each in sorted(predictions, key=lambda each: each.fold):
        grouped.setdefault(each.fold, []).append(each)
    return grouped


def count_images(labels: npt.ArrayLike) -> int:
    """Return how many images have a label; a UsageError if there are none."""
    if np.size(labels) == 0 or np.ndim(labels) == 0:
        raise UsageError("There are no images to score.")
    return int(np.shape(labels)[0])
