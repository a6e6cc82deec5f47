"""Intervals against a bootstrap that weights images and calls scikit-learn each time."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from hmnist.arrays import Float64, Indices
from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.errors import UsageError
from hmnist.scores import intervals
from hmnist.scores.intervals import (
    bootstrap_models,
    bootstrap_scores,
    centre_calibration,
    count_lesions,
    describe_few,
    interval,
    mean_scores,
    score_intervals,
)
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import SCORE_NAMES


def draw_predictions(
    seed: int, n: int = 120, *, fold: int = 0, rows: int = 0, skill: float = 1.5
) -> Predictions:
    """A model's predictions (from `seed`) for the images of one test part (from `rows`)."""
    rng_of_rows, rng_of_model = np.random.default_rng([rows, fold]), np.random.default_rng(seed)
    lesions = np.sort(rng_of_rows.integers(0, n // 2, n))
    labels = np.append(np.arange(7), rng_of_rows.choice(7, n))[lesions % (n // 3)]
    probabilities = np.exp(rng_of_model.normal(size=(n, 7)) + skill * np.eye(7)[labels])
    probabilities /= probabilities.sum(1, keepdims=True)
    names = np.char.add("HAM_", lesions.astype(str))
    return Predictions(labels, probabilities, probabilities.argmax(1), names, fold)


def resampled_weights(predictions: Predictions, resamples: int, seed: int) -> list[Float64]:
    """How often each image counts in each resample, drawn lesion by lesion in plain Python."""
    lesions = (
        predictions.lesions
        if predictions.lesions is not None
        else np.arange(len(predictions.labels))
    )
    by_diagnosis: dict[int, list[Indices]] = {}
    for lesion in np.unique(lesions):
        rows = np.flatnonzero(lesions == lesion)
        by_diagnosis.setdefault(int(predictions.labels[rows[0]]), []).append(rows)
    weights = [np.zeros(len(lesions)) for _ in range(resamples)]
    for label, members in by_diagnosis.items():
        rng, n = np.random.default_rng([seed, predictions.fold, label]), len(members)
        for of_resample, chosen in zip(
            weights, rng.integers(n, size=(resamples, n - 1)), strict=True
        ):
            for index in chosen:
                of_resample[members[index]] += n / (n - 1)
    return weights


@pytest.mark.parametrize("with_lesions", [True, False])
def test_resampled_scores_are_those_of_weighted_images(with_lesions: bool) -> None:
    predictions = draw_predictions(1)
    if not with_lesions:
        predictions = Predictions(
            predictions.labels, predictions.probabilities, predictions.predicted
        )
    labels, probabilities = predictions.labels, predictions.probabilities
    predicted = predictions.predicted
    malignant, called = (np.isin(codes, MALIGNANT) for codes in (labels, predicted))

    resampled = bootstrap_scores([predictions], resamples=6, seed=3)

    for number, weights in enumerate(resampled_weights(predictions, 6, seed=3)):
        weighted: dict[str, Any] = {"sample_weight": weights}
        recalls = metrics.recall_score(labels, predicted, average=None, **weighted)
        benign = metrics.recall_score(~malignant, ~called, **weighted)
        expected = {
            "accuracy": metrics.accuracy_score(labels, predicted, **weighted),
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted, **weighted),
            "f1_macro": metrics.f1_score(labels, predicted, average="macro", **weighted),
            "roc_auc_ovr": metrics.roc_auc_score(
                labels, probabilities, multi_class="ovr", **weighted
            ),
            "log_loss": metrics.log_loss(labels, probabilities, **weighted),
            "calibration_error": calibration_error(predictions, weights),
            "sensitivity_malignant": metrics.recall_score(malignant, called, **weighted),
            "specificity_malignant": benign,
        } | {f"recall_{code}": recall for code, recall in zip(CODES, recalls, strict=True)}
        assert {name: resampled[name][number] for name in SCORE_NAMES} == pytest.approx(
            expected, abs=1e-9
        )


def calibration_error(predictions: Predictions, weights: Float64) -> float:
    """Return the weighted error of 15 bins, bin by bin."""
    confidence = predictions.probabilities.max(1)
    right = predictions.probabilities.argmax(1) == predictions.labels
    gaps = []
    for number in range(15):
        inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        gaps.append(abs((weights * (confidence - right))[inside].sum()))
    return float(sum(gaps) / weights.sum())


def test_the_variance_of_few_lesions_is_that_of_the_mean() -> None:
    """Of two lesions, too: drawing as many as there are would show half of it."""
    labels = np.repeat([3, 4], [2, 30])
    predicted = np.concatenate([[3, 4], np.repeat(4, 24), np.repeat(6, 6)])
    predictions = Predictions(labels, np.eye(7)[predicted], predicted)

    resampled = bootstrap_scores([predictions], resamples=20_000)

    for name, code in (("recall_df", 3), ("recall_nv", 4)):
        right = predicted[labels == code] == code
        assert resampled[name].var() == pytest.approx(right.var(ddof=1) / len(right), rel=0.05)


def test_a_single_lesion_has_no_interval() -> None:
    labels = np.repeat([3, 4], [3, 20])
    lesions = np.concatenate([[0, 0, 0], np.arange(1, 21)])
    predicted = np.concatenate([[3, 3, 4], np.repeat(4, 15), np.repeat(6, 5)])
    predictions = Predictions(labels, np.eye(7)[predicted], predicted, lesions)

    limits = score_intervals([predictions], resamples=50)

    assert np.isnan(limits["recall_df"]).all()
    assert limits["recall_nv"][0] < 0.75 < limits["recall_nv"][1]


def test_scores_without_any_spread_have_no_interval() -> None:
    """All lesions are right: the mean of seven recalls is surely 1 only if theirs are."""
    labels = np.tile(np.arange(7), 2)

    limits = score_intervals([Predictions(labels, np.eye(7)[labels], labels)], resamples=50)

    assert np.isnan(limits["balanced_accuracy"]).all()
    assert np.isnan(limits["roc_auc_ovr"]).all()
    assert limits["recall_df"] == pytest.approx((0.025**0.5, 1.0))


def test_predictions_of_one_fold_share_resamples_and_folds_do_not() -> None:
    first, second = draw_predictions(1), draw_predictions(2)
    other_fold = Predictions(first.labels, first.probabilities, first.predicted, first.lesions, 1)

    alone, beside = (
        bootstrap_scores([predictions], resamples=20)["accuracy"] for predictions in (first, second)
    )
    moved = bootstrap_scores([other_fold], resamples=20)["accuracy"]

    both = bootstrap_scores([first, second], resamples=20)["accuracy"]
    assert both == pytest.approx((alone + beside) / 2)
    assert not np.array_equal(alone, moved)
    folds = bootstrap_scores([other_fold, first], resamples=20)["accuracy"]
    assert folds == pytest.approx((alone + moved) / 2)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    predictions = draw_predictions(3)
    whole = bootstrap_scores([predictions], resamples=25)

    monkeypatch.setattr(intervals, "CHUNK_BYTES", 8 * len(predictions.labels) * 4)
    chunked = bootstrap_scores([predictions], resamples=25)

    for name in SCORE_NAMES:
        # A chunk of one column is added up in another order.
        np.testing.assert_allclose(whole[name], chunked[name], rtol=1e-12)


def test_every_resample_holds_every_diagnosis() -> None:
    resampled = bootstrap_scores([draw_predictions(4)], resamples=200)

    assert not any(np.isnan(values).any() for values in resampled.values())


def test_an_absent_diagnosis_has_no_interval() -> None:
    predictions = draw_predictions(5)
    keep = predictions.labels != 3
    predictions = Predictions(
        predictions.labels[keep], predictions.probabilities[keep], predictions.predicted[keep]
    )

    limits = score_intervals([predictions], resamples=50)

    assert np.isnan(limits["recall_df"]).all()
    assert not np.isnan(limits["balanced_accuracy"]).any()


def test_a_diagnosis_absent_from_one_fold_is_judged_on_the_others() -> None:
    with_df, predictions = draw_predictions(6), draw_predictions(7, fold=1)
    keep = predictions.labels != 3
    without = Predictions(
        predictions.labels[keep],
        predictions.probabilities[keep],
        predictions.predicted[keep],
        fold=1,
    )

    alone = score_intervals([with_df], resamples=50)["recall_df"]
    together = score_intervals([with_df, without], resamples=50)["recall_df"]

    assert together == alone
    assert mean_scores([with_df, without])["recall_df"] == mean_scores([with_df])["recall_df"]


def test_the_interval_of_accuracy_is_as_wide_as_theory_says() -> None:
    rng = np.random.default_rng(0)
    labels = np.full(400, 4)
    right = rng.random(400) < 0.8
    probabilities = np.eye(7)[np.where(right, 4, 6)]

    low, high = score_intervals([Predictions(labels, probabilities, probabilities.argmax(1))])[
        "accuracy"
    ]

    share = right.mean()
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 400), rel=0.1)


def test_images_of_one_lesion_count_as_one_draw() -> None:
    predictions = draw_predictions(8, 60)
    rows = np.repeat(np.arange(60), 4)
    lesions = np.array([f"lesion {row}" for row in rows])
    fourfold = (
        predictions.labels[rows],
        predictions.probabilities[rows],
        predictions.predicted[rows],
    )

    naive = score_intervals([Predictions(*fourfold)], resamples=400)["accuracy"]
    honest = score_intervals([Predictions(*fourfold, lesions)], resamples=400)["accuracy"]

    assert honest[1] - honest[0] > 1.5 * (naive[1] - naive[0])


def test_the_interval_of_the_calibration_error_holds_the_error() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(7), 500)
    labels = np.array([rng.choice(7, p=row) for row in probabilities])
    predictions = Predictions(labels, probabilities, probabilities.argmax(1))

    low, high = score_intervals([predictions], resamples=300)["calibration_error"]

    assert 0 <= low < mean_scores([predictions])["calibration_error"] < high
    raw = bootstrap_scores([predictions], resamples=300)
    centred = centre_calibration(raw, mean_scores([predictions]))
    assert raw["calibration_error"].mean() > centred["calibration_error"].mean()
    assert raw["accuracy"] is centred["accuracy"]


