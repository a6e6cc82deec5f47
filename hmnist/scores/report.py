"""The confusion matrix; precision, recall and F1 of each diagnosis, and their means."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Float64, Labels
from hmnist.diagnoses import CODES
from hmnist.scores.predictions import Predictions


@dataclass(frozen=True)
class ReportRow:
    """How well one diagnosis is predicted, or all of them on average.

    Attributes
    ----------
    precision, recall, f1 : float
        0–1; 0 where there is no image to compute them from.
    images : int
        How many images have the diagnosis, or are averaged.
    """

    precision: float
    recall: float
    f1: float
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

    Examples
    --------
    >>> predictions = Predictions(np.array([4, 4, 6]), np.full((3, 7), 1 / 7), np.array([4, 6, 6]))
    >>> classification_report(predictions)["mel"]
    ReportRow(precision=0.5, recall=1.0, f1=0.6666666666666666, images=1)
    """
    confusion = confusion_matrix(predictions)
    hits, images, predicted = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    precision, recall = _ratio(hits, predicted), _ratio(hits, images)
    f1 = _ratio(2 * hits, images + predicted)
    return {
        code: ReportRow(
            float(precision[label]), float(recall[label]), float(f1[label]), int(images[label])
        )
        for label, code in enumerate(CODES)
    }


def average_report(rows: Mapping[str, ReportRow]) -> dict[str, ReportRow]:
    """Return the means over the diagnoses of a report, by the names of scikit-learn.

    ``macro avg`` counts each diagnosis once, ``weighted avg`` as often as it has images.

    Examples
    --------
    >>> rows = {"mel": ReportRow(0.5, 1.0, 0.5, 1), "nv": ReportRow(1.0, 0.5, 0.75, 3)}
    >>> average_report(rows)["weighted avg"]
    ReportRow(precision=0.875, recall=0.625, f1=0.6875, images=4)
    """
    table = np.array([[row.precision, row.recall, row.f1] for row in rows.values()])
    images = np.array([row.images for row in rows.values()])
    averages = {}
    for name, weights in (("macro avg", None), ("weighted avg", images)):
        precision, recall, f1 = np.average(table, axis=0, weights=weights).tolist()
        averages[name] = ReportRow(precision, recall, f1, int(images.sum()))
    return averages


def _ratio(parts: Labels, wholes: Labels) -> Float64:
    return np.divide(parts, wholes, out=np.zeros(len(CODES)), where=wholes > 0)
