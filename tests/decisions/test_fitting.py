"""Fitted decisions against brute force, known truths, and degenerate input."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from hmnist.arrays import Float64, Labels
from hmnist.decisions.decision import KINDS, Decision
from hmnist.decisions.fitting import check_feasible, fit_decision
from hmnist.diagnoses import MALIGNANT
from hmnist.errors import UsageError

PRIOR = np.array([0.033, 0.051, 0.110, 0.011, 0.670, 0.014, 0.111])
Part = tuple[Labels, Float64]


def draw_part(seed: int, n: int, *, believed: Float64 = PRIOR, sharpness: float = 1.0) -> Part:
    """Images with seven Gaussian features and the exact posterior under a believed prior."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(7, n, p=PRIOR / PRIOR.sum())
    centres = 1.7 * np.eye(7)
    features = centres[labels] + rng.normal(size=(n, 7))
    logits = features @ centres.T + np.log(believed)
    probabilities = np.exp(sharpness * (logits - logits.max(1, keepdims=True)))
    return labels, probabilities / probabilities.sum(1, keepdims=True)


def balanced_accuracy(decision: Decision, part: Part) -> float:
    labels, probabilities = part
    predicted = decision.decide(decision.calibrate(probabilities))
    return float(metrics.balanced_accuracy_score(labels, predicted))


def test_a_temperature_changes_no_predicted_diagnosis() -> None:
    labels, probabilities = draw_part(3, 500, sharpness=2.0)

    decision = fit_decision("natural", labels, probabilities, PRIOR)

    assert decision.temperature > 1.5
    calibrated = decision.calibrate(probabilities)
    assert np.array_equal(decision.decide(calibrated), probabilities.argmax(1))
    assert calibrated.sum(1) == pytest.approx(1)


def test_balanced_finds_the_bayes_rule_of_an_exact_model() -> None:
    test = draw_part(5, 20000)
    natural = fit_decision("natural", *draw_part(4, 700), PRIOR)
    decision = fit_decision("balanced", *draw_part(4, 700), PRIOR)
    bayes = Decision("balanced", prior=tuple(PRIOR), strength=1.0)

    gained = balanced_accuracy(decision, test) - balanced_accuracy(natural, test)
    possible = balanced_accuracy(bayes, test) - balanced_accuracy(natural, test)
    assert gained > 0.8 * possible > 0.05


def test_balanced_does_not_correct_twice_for_oversampling() -> None:
    believed = PRIOR * [1, 1, 1, 6, 1, 6, 1]
    test = draw_part(7, 20000, believed=believed)

    decision = fit_decision("balanced", *draw_part(6, 700, believed=believed), PRIOR)

    twice = Decision("balanced", prior=tuple(PRIOR), strength=1.0)
    assert balanced_accuracy(decision, test) > balanced_accuracy(twice, test)


def test_seven_df_images_decide_little() -> None:
    labels, probabilities = draw_part(8, 700)
    other = probabilities.copy()
    other[labels == 3] = other[labels == 3][:, [0, 1, 2, 4, 3, 5, 6]]

    strength = fit_decision("balanced", labels, probabilities, PRIOR).strength
    moved = fit_decision("balanced", labels, other, PRIOR).strength

    assert strength is not None
    assert moved is not None
    assert abs(strength - moved) < 0.3


@pytest.mark.parametrize("sensitivity", [0.8, 0.9, 0.95])
def test_sensitive_reaches_its_target_on_average(sensitivity: float) -> None:
    labels, probabilities = draw_part(9, 20000)
    malignant = np.isin(labels, MALIGNANT)
    reached = []
    for seed in range(40):
        decision = fit_decision(
            "sensitive", *draw_part(100 + seed, 400), PRIOR, sensitivity=sensitivity
        )
        called = np.isin(decision.decide(decision.calibrate(probabilities)), MALIGNANT)
        reached.append(called[malignant].mean())

    assert sensitivity - 0.01 < np.mean(reached) < sensitivity + 0.03


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 0.95))
def test_the_threshold_is_the_conformal_quantile(seed: int, sensitivity: float) -> None:
    labels, probabilities = draw_part(seed, 300)
    decision = fit_decision("sensitive", labels, probabilities, PRIOR, sensitivity=sensitivity)
    calibrated = decision.calibrate(probabilities)
    predicted = decision.decide(calibrated)

    malignant = np.isin(labels, MALIGNANT)
    called = np.isin(predicted, MALIGNANT)
    n = int(malignant.sum())
    missed = n - int(called[malignant].sum())
    assert missed <= (1 - sensitivity) * (n + 1) - 1 + 1e-6
    assert missed + 1 > (1 - sensitivity) * (n + 1) - 1 - 1e-6
    assert decision.validation_sensitivity == called[malignant].mean()
    assert decision.validation_specificity == pytest.approx((~called[~malignant]).mean())


