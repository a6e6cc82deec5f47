"""`Predictions`: what one trained model predicted for the images of one test part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels, Strings
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError

SUM_TOLERANCE = 1e-3
"""How far the sum of a row may be from 1: float32 sums and rounded CSV files are nearer."""


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
        probabilities = np.asarray(self.probabilities, dtype=np.float64)
        n = len(self.labels)
        check_probabilities(probabilities, n)
        object.__setattr__(self, "probabilities", probabilities)
        object.__setattr__(self, "labels", _checked("labels", self.labels, n))
        object.__setattr__(self, "predicted", _checked("predicted diagnoses", self.predicted, n))
        if self.lesions is not None and len(self.lesions) != n:
            raise UsageError(f"{len(self.lesions):,} lesions for {n:,} images.")

    def has_rows_of(self, other: "Predictions") -> bool:
        """Tell whether both are for the same images, as far as labels and lesions show."""
        if self.lesions is None or other.lesions is None:
            same_lesions = self.lesions is other.lesions
        else:
            same_lesions = np.array_equal(self.lesions, other.lesions)
        return same_lesions and np.array_equal(self.labels, other.labels)


def by_fold(predictions: Sequence[Predictions]) -> dict[int, list[Predictions]]:
    """Return the predictions of each fold, in the order of the folds."""
    grouped: dict[int, list[Predictions]] = {}
    for each in sorted(predictions, key=lambda each: each.fold):
        grouped.setdefault(each.fold, []).append(each)
    return grouped


def check_probabilities(probabilities: Float64, n: int) -> None:
    """Refuse anything but n > 0 rows of seven finite numbers 0–1 with the sum 1 (± 0.001)."""
    if n == 0:
        raise UsageError("There are no images to score.")
    if probabilities.shape != (n, len(CODES)):
        raise UsageError(
            f"Probabilities have shape {probabilities.shape}; expected ({n}, {len(CODES)}): one "
            f"row per label, one column per diagnosis."
        )
    sums = probabilities.sum(1)
    faults = (
        (~np.isfinite(sums), "not finite"),
        ((probabilities < 0).any(1) | (probabilities > 1 + SUM_TOLERANCE).any(1), "outside 0–1"),
        (np.abs(sums - 1) > SUM_TOLERANCE, "without the sum 1"),
    )
    for faulty, fault in faults:
        if faulty.any():
            raise UsageError(
                f"Row {int(faulty.argmax())} holds probabilities {fault}.",
                "Pass what predict_proba returns, not logits.",
            )


def _checked(name: str, values: npt.ArrayLike, n: int) -> Labels:
    array = np.asarray(values)
    if array.shape != (n,) or not np.issubdtype(array.dtype, np.integer):
        raise UsageError(
            f"The {name} have shape {array.shape} and type {array.dtype}; expected {n} whole "
            "numbers."
        )
    diagnoses = array.astype(np.int64)
    if diagnoses.min() < 0 or diagnoses.max() >= len(CODES):
        raise UsageError(f"The {name} must lie in 0–{len(CODES) - 1}.")
    return diagnoses
