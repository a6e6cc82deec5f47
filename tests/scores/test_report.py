"""Report and confusion matrix against scikit-learn's."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from hmnist.diagnoses import CODES
from hmnist.scores.predictions import Predictions
from hmnist.scores.report import average_report, classification_report, confusion_matrix
from hmnist.scores.scoring import score_predictions
from tests.scores.test_comparison import draw_model

LABELS = list(range(7))

FEW = Predictions(np.array([4, 4, 6]), np.full((3, 7), 1 / 7), np.array([4, 2, 4]))


@pytest.mark.parametrize("predictions", [draw_model(1, 1.5), FEW])
def test_confusion_matrix_is_scikit_learns(predictions: Predictions) -> None:
    expected = metrics.confusion_matrix(predictions.labels, predictions.predicted, labels=LABELS)
    np.testing.assert_array_equal(confusion_matrix(predictions), expected)


@pytest.mark.parametrize("predictions", [draw_model(1, 1.5), FEW])
def test_report_is_scikit_learns(predictions: Predictions) -> None:
    expected: Any = metrics.classification_report(
        predictions.labels,
        predictions.predicted,
        labels=LABELS,
        target_names=CODES,
        output_dict=True,
        zero_division=0,
    )
    report = classification_report(predictions)
    assert tuple(report) == CODES
    for label, (code, row) in enumerate(report.items()):
        occurs, named = (label in rows for rows in (predictions.labels, predictions.predicted))
        assert row.recall == (expected[code]["recall"] if occurs else None)
        assert row.precision == (expected[code]["precision"] if occurs or named else None)
        assert row.f1 == (pytest.approx(expected[code]["f1-score"]) if occurs or named else None)
        assert row.images == expected[code]["support"]


@pytest.mark.parametrize("predictions", [draw_model(1, 1.5), FEW])
def test_averages_are_scikit_learns_of_what_is_known(predictions: Predictions) -> None:
    averages = average_report(classification_report(predictions))
    assert list(averages) == ["macro avg", "weighted avg"]
    for name, row in averages.items():
        # scikit-learn averages over the diagnoses that occur or are predicted.
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(
            predictions.labels,
            predictions.predicted,
            average=name.removesuffix(" avg"),
            zero_division=0,
        )
        assert row.precision == pytest.approx(precision)
        assert row.f1 == pytest.approx(f1)
        assert row.images == len(predictions.labels)
        if name == "weighted avg":
            assert row.recall == pytest.approx(recall)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("predictions", [draw_model(1, 1.5), FEW])
def test_macro_averages_are_the_scores_of_tables(predictions: Predictions) -> None:
    macro = average_report(classification_report(predictions))["macro avg"]
    scores = score_predictions(predictions.labels, predictions.probabilities, predictions.predicted)
    balanced = metrics.balanced_accuracy_score(predictions.labels, predictions.predicted)
    assert macro.recall == pytest.approx(scores.balanced_accuracy) == pytest.approx(balanced)
    assert macro.f1 == pytest.approx(scores.f1_macro)