def test_too_few_malignant_images_are_an_error() -> None:
    labels, probabilities = np.array([6] * 8 + [4]), np.full((9, 7), 1 / 7)

    with pytest.raises(UsageError, match="needs 9 malignant validation images; there are 8"):
        fit_decision("sensitive", labels, probabilities, PRIOR)
    with pytest.raises(UsageError, match="needs 9 malignant validation images; there are 8"):
        check_feasible("sensitive", labels)


def test_what_is_feasible_can_be_fitted() -> None:
    labels, probabilities = np.array([6] * 9 + [4]), np.full((10, 7), 1 / 7)

    for kind in KINDS:
        check_feasible(kind, labels)
        assert fit_decision(kind, labels, probabilities, PRIOR).kind == kind
    check_feasible("balanced", labels[:0])
    check_feasible("sensitive", labels[:1], 0.5)


def test_without_validation_the_usual_decision_is_taken() -> None:
    nothing = np.empty(0, np.int64), np.empty((0, 7))

    assert fit_decision("natural", *nothing, PRIOR) == Decision("natural")
    balanced = fit_decision("balanced", *nothing, PRIOR)
    assert (balanced.temperature, balanced.strength) == (1.0, 0.75)
    assert balanced.prior == pytest.approx(tuple(PRIOR / PRIOR.sum()))
    with pytest.raises(UsageError, match="there are 0"):
        fit_decision("sensitive", *nothing, PRIOR)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", ["one-hot", "majority", "absent", "float32"])
def test_degenerate_models_give_sound_decisions(kind: str, model: str) -> None:
    labels, probabilities = draw_part(10, 300)
    prior = PRIOR.copy()
    if model == "one-hot":
        probabilities = np.eye(7)[probabilities.argmax(1)]
    elif model == "majority":
        probabilities = np.tile(PRIOR / PRIOR.sum(), (300, 1))
    elif model == "absent":
        prior[[3, 5]] = 0
        labels = np.where(np.isin(labels, [3, 5]), 4, labels)
        probabilities[:, [3, 5]] = 0
        probabilities /= probabilities.sum(1, keepdims=True)
    else:
        probabilities = probabilities.astype(np.float32)

    decision = fit_decision(kind, labels, probabilities, prior)

    calibrated = decision.calibrate(probabilities)
    assert calibrated.sum(1) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(calibrated).all()
    predicted = decision.decide(calibrated)
    assert predicted.dtype == np.int64
    if model == "absent":
        assert not np.isin(predicted, [3, 5]).any()


def test_unsound_requests_are_refused() -> None:
    labels, probabilities = draw_part(12, 50)
    with pytest.raises(UsageError, match=r"'brave'.* natural, balanced, sensitive"):
        fit_decision("brave", labels, probabilities, PRIOR)
    with pytest.raises(UsageError, match="no decision called 'brave'"):
        check_feasible("brave", labels)
    with pytest.raises(UsageError, match=r"shape \(50, 7\); expected \(49, 7\)"):
        fit_decision("natural", labels[1:], probabilities, PRIOR)
    with pytest.raises(UsageError, match="expected 7 finite numbers"):
        fit_decision("natural", labels, probabilities, PRIOR[1:])
    with pytest.raises(UsageError, match="between 0 and 1"):
        fit_decision("sensitive", labels, probabilities, PRIOR, sensitivity=90)
    with pytest.raises(UsageError, match="between 0 and 1"):
        check_feasible("sensitive", labels, 90)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([4, 7], "labels must lie in 0–6"),
        ([4, -1], "labels must lie in 0–6"),
        (["nv", "mel"], "expected 2 whole numbers"),
        ([4.0, 6.0], "expected 2 whole numbers"),
    ],
)
@pytest.mark.parametrize("kind", ["natural", "balanced"])
def test_labels_that_are_not_diagnoses_are_refused(
    kind: str, labels: list[Any], expected: str
) -> None:
    with pytest.raises(UsageError, match=expected):
        fit_decision(kind, labels, np.full((2, 7), 1 / 7), PRIOR)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0, 0, 0, 0, 4, 0, -3], "Row 1 holds probabilities outside 0–1"),
        ([np.nan] * 7, "Row 1 holds probabilities not finite"),
        ([0.5] * 7, "Row 1 holds probabilities without the sum 1"),
        (["nv"] * 7, "probabilities are not an array of numbers"),
    ],
)
def test_probabilities_that_are_none_are_refused(row: list[Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        fit_decision("natural", [4, 6], [[1 / 7] * 7, row], PRIOR)


@pytest.mark.parametrize(
    "prior", [-PRIOR, np.zeros(7), PRIOR * np.nan, PRIOR * np.inf, ["nv"] * 7, 1]
)
def test_a_prior_that_is_none_is_refused(prior: Any) -> None:
    with pytest.raises(UsageError, match="prior"):
        fit_decision("natural", [4, 6], np.full((2, 7), 1 / 7), prior)


def test_lists_give_the_decision_of_arrays() -> None:
    labels, probabilities = draw_part(13, 60)
    expected = fit_decision("balanced", labels, probabilities, PRIOR)
    lists = labels.tolist(), probabilities.tolist(), PRIOR.tolist()
    assert fit_decision("balanced", *lists) == expected
