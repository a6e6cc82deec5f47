"""Differences of models that were trained several times, against simulations and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hmnist.arrays import Labels
from hmnist.errors import UsageError
from hmnist.scores.paired_differences import TrainingNoise, compare_pairs, count_trainings
from hmnist.scores.predictions import Predictions

LABELS = np.repeat([2, 4, 6], 40)
PAIR = ("a", "b")


def predict(hits: float, seed: int, fold: int = 0) -> Predictions:
    """Return predictions of which about a share is right; two images show one lesion."""
    rng = np.random.default_rng([seed, fold])
    predicted = np.where(rng.random(len(LABELS)) < hits, LABELS, rng.choice([2, 4, 6], len(LABELS)))
    return as_predictions(predicted, fold=fold)


def as_predictions(predicted: Labels, labels: Labels = LABELS, fold: int = 0) -> Predictions:
    probabilities = np.full((len(labels), 7), 0.02)
    probabilities[np.arange(len(labels)), predicted] = 0.88
    return Predictions(labels, probabilities, predicted, np.arange(len(labels)) // 2, fold)


MODELS = {
    "a": [predict(0.7, seed) for seed in range(4)],
    "b": [predict(0.6, seed) for seed in range(10, 14)],
    "c": [predict(0.2, seed) for seed in range(20, 24)],
}


def accuracies(predictions: list[Predictions]) -> list[float]:
    return [float((each.predicted == each.labels).mean()) for each in predictions]


def test_differences_are_those_of_the_means() -> None:
    difference = compare_pairs(MODELS, [PAIR], ["accuracy"], resamples=50)[PAIR]["accuracy"]
    expected = np.mean(accuracies(MODELS["a"])) - np.mean(accuracies(MODELS["b"]))
    assert difference.difference == pytest.approx(expected)


def test_trainings_that_differ_widen_the_interval_as_student_says() -> None:
    """All images of a training are right or wrong together, so that lesions explain nothing."""
    right, wrong = as_predictions(LABELS), as_predictions((LABELS + 1) % 7)
    models = {"torn": [right, wrong, right, right], "right": [right, right, right, right]}
    pair = ("torn", "right")

    result = compare_pairs(models, [pair], ["accuracy"], resamples=20_000)[pair]["accuracy"]

    expected = stats.ttest_1samp([1.0, 0.0, 1.0, 1.0], 1.0)
    interval = expected.confidence_interval()
    assert result.difference == -0.25
    assert (result.low, result.high) == pytest.approx(
        (max(interval.low - 1, -1), interval.high - 1),
        abs=0.01,  # no accuracy differs by more
    )
    assert result.p_value == pytest.approx(expected.pvalue, abs=0.01)


def test_the_noise_of_two_models_is_welchs() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(0, 1, 5), rng.normal(0, 3, 4)
    noise = TrainingNoise(first.var(ddof=1) / 5, 4) + TrainingNoise(second.var(ddof=1) / 4, 3)
    expected = stats.ttest_ind(first, second, equal_var=False)
    assert noise.degrees == pytest.approx(expected.df)
    assert (first.mean() - second.mean()) / noise.variance**0.5 == pytest.approx(expected.statistic)


def test_the_spread_is_that_of_lesions_and_trainings_together() -> None:
    """The variance over seeds and that over lesions, each by hand, added."""
    pair = ("a", "c")

    result = compare_pairs(MODELS, [pair], ["accuracy"], resamples=20_000)[pair]["accuracy"]

    of_seeds = [np.var(accuracies(MODELS[name]), ddof=1) / 4 for name in pair]
    right = [np.mean([each.predicted == LABELS for each in MODELS[name]], axis=0) for name in pair]
    by_lesion = (right[0] - right[1]).reshape(-1, 2).mean(axis=1).reshape(3, -1)
    of_lesions = by_lesion.var(axis=1, ddof=1).sum() / by_lesion.shape[1] / 9
    degrees = sum(of_seeds) ** 2 / sum(variance**2 / 3 for variance in of_seeds)
    # Half of Student's interval of the trainings, and of the normal one of the lesions, in squares.
    half = np.hypot(stats.t.ppf(0.975, degrees) * sum(of_seeds) ** 0.5, 1.96 * of_lesions**0.5)
    assert result.low is not None
    assert result.high is not None
    assert (result.high - result.low) / 2 == pytest.approx(half, rel=0.05)


def test_the_variance_between_seeds_is_pooled_over_folds() -> None:
    """What folds differ in is not noise of the trainings."""
    right, wrong = LABELS, (LABELS + 1) % 7
    easy, hard = as_predictions(right, fold=0), as_predictions(wrong, fold=1)
    middle = as_predictions(np.where(np.arange(120) % 4 < 2, right, wrong))
    models = {"a": [easy, easy, hard, hard], "b": [middle, middle, hard, hard]}

    result = compare_pairs(models, [PAIR], ["accuracy"], resamples=200)[PAIR]["accuracy"]
    alone = compare_pairs(
        {name: each[::2] for name, each in models.items()}, [PAIR], ["accuracy"], resamples=200
    )[PAIR]["accuracy"]

    assert result == alone


def test_one_training_of_a_model_leaves_intervals_over_lesions() -> None:
    single = {"a": MODELS["a"][:1], "b": MODELS["b"][:1]}
    mixed = {"a": MODELS["a"][:1], "b": [MODELS["b"][0]] * 2}
    assert count_trainings(MODELS) == 4
    assert count_trainings(mixed) == 1
    names = ["accuracy", "log_loss"]
    of_single, of_mixed = (
        compare_pairs(models, [PAIR], names, resamples=50)[PAIR] for models in (single, mixed)
    )
    assert of_single == of_mixed


def test_three_lesions_cannot_tell_two_models_apart() -> None:
    """The models differ on these alone; a bootstrap sees the same difference in each resample."""
    labels = np.repeat([4, 5], [300, 6])
    good, poor = labels, np.full(len(labels), 4)
    models = {"good": [as_predictions(good, labels)], "poor": [as_predictions(poor, labels)]}
    pair = ("good", "poor")

    scores = compare_pairs(models, [pair], resamples=200)[pair]

    for name in ("recall_vasc", "balanced_accuracy", "accuracy", "roc_auc_ovr"):
        assert scores[name].difference > 0
        assert scores[name].p_value >= 0.25
    assert scores["recall_vasc"].low is scores["recall_vasc"].high is None


def test_only_what_a_score_sees_tells_models_apart() -> None:
    """The probabilities differ everywhere, the predictions of vasc in five lesions of ten."""
    labels = np.repeat([4, 5], [300, 20])
    good = np.repeat([4, 5, 4, 5], [300, 4, 2, 14])  # one lesion of vasc is taken for nv by both
    poor = np.repeat([4, 5, 4, 0, 5, 0], [300, 4, 2, 4, 4, 6])
    first, second = (as_predictions(predicted, labels) for predicted in (good, poor))
    second = replace(second, probabilities=0.9 * second.probabilities + 0.1 / 7)

    scores = compare_pairs({"a": [first], "b": [second]}, [PAIR], resamples=2000)[PAIR]

    floor = 2 * 0.5**5
    for name in ("recall_vasc", "balanced_accuracy", "accuracy", "f1_macro"):
        assert scores[name].p_value >= floor
    assert scores["recall_vasc"].p_value == floor
    assert scores["specificity_malignant"].p_value >= floor  # akiec is malignant
    assert scores["log_loss"].p_value < 0.001


def test_images_that_both_models_miss_do_not_tell_them_apart() -> None:
    labels = np.repeat([4, 5], [300, 20])
    first = as_predictions(np.repeat([4, 4, 2], [300, 16, 4]), labels)
    second = as_predictions(np.repeat([4, 1, 0], [300, 16, 4]), labels)

    scores = compare_pairs({"a": [first], "b": [second]}, [PAIR], resamples=200)[PAIR]

    for name in ("accuracy", "recall_vasc", "balanced_accuracy"):
        assert scores[name].p_value == 1


def test_models_must_have_the_same_images() -> None:
    short = as_predictions(LABELS[:4], LABELS[:4])
    with pytest.raises(UsageError, match="not tested on the same images"):
        compare_pairs({"a": MODELS["a"], "b": [short]}, [PAIR], ["accuracy"])
