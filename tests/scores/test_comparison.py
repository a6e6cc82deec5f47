"""Comparisons against brute force and scipy, and their sentences."""

import numpy as np
import pytest
from scipy import stats

from hmnist.arrays import Strings
from hmnist.errors import UsageError
from hmnist.scores.comparison import (
    Comparison,
    Difference,
    Pair,
)
from hmnist.scores.intervals import bootstrap_scores
from hmnist.scores.paired_tests import compare_on, compare_predictions
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import SCORE_NAMES, score_predictions
from hmnist.scores.significance import McNemar, correct_holm, mcnemar

ROWS = 210


def draw_model(
    seed: int, skill: float, *, fold: int = 0, lesions: Strings | None = None
) -> Predictions:
    labels = np.repeat(np.arange(7), ROWS // 7)
    probabilities = np.exp(
        np.random.default_rng(seed).normal(size=(ROWS, 7)) + skill * np.eye(7)[labels]
    )
    probabilities /= probabilities.sum(1, keepdims=True)
    return Predictions(labels, probabilities, probabilities.argmax(1), lesions, fold)


def pairs_of_images() -> Strings:
    return np.array([f"lesion {row // 2}" for row in range(ROWS)])


def test_differences_are_those_of_the_scores() -> None:
    good, poor = draw_model(1, 2.5), draw_model(2, 1.0)

    comparison = compare_predictions({"good": [good], "poor": [poor]}, resamples=200)

    (pair,) = comparison.pairs
    first, second = (
        score_predictions(model.labels, model.probabilities).to_dict() for model in (good, poor)
    )
    differences = {name: result.difference for name, result in pair.scores.items()}
    assert differences == pytest.approx({name: first[name] - second[name] for name in SCORE_NAMES})
    assert tuple(pair.scores) == SCORE_NAMES


def test_models_may_have_one_training_or_a_generator_of_them() -> None:
    good, poor = draw_model(1, 2.5), draw_model(2, 1.0)
    expected = compare_predictions({"good": [good], "poor": [poor]}, resamples=20)
    assert compare_predictions({"good": good, "poor": poor}, resamples=20) == expected
    generators = {"good": (each for each in [good]), "poor": (each for each in [poor])}
    assert compare_predictions(generators, resamples=20) == expected


def test_the_bootstrap_is_paired() -> None:
    lesions = pairs_of_images()
    good, poor = draw_model(3, 2.0, lesions=lesions), draw_model(4, 1.0, lesions=lesions)

    comparison = compare_predictions({"good": [good], "poor": [poor]}, resamples=300, seed=5)

    losses = [
        bootstrap_scores([model], resamples=300, seed=5)["log_loss"] for model in (good, poor)
    ]
    result = comparison.pairs[0].scores["log_loss"]
    expected = tuple(np.quantile(losses[0] - losses[1], [0.025, 0.975]))
    assert (result.low, result.high) == pytest.approx(expected)


def test_accuracy_is_compared_as_a_paired_t_test_would() -> None:
    models = {"first": [draw_model(5, 1.6)], "second": [draw_model(6, 1.4)]}

    result = compare_on("accuracy", models, [("first", "second")])["first", "second"]

    right = [(model.predicted == model.labels).astype(float) for [model] in models.values()]
    expected = stats.ttest_rel(*right)
    assert result.p_value == pytest.approx(expected.pvalue, abs=0.03)
    interval = expected.confidence_interval()
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high), abs=0.02)


def test_a_model_does_not_differ_from_itself() -> None:
    model = draw_model(7, 1.5)

    (pair,) = compare_predictions({"it": [model], "itself": [model]}, resamples=50).pairs

    for result in pair.scores.values():
        assert (result.difference, result.low, result.high, result.p_value) == (0, None, None, 1)
    assert pair.mcnemar == McNemar(0, 0, 1.0, "images")


def test_a_score_that_is_unknown_has_no_p_value() -> None:
    labels = np.array([4, 4])
    models = {
        name: [Predictions(labels, np.eye(7)[predicted], np.array(predicted))]
        for name, predicted in (("first", [4, 6]), ("second", [6, 4]))
    }

    comparison = compare_predictions(models, resamples=10)
    (pair,) = comparison.pairs

    assert pair.mcnemar == McNemar(1, 1, 1.0, "images")
    assert np.isnan(pair.scores["roc_auc_ovr"].p_value)
    known = sum(not np.isnan(result.p_value) for result in pair.scores.values())
    assert f"all {known + 1} tests, McNemar's included" in comparison.describe_tests()


def test_folds_are_pooled_and_seeds_are_not_counted_twice() -> None:
    folds = {
        name: [draw_model(seed + fold, skill, fold=fold) for fold in (0, 1)]
        for name, seed, skill in (("first", 20, 2.0), ("second", 30, 1.0))
    }
    seeds = {name: [*predictions, *predictions] for name, predictions in folds.items()}

    once = compare_predictions(folds, resamples=20).pairs[0]
    twice = compare_predictions(seeds, resamples=20).pairs[0]

    alone = [
        compare_predictions(
            {name: [predictions[fold]] for name, predictions in folds.items()}, resamples=20
        )
        for fold in (0, 1)
    ]
    assert once.mcnemar.first == sum(part.pairs[0].mcnemar.first for part in alone)
    assert twice.mcnemar == once.mcnemar
    assert twice.scores["accuracy"].low == pytest.approx(once.scores["accuracy"].low)


