"""The confusion matrix; precision, recall and F1 of each diagnosis, and their means."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Labels
from hmnist.diagnoses import CODES
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import mean_of_known


@dataclass(frozen=True)
class ReportRow:
    """How well one diagnosis is predicted, or all of them on average.

    Attributes
    ----------
    precision, recall, f1 : float or None
        0–1. The recall is None where no image has the diagnosis; all three are where none is
        predicted to have it either.
    images : int
        How many images have the diagnosis, or are averaged.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    images: int


def confusion_matrix(predictions: Predictions) -> Labels:
    """Count the images by true (rows) and by predicted diagnosis (columns): shape (7, 7).

    Examples
    --------
    >>> predictions = Predictions(np.array([4, 4, 6]), np.full((3, 7), 1 / 7), np.array([4, 6, 6]))
    >>> confusion_matrix(predictions)[4].tolist()
    [0, 0, 0, 0, 1, 0, 1]
    """
    counts = np.zeros((len(CODES), len(CODES)), np.int64)
    np.add.at(counts, (predictions.labels, predictions.predicted), 1)
    return counts


def classification_report(predictions: Predictions) -> dict[str, ReportRow]:
    """Return precision, recall and F1 by the diagnosis' code, as scikit-learn defines them.

    The precision of a diagnosis that occurs and is never predicted is 0.

    Examples
    --------
    >>> predictions = Predictions(np.array([4, 4, 6]), np.full((3, 7), 1 / 7), np.array([4, 6, 6]))
    >>> classification_report(predictions)["mel"]
    ReportRow(precision=0.5, recall=1.0, f1=0.6666666666666666, images=1)
    """
    confusion = confusion_matrix(predictions)
    counts = zip(CODES, confusion.diagonal(), confusion.sum(1), confusion.sum(0), strict=True)
    return {code: _make_row(*map(int, numbers)) for code, *numbers in counts}


def average_report(rows: Mapping[str, ReportRow]) -> dict[str, ReportRow]:
    """Return the means over the diagnoses of a report, by the names of scikit-learn.

    ``macro avg`` counts each diagnosis once, ``weighted avg`` as often as it has images. What is
    None counts in neither.

    Examples
    --------
    >>> rows = {"mel": ReportRow(0.5, 1.0, 0.5, 1), "nv": ReportRow(1.0, 0.5, 0.75, 3)}
    >>> average_report(rows)["weighted avg"]
    ReportRow(precision=0.875, recall=0.625, f1=0.6875, images=4)
    """
    columns = [(row.precision, row.recall, row.f1) for row in rows.values()]
    table = np.array(columns, dtype=np.float64)  # None becomes NaN
    images = np.array([row.images for row in rows.values()])
    occur = images > 0
    means = {
        "macro avg": mean_of_known(table),
        "weighted avg": np.average(table[occur], axis=0, weights=images[occur]),
    }
    averages = {}
    for name, mean in means.items():
        precision, recall, f1 = mean.tolist()
        averages[name] = ReportRow(precision, recall, f1, int(images.sum()))
    return averages


def _make_row(hits: int, images: int, predicted: int) -> ReportRow:
    if not images + predicted:
        return ReportRow(None, None, None, 0)
    precision = hits / predicted if predicted else 0.0
    recall = hits / images if images else None
    return ReportRow(precision, recall, 2 * hits / (images + predicted), images)
