"""Scores against scikit-learn's, and against arithmetic done by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from hmnist.arrays import Float64, Labels
from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.errors import UsageError
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import (
    LOWER_IS_BETTER,
    SCORE_NAMES,
    SCORES,
    score_predictions,
    weighted_scores,
)
from hmnist.scores.weighting import PreparedPredictions

Drawn = tuple[Labels, Float64, Labels]


def draw_predictions(seed: int, n: int = 300, *, decimals: int | None = None) -> Drawn:
    """Labels, probabilities (with ties where rounded) and predicted diagnoses of a fair model."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(7), rng.choice(7, n - 7, p=[0.1] * 4 + [0.4, 0.1, 0.1])])
    logits = rng.normal(size=(n, 7)) + 1.5 * np.eye(7)[labels]
    if decimals is not None:
        logits = logits.round(decimals)
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(1, keepdims=True)
    if decimals is not None:
        probabilities = np.round(probabilities * 32) / 32
        probabilities[:, 4] += 1 - probabilities.sum(1)
        probabilities[probabilities.min(1) < 0] = 1 / 8
        probabilities[:, 4] += 1 - probabilities.sum(1)
    predicted = (probabilities * rng.uniform(0.5, 2, 7)).argmax(1)
    return labels, probabilities, predicted


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("seed", range(5))
def test_scores_are_scikit_learns(seed: int, decimals: int | None) -> None:
    labels, probabilities, predicted = draw_predictions(seed, decimals=decimals)

    scores = score_predictions(labels, probabilities, predicted)

    expected = {
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "f1_macro": metrics.f1_score(labels, predicted, average="macro"),
        "roc_auc_ovr": metrics.roc_auc_score(labels, probabilities, multi_class="ovr"),
        "log_loss": -np.log(
            np.clip(probabilities[np.arange(len(labels)), labels], np.finfo(float).eps, 1)
        ).mean(),
        "sensitivity_malignant": metrics.recall_score(
            np.isin(labels, MALIGNANT), np.isin(predicted, MALIGNANT)
        ),
        "specificity_malignant": metrics.recall_score(
            ~np.isin(labels, MALIGNANT), ~np.isin(predicted, MALIGNANT)
        ),
    }
    recalls = metrics.recall_score(labels, predicted, average=None)
    expected |= {f"recall_{code}": recall for code, recall in zip(CODES, recalls, strict=True)}
    flat = scores.to_dict()
    assert {name: flat[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert list(flat) == list(SCORE_NAMES)


def test_log_loss_is_scikit_learns_with_zeros() -> None:
    labels = np.array([0, 1, 6])
    probabilities = np.eye(7)[[0, 1, 4]]

    scores = score_predictions(labels, probabilities)

    expected = metrics.log_loss(labels, probabilities, labels=np.arange(7))
    assert scores.log_loss == pytest.approx(expected, rel=1e-9)


def test_calibration_error_is_that_of_bins_filled_one_by_one() -> None:
    labels, probabilities, predicted = draw_predictions(1)
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = [
            (row.max(), row.argmax() == label)
            for row, label in zip(probabilities, labels, strict=True)
            if low < row.max() <= low + 1 / 15
        ]
        if inside:
            confidence, right = np.array(inside).mean(0)
            expected += len(inside) / len(labels) * abs(confidence - right)

    scores = score_predictions(labels, probabilities, predicted)

    assert scores.calibration_error == pytest.approx(expected, abs=1e-9)


def test_calibration_error_of_certainty_is_the_error_rate() -> None:
    scores = score_predictions(np.array([4, 4, 4, 6]), np.eye(7)[[4, 4, 4, 4]])

    assert scores.calibration_error == pytest.approx(0.25)


def test_predicted_diagnoses_change_no_score_of_probabilities() -> None:
    labels, probabilities, predicted = draw_predictions(2)

    natural = score_predictions(labels, probabilities)
    other = score_predictions(labels, probabilities, predicted)

    assert natural.balanced_accuracy != other.balanced_accuracy
    for name in ("roc_auc_ovr", "log_loss", "calibration_error"):
        assert getattr(natural, name) == getattr(other, name)


def test_absent_diagnoses_are_left_out() -> None:
    labels, probabilities, predicted = draw_predictions(3)
    keep = ~np.isin(labels, [3, 5])
    labels, probabilities, predicted = labels[keep], probabilities[keep], predicted[keep]

    scores = score_predictions(labels, probabilities, predicted)

    present = [0, 1, 2, 4, 6]
    recalls = [np.mean(predicted[labels == label] == label) for label in present]
    areas = [metrics.roc_auc_score(labels == label, probabilities[:, label]) for label in present]
    assert np.isnan(scores.recall["df"])
    assert np.isnan(scores.recall["vasc"])
    assert scores.balanced_accuracy == pytest.approx(np.mean(recalls))
    assert scores.roc_auc_ovr == pytest.approx(np.mean(areas))
    assert scores.f1_macro == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))


