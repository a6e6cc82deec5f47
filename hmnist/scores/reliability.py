"""Reliability: how often a model is right, by how confident it is.

The largest probability of each image is its confidence; images are sorted by it into 15 bins of
equal width. In each bin of a calibrated model, the share of right answers equals the mean
confidence. The expected calibration error (`hmnist.scores.scoring`) uses the same bins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Float64, Indices
from hmnist.errors import UsageError
from hmnist.scores.predictions import Predictions

CALIBRATION_BINS = 15
"""As in Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017."""


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose largest probability lies in one range.

    Attributes
    ----------
    low, high : float
        The range, 0–1; `high` belongs to it, `low` does not.
    confidence : float or None
        Their mean largest probability; None where there are none.
    accuracy : float or None
        The share of them whose most probable diagnosis is the true one, whatever was predicted.
    lesions : int or None
        How many lesions they show; None where lesions are unknown.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None
    lesions: int | None = None

    @property
    def observations(self) -> int:
        """How many independent observations: lesions, or images where lesions are unknown."""
        return self.images if self.lesions is None else self.lesions


def measure_reliability(predictions: Sequence[Predictions]) -> list[ReliabilityBin]:
    """Return how confident and how right the models were, bin by bin, on all images together.

    Parameters
    ----------
    predictions : sequence of Predictions
        At least one. The images of all of them fill the same bins, and a lesion counts once.

    Returns
    -------
    list of ReliabilityBin
        All 15, from 0 to 1.

    Raises
    ------
    UsageError
        If there are no predictions.

    Examples
    --------
    >>> labels = np.array([4, 4, 4, 6])
    >>> probabilities = np.full((4, 7), 0.02)
    >>> probabilities[:, 4] = 0.88
    >>> predictions = Predictions(labels, probabilities, predicted=probabilities.argmax(1))
    >>> bins = measure_reliability([predictions])
    >>> [(each.images, each.accuracy) for each in bins if each.images]
    [(4, 0.75)]
    """
    if not predictions:
        raise UsageError("There are no predictions to score.")
    confidence = np.concatenate([each.probabilities.max(1) for each in predictions])
    right = np.concatenate([each.probabilities.argmax(1) == each.labels for each in predictions])
    known = [each.lesions for each in predictions if each.lesions is not None]
    lesions = np.concatenate(known) if len(known) == len(predictions) else None
    return [
        ReliabilityBin(
            number / CALIBRATION_BINS,
            (number + 1) / CALIBRATION_BINS,
            len(rows),
            float(confidence[rows].mean()) if len(rows) else None,
            float(right[rows].mean()) if len(rows) else None,
            None if lesions is None else len(np.unique(lesions[rows])),
        )
        for number, rows in enumerate(sort_into_bins(confidence))
    ]


def pooled_calibration_error(predictions: Sequence[Predictions]) -> float:
    """Return the expected calibration error of the images of all folds in one set of bins.

    Chance alone moves the accuracy of a bin away from its confidence, and more so if it has few
    images: on 1,400 images, a perfectly calibrated model shows an error of about .02. So the mean
    of several folds' errors is larger than the error of their images together, which is the fairer
    one. For a single fold it is the score `calibration_error`.
    """
    filled = [
        (each.images, abs(each.confidence - each.accuracy))
        for each in measure_reliability(predictions)
        if each.confidence is not None and each.accuracy is not None
    ]
    return sum(images * gap for images, gap in filled) / sum(images for images, _ in filled)


def sort_into_bins(confidence: Float64) -> list[Indices]:
    """Return the rows of each of the 15 bins, some of which may be empty.

    Bins are closed on the right, as in Guo et al.; values that rounding raised above 1 are in the
    last one.

    Examples
    --------
    >>> [len(rows) for rows in sort_into_bins(np.array([1.0, 2 / 15, 0.14]))][:4]
    [0, 1, 1, 0]
    """
    inner = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    numbers = np.searchsorted(inner, confidence, side="left")
    return [np.flatnonzero(numbers == number) for number in range(CALIBRATION_BINS)]
