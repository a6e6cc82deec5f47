"""`Predictions`: what one trained model predicted for the images of one test part."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels, Strings
from hmnist.decisions.given import as_diagnoses, as_probabilities
from hmnist.errors import UsageError


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
        n = len(self.labels)
        object.__setattr__(self, "probabilities", check_probabilities(self.probabilities, n))
        object.__setattr__(self, "labels", as_diagnoses("labels", self.labels, n))
        predicted = as_diagnoses("predicted diagnoses", self.predicted, n)
        object.__setattr__(self, "predicted", predicted)
        if self.lesions is not None and len(self.lesions) != n:
            raise UsageError(f"{len(self.lesions):,} lesions for {n:,} images.")

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
                f"A {type(each).__name__} was given; expected Predictions.",
                'Those of a run are run.part("test").',
            )
    return several


def by_fold(predictions: Sequence[Predictions]) -> dict[int, list[Predictions]]:
    """Return the predictions of each fold, in the order of the folds."""
    grouped: dict[int, list[Predictions]] = {}
    for each in sorted(predictions, key=lambda each: each.fold):
        grouped.setdefault(each.fold, []).append(each)
    return grouped


def check_probabilities(probabilities: npt.ArrayLike, n: int) -> Float64:
    """Return n > 0 rows of probabilities as `as_probabilities` does; refuse anything else."""
    if n == 0:
        raise UsageError("There are no images to score.")
    return as_probabilities(probabilities, n)
