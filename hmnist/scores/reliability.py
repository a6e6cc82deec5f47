"""Do probabilities mean what they say? How often a model is right, by how sure it is.

The largest probability of each image is its confidence. `measure_reliability` sorts images by it
into 15 bins of equal width; in a calibrated model's bins the share of right answers is the mean
confidence. The expected calibration error (`hmnist.scores.scoring`) is made of the same bins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.errors import UsageError
from hmnist.scores.predictions import Predictions

__all__ = ["CALIBRATION_BINS", "ReliabilityBin", "measure_reliability", "pooled_calibration_error"]

CALIBRATION_BINS = 15
"""As in Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017."""


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose largest probability lies in one range.

    Attributes
    ----------
    low, high : float
        The range, 0–1; `high` belongs to it, `low` does not.
    images : int
        How many images are in it.
    confidence : float or None
        Their mean largest probability; None where there are none.
    accuracy : float or None
        The share of them whose likeliest diagnosis is the true one, whatever was decided.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


def measure_reliability(cells: Sequence[Predictions]) -> list[ReliabilityBin]:
    """Return how sure and how right the models were, bin by bin, on all their images together.

    Parameters
    ----------
    cells : sequence of Predictions
        What models answered; at least one. The images of all of them fill the same bins.

    Returns
    -------
    list of ReliabilityBin
        All 15, from 0 to 1.

    Raises
    ------
    UsageError
        If there are no cells.

    Examples
    --------
    >>> labels = np.array([4, 4, 4, 6])
    >>> probabilities = np.full((4, 7), 0.02)
    >>> probabilities[:, 4] = 0.88
    >>> cell = Predictions(labels, probabilities, decisions=probabilities.argmax(1))
    >>> [(found.images, found.accuracy) for found in measure_reliability([cell]) if found.images]
    [(4, 0.75)]
    """
    if not cells:
        raise UsageError("There are no predictions to score.")
    confidence = np.concatenate([cell.probabilities.max(1) for cell in cells])
    right = np.concatenate([cell.probabilities.argmax(1) == cell.labels for cell in cells])
    return [
        ReliabilityBin(
            place / CALIBRATION_BINS,
            (place + 1) / CALIBRATION_BINS,
            len(rows),
            float(confidence[rows].mean()) if len(rows) else None,
            float(right[rows].mean()) if len(rows) else None,
        )
        for place, rows in enumerate(sort_into_bins(confidence))
    ]


def pooled_calibration_error(cells: Sequence[Predictions]) -> float:
    """Return the expected calibration error of all cells' images in one set of bins.

    Chance alone moves the accuracy of a bin off its confidence, the more so the fewer images are
    in it: of fourteen hundred images, a perfectly calibrated model shows an error of about .02.
    So the mean of several folds' errors is larger than the error of their images together, which
    is the fairer one. Of a single cell it is the score `calibration_error`.

    Parameters
    ----------
    cells : sequence of Predictions
        What models of one kind answered in several folds; at least one.

    Returns
    -------
    float
        0–1.

    Raises
    ------
    UsageError
        If there are no cells.
    """
    filled = [
        (found.images, abs(found.confidence - found.accuracy))
        for found in measure_reliability(cells)
        if found.confidence is not None and found.accuracy is not None
    ]
    return sum(images * gap for images, gap in filled) / sum(images for images, _ in filled)


def sort_into_bins(confidence: npt.NDArray[np.float64]) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each of the 15 bins, some of which may be empty.

    Bins are closed on the right, as in Guo et al.; what rounding lifts above 1 is in the last.

    Examples
    --------
    >>> [len(rows) for rows in sort_into_bins(np.array([1.0, 2 / 15, 0.14]))][:4]
    [0, 1, 1, 0]
    """
    inner = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    places = np.searchsorted(inner, confidence, side="left")
    return [np.flatnonzero(places == place) for place in range(CALIBRATION_BINS)]