def test_the_same_seed_gives_the_same_interval() -> None:
    predictions = draw_predictions(9)

    assert score_intervals([predictions], resamples=30) == score_intervals(
        [predictions], resamples=30
    )
    assert score_intervals([predictions], resamples=30) != score_intervals(
        [predictions], resamples=30, seed=1
    )


def test_an_interval_of_nothing_or_of_one_value_is_nan() -> None:
    assert np.isnan(interval(np.full(5, np.nan))).all()
    assert np.isnan(interval(np.full(5, 0.3))).all()
    assert np.isnan(interval(np.array([0.3, 0.1 + 0.2]))).all()


def test_unsound_requests_are_refused() -> None:
    predictions = draw_predictions(10)
    with pytest.raises(UsageError, match="no predictions"):
        score_intervals([])
    with pytest.raises(UsageError, match="resamples is 0"):
        bootstrap_scores([predictions], resamples=0)
    with pytest.raises(UsageError, match="level is 95"):
        score_intervals([predictions], resamples=5, level=95)


@pytest.mark.parametrize("change", ["labels", "lesions", "unknown lesions"])
def test_predictions_of_one_fold_must_have_the_same_rows(change: str) -> None:
    predictions = draw_predictions(11)
    labels, lesions = predictions.labels, predictions.lesions
    if change == "labels":
        labels = labels[::-1]
    elif change == "lesions":
        lesions = np.arange(len(labels))
    else:
        lesions = None
    other = Predictions(labels, predictions.probabilities, predictions.predicted, lesions)

    with pytest.raises(UsageError, match="fold 0 have different rows"):
        score_intervals([predictions, other], resamples=5)


