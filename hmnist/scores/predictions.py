"""`Predictions`: what one trained model answered for the images of one test part."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError

__all__ = ["Predictions", "check_probabilities"]

SUM_TOLERANCE = 1e-3
"""How far a row of probabilities may be from 1: float32 sums and rounded CSV files are nearer."""

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one trained model answered for the images of one test part.

    Attributes
    ----------
    labels : numpy.ndarray of int64, shape (n,)
        The true diagnoses, 0–6 in the Kaggle order.
    probabilities : numpy.ndarray of float64, shape (n, 7)
        One row per image, 0–1, each with the sum 1.
    decisions : numpy.ndarray of int64, shape (n,)
        The diagnoses decided for.
    lesions : numpy.ndarray of str or int, shape (n,), or None
        Which lesion each image shows; None takes every image for a lesion of its own.
    fold : int
        Which test part these are the images of: predictions of one fold share their rows.

    Raises
    ------
    UsageError
        If there are no images, the shapes disagree, a label or a decision is not 0–6, or the
        probabilities are not probabilities.
    """

    labels: Labels
    probabilities: Floats
    decisions: Labels
    lesions: npt.NDArray[np.str_] | npt.NDArray[np.int64] | None = None
    fold: int = 0

    def __post_init__(self) -> None:
        probabilities = np.asarray(self.probabilities, dtype=np.float64)
        n = len(self.labels)
        check_probabilities(probabilities, n)
        object.__setattr__(self, "probabilities", probabilities)
        for what in ("labels", "decisions"):
            object.__setattr__(self, what, _checked_diagnoses(what, getattr(self, what), n))
        if self.lesions is not None and len(self.lesions) != n:
            raise UsageError(f"{len(self.lesions):,} lesions for {n:,} images.")

    def has_rows_of(self, other: "Predictions") -> bool:
        """Tell whether both are about the same images, as far as labels and lesions show."""
        if self.lesions is None or other.lesions is None:
            same_lesions = self.lesions is other.lesions
        else:
            same_lesions = np.array_equal(self.lesions, other.lesions)
        return same_lesions and np.array_equal(self.labels, other.labels)


def check_probabilities(probabilities: Floats, n: int) -> None:
    """Refuse what is no table of n rows of seven probabilities.

    Raises
    ------
    UsageError
        If the shape differs, there are no rows, or a row is not finite, outside 0–1 or without
        the sum 1 (within 0.001).
    """
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


def _checked_diagnoses(what: str, values: npt.ArrayLike, n: int) -> Labels:
    array = np.asarray(values)
    if array.shape != (n,) or not np.issubdtype(array.dtype, np.integer):
        raise UsageError(
            f"{what} have shape {array.shape} and type {array.dtype}; expected {n} whole numbers."
        )
    labels = array.astype(np.int64)
    if labels.min() < 0 or labels.max() >= len(CODES):
        raise UsageError(f"{what} must lie in 0–{len(CODES) - 1}.")
    return labels