def test_several_pairs_are_corrected() -> None:
    models = {name: [draw_model(40 + number, 1.5)] for number, name in enumerate("abc")}

    together = compare_predictions(models, resamples=100)

    assert [(pair.first, pair.second) for pair in together.pairs] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    alone = [
        compare_predictions(
            {name: models[name] for name in (pair.first, pair.second)}, resamples=100
        ).pairs[0]
        for pair in together.pairs
    ]
    # One pair at a time is corrected for its own sixteen tests, so that only the order is known.
    tests = len(alone) * (len(SCORE_NAMES) + 1)
    raw = compare_on("log_loss", models, [("a", "b")], resamples=100)["a", "b"].p_value
    assert (
        raw
        <= alone[0].scores["log_loss"].p_value
        <= together.pairs[0].scores["log_loss"].p_value
        <= min(1, tests * raw)
    )


def test_all_tests_of_a_comparison_are_corrected_together() -> None:
    names = ("a", "b", "c")
    models = {
        name: [draw_model(40 + 7 * number, 1.2 + number / 3)] for number, name in enumerate(names)
    }
    together = compare_predictions(models, resamples=100)
    raw = {}
    for pair in together.pairs:
        both = (pair.first, pair.second)
        for name in SCORE_NAMES:
            raw[*both, name] = compare_on(name, models, [both], resamples=100)[both].p_value
        raw[*both, "mcnemar"] = mcnemar(models[pair.first], models[pair.second]).p_value
    # Holm's definition: the k-th smallest of m times m - k + 1, never falling, at most 1.
    expected, largest = {}, 0.0
    for rank, test in enumerate(sorted(raw, key=lambda test: raw[test])):
        largest = max(largest, min(1.0, raw[test] * (len(raw) - rank)))
        expected[test] = largest
    found = {
        (pair.first, pair.second, name): p_value
        for pair in together.pairs
        for name, p_value in (
            *((name, result.p_value) for name, result in pair.scores.items()),
            ("mcnemar", pair.mcnemar.p_value),
        )
    }
    assert found == pytest.approx(expected)
    assert 0 < min(found.values()) < max(found.values()) == 1


def test_some_pairs_are_compared_on_one_score_as_on_all() -> None:
    models = {name: [draw_model(40 + number, 1.5)] for number, name in enumerate("abc")}
    pairs = [("a", "c"), ("c", "b")]

    differences = compare_on("roc_auc_ovr", models, pairs, resamples=50)

    every = compare_predictions(models, resamples=50).pairs
    expected = next(pair for pair in every if (pair.first, pair.second) == ("a", "c"))
    found, whole = differences["a", "c"], expected.scores["roc_auc_ovr"]
    assert (found.difference, found.low, found.high) == (whole.difference, whole.low, whole.high)
    assert list(differences) == pairs
    alone = [compare_on("roc_auc_ovr", models, [pair], resamples=50)[pair] for pair in pairs]
    assert [result.p_value for result in differences.values()] == pytest.approx(
        correct_holm([result.p_value for result in alone])
    )


def test_sentences_name_the_better_model_even_where_less_is_better() -> None:
    none = Difference(0.001, -0.02, 0.02, 0.9)
    scores = dict.fromkeys(SCORE_NAMES, none) | {
        "balanced_accuracy": Difference(0.061, 0.032, 0.09, 0.0004),
        "f1_macro": Difference(0.001, -0.031, 0.02, 0.9),
        "specificity_malignant": Difference(0.0, None, None, 1.0),
        "sensitivity_malignant": Difference(0.5, None, None, 0.25),
        "calibration_error": Difference(0.0001, -0.0001, 0.0002, 0.9),
        "log_loss": Difference(0.05, 0.01, 0.09, 0.01),
        "roc_auc_ovr": Difference(float("nan"), None, None, float("nan")),
    }
    comparison = Comparison((Pair("cnn", "xgboost", scores, McNemar(80, 35, 0.00002)),), 5000)

    (sentence,) = comparison.sentences()

    assert sentence == (
        "cnn beats xgboost on balanced accuracy by .061 [.032, .090]. "
        "xgboost beats cnn on log loss by .050 [.010, .090]. "
        "No difference was found on accuracy (at most .020), F1 (at most .031), ECE (at most "
        ".001), sensitivity (too few lesions) and specificity (equal). "
        "Predicted diagnoses: cnn is right more often on 80 lesions, xgboost on 35 "
        "(McNemar p < 0.001)."
    )


def test_sentences_without_any_difference_name_both() -> None:
    scores = dict.fromkeys(SCORE_NAMES, Difference(0.0, -0.1, 0.1, 1.0))
    comparison = Comparison((Pair("a", "b", scores, McNemar(3, 2, 0.7, "images")),), 100)

    (sentence,) = comparison.sentences()

    assert sentence.startswith(
        "No difference between a and b was found on balanced accuracy (at most .1"
    )
    assert sentence.endswith("a is right more often on 3 images, b on 2 (McNemar p = 0.700).")


def test_a_comparison_is_plain_data() -> None:
    comparison = compare_predictions(
        {"a": [draw_model(50, 2.0)], "b": [draw_model(51, 1.0)]}, resamples=20
    )

    plain = comparison.to_dict()

    assert plain["pairs"][0]["scores"]["accuracy"]["difference"] > 0
    assert plain["resamples"] == 20


def test_other_rows_are_refused() -> None:
    model = draw_model(60, 1.0)
    turned = Predictions(model.labels[::-1], model.probabilities, model.predicted)

    with pytest.raises(UsageError, match="at least two"):
        compare_predictions({"first": [model]})
    for other in ([turned], [draw_model(60, 1.0, fold=1)], []):
        with pytest.raises(UsageError, match="first and second were not tested on the same images"):
            compare_predictions({"first": [model], "second": other})
    uneven = [model, model, draw_model(61, 1.0, fold=1)]
    with pytest.raises(UsageError, match="second has more predictions for some folds"):
        compare_predictions({"first": uneven[1:], "second": uneven})