def test_a_recall_of_all_or_none_has_an_exact_interval() -> None:
    labels = np.repeat([3, 5], [29, 12])
    predicted = np.repeat([3, 4], [29, 12])
    probabilities = np.eye(7)[predicted]

    limits = score_intervals([Predictions(labels, probabilities, predicted)], resamples=20)

    # Clopper & Pearson for n of n: the share whose n-th power is a fortieth.
    assert limits["recall_df"] == pytest.approx((0.025 ** (1 / 29), 1.0))
    assert limits["recall_vasc"] == pytest.approx((0.0, 1 - 0.025 ** (1 / 12)))
    assert limits["specificity_malignant"] == pytest.approx((0.025 ** (1 / 41), 1.0))
    assert round(limits["recall_df"][0], 2) == 0.88


def test_an_exact_interval_counts_lesions_of_all_folds_and_no_seed_twice() -> None:
    labels = np.repeat([3, 4], 10)
    lesions = np.arange(20) // 2
    of_folds = [Predictions(labels, np.eye(7)[labels], labels, lesions, fold) for fold in (0, 1)]

    low, high = score_intervals([*of_folds, *of_folds], resamples=20)["recall_df"]

    assert count_lesions([*of_folds, *of_folds], [3]) == 10
    assert (low, high) == pytest.approx((0.025 ** (1 / 10), 1.0))
    assert score_intervals(of_folds, resamples=20, level=0.8)["accuracy"] == pytest.approx(
        (0.1 ** (1 / 20), 1.0)
    )


