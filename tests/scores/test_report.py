"""Report and confusion matrix against scikit-learn's."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from hmnist.diagnoses import CODES
from hmnist.scores.predictions import Predictions
from hmnist.scores.report import average_report, classification_report, confusion_matrix
from tests.scores.test_comparison import draw_model

LABELS = list(range(7))

FEW = Predictions(np.array([4, 4, 6]), np.full((3, 7), 1 / 7), np.array([4, 2, 4]))


def scikit_learns_report(predictions: Predictions) -> Any:
    return metrics.classification_report(
        predictions.labels,
        predictions.predicted,
        labels=LABELS,
        target_names=CODES,
        output_dict=True,
        zero_division=0,
    )


@pytest.mark.parametrize("predictions", [draw_model(1, 1.5), FEW])
def test_confusion_matrix_is_scikit_learns(predictions: Predictions) -> None:
    expected = metrics.confusion_matrix(predictions.labels, predictions.predicted, labels=LABELS)
    np.testing.assert_array_equal(confusion_matrix(predictions), expected)


@pytest.mark.parametrize("predictions", [draw_model(1, 1.5), FEW])
def test_report_is_scikit_learns(predictions: Predictions) -> None:
    expected = scikit_learns_report(predictions)
    report = classification_report(predictions)
    assert tuple(report) == CODES
    for code, row in report.items():
        assert row.precision == expected[code]["precision"]
        assert row.recall == expected[code]["recall"]
        assert row.f1 == pytest.approx(expected[code]["f1-score"])
        assert row.images == expected[code]["support"]


@pytest.mark.parametrize("predictions", [draw_model(1, 1.5), FEW])
def test_averages_are_scikit_learns(predictions: Predictions) -> None:
    expected = scikit_learns_report(predictions)
    averages = average_report(classification_report(predictions))
    assert list(averages) == ["macro avg", "weighted avg"]
    for name, row in averages.items():
        assert row.precision == pytest.approx(expected[name]["precision"])
        assert row.recall == pytest.approx(expected[name]["recall"])
        assert row.f1 == pytest.approx(expected[name]["f1-score"])
        assert row.images == expected[name]["support"]