def test_one_diagnosis_alone_has_no_area_and_no_sensitivity() -> None:
    scores = score_predictions(np.array([4, 4]), np.full((2, 7), 1 / 7))

    assert np.isnan(scores.roc_auc_ovr)
    assert np.isnan(scores.sensitivity_malignant)
    assert scores.specificity_malignant == 0


def test_a_constant_model_has_area_one_half() -> None:
    labels, _, _ = draw_predictions(4)
    prior = np.bincount(labels) / len(labels)

    scores = score_predictions(labels, np.tile(prior, (len(labels), 1)))

    assert scores.roc_auc_ovr == 0.5
    assert scores.balanced_accuracy == pytest.approx(1 / 7)
    assert scores.calibration_error == pytest.approx(0, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_whole_weights_are_repetition(seed: int, ties: bool) -> None:
    labels, probabilities, predicted = draw_predictions(seed, 80, decimals=1 if ties else None)
    weights = np.random.default_rng(seed).integers(0, 4, len(labels))
    weights[:7] = 1
    repeated = np.repeat(np.arange(len(labels)), weights)

    prepared = PreparedPredictions(Predictions(labels, probabilities, predicted))
    weighted = weighted_scores(prepared, weights[:, None].astype(np.float64))

    expected = score_predictions(labels[repeated], probabilities[repeated], predicted[repeated])
    flat = {name: values[0] for name, values in weighted.items()}
    assert flat == pytest.approx(expected.to_dict(), abs=1e-9, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_row_order_changes_nothing(seed: int) -> None:
    labels, probabilities, predicted = draw_predictions(seed, 60)
    order = np.random.default_rng(seed).permutation(len(labels))

    scores = score_predictions(labels, probabilities, predicted)
    shuffled = score_predictions(labels[order], probabilities[order], predicted[order])

    assert shuffled.to_dict() == pytest.approx(scores.to_dict(), abs=1e-12, nan_ok=True)


def test_names_headings_and_diagnoses_differ() -> None:
    assert len(set(SCORE_NAMES)) == len({score.heading for score in SCORES}) == len(SCORES)
    assert tuple(score.diagnosis for score in SCORES if score.diagnosis) == CODES
    assert {score.name for score in SCORES if score.lower_is_better} == LOWER_IS_BETTER


def test_float32_probabilities_are_welcome() -> None:
    labels, probabilities, predicted = draw_predictions(5)

    scores = score_predictions(labels, probabilities.astype(np.float32), predicted)

    expected = score_predictions(labels, probabilities, predicted)
    assert scores.to_dict() == pytest.approx(expected.to_dict(), abs=1e-4)


GOOD = np.full((2, 7), 1 / 7)


@pytest.mark.parametrize(
    ("labels", "probabilities", "predicted", "message"),
    [
        ([], np.empty((0, 7)), None, "no images"),
        ([0, 1, 2], GOOD, None, r"shape \(2, 7\)"),
        ([0, 1], GOOD[:, :6], None, r"shape \(2, 6\)"),
        ([0, 1], GOOD * np.nan, None, "Row 0 .* not finite"),
        ([0, 1], GOOD * [[1], [1.1]], None, "Row 1 .* without the sum 1"),
        ([0, 1], GOOD + np.array([0.5, -0.5, 0, 0, 0, 0, 0]), None, "outside 0–1"),
        ([0, 7], GOOD, None, "labels must lie in 0–6"),
        ([0, 1], GOOD, [0, -1], "predicted diagnoses must lie in 0–6"),
        ([0, 1], GOOD, [0.0, 1.0], "predicted diagnoses have .* float64"),
        ([0, 1], GOOD, [0], "predicted diagnoses have shape"),
    ],
)
def test_unsound_input_is_refused(
    labels: list[int],
    probabilities: Float64,
    predicted: list[int] | None,
    message: str,
) -> None:
    with pytest.raises(UsageError, match=message):
        score_predictions(
            np.array(labels), probabilities, None if predicted is None else np.array(predicted)
        )


def test_lesions_must_be_as_many_as_images() -> None:
    with pytest.raises(UsageError, match=r"shape \(1,\) for 2 images"):
        Predictions(np.array([0, 1]), GOOD, np.array([0, 1]), lesions=np.array(["a"]))