def test_models_share_resamples_and_one_score_costs_no_other() -> None:
    first, second = draw_predictions(1), draw_predictions(2)

    both = bootstrap_models({"a": [first], "b": [second]}, ["accuracy"], resamples=20, seed=4)

    assert list(both["a"]) == ["accuracy"]
    for name, predictions in (("a", first), ("b", second)):
        alone = bootstrap_scores([predictions], resamples=20, seed=4)["accuracy"]
        assert np.array_equal(both[name]["accuracy"], alone)


def test_diagnoses_with_few_lesions_in_a_test_part_are_named() -> None:
    labels = np.repeat([3, 4, 5], [6, 20, 3])
    lesions = np.arange(29)
    whole = Predictions(labels, np.eye(7)[labels], labels, lesions)
    pairs = Predictions(labels, np.eye(7)[labels], labels, lesions // 2, fold=1)
    unknown = Predictions(labels, np.eye(7)[labels], labels)

    assert describe_few([whole, pairs]) == (
        "Fewer than 5 lesions in a test part (df 3, vasc 2): intervals of the recalls of these "
        "diagnoses, of balanced accuracy and of F1 are too narrow."
    )
    assert (describe_few([unknown]) or "").startswith("Fewer than 5 images in a test part (vasc 3)")
    enough = labels < 5
    assert (
        describe_few([Predictions(labels[enough], np.eye(7)[labels[enough]], labels[enough])])
        is None
    )


def test_one_predictions_is_as_good_as_a_list_and_a_generator_as_a_sequence() -> None:
    one, other = draw_predictions(1), draw_predictions(2)
    assert mean_scores(one) == mean_scores([one])
    assert score_intervals(one, resamples=20) == score_intervals([one], resamples=20)
    both = [one, other]
    assert mean_scores(each for each in both) == mean_scores(both)
    assert score_intervals((each for each in both), resamples=20) == score_intervals(
        both, resamples=20
    )
    arrays: Any = [one.probabilities]
    with pytest.raises(
        UsageError, match=r"Expected Predictions, not a ndarray.*run\.part\(\"test\"\)"
    ):
        mean_scores(arrays)
    something_else: Any = 1
    with pytest.raises(UsageError, match="Expected Predictions, not an int"):
        score_intervals(something_else)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(UsageError, match="from 0, not -1"):
        score_intervals([draw_predictions(1)], seed=-1)
