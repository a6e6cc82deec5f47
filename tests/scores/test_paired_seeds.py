from itertools import product

import numpy as np
import pytest

from hmnist.errors import UsageError
from hmnist.scores.paired_seeds import compare_seeds
from hmnist.scores.paired_tests import compare_on
from hmnist.scores.predictions import Predictions
from hmnist.scores.significance import correct_holm

LABELS = np.repeat([2, 4, 6], 40)


def predict(hits: float, seed: int) -> Predictions:
    """Return predictions of which about a share is right; two images show one lesion."""
    rng = np.random.default_rng(seed)
    predicted = np.where(rng.random(len(LABELS)) < hits, LABELS, rng.choice([2, 4, 6], len(LABELS)))
    probabilities = np.full((len(LABELS), 7), 0.02)
    probabilities[np.arange(len(LABELS)), predicted] = 0.88
    return Predictions(LABELS, probabilities, predicted, np.arange(len(LABELS)) // 2)


MODELS = {
    "a": [predict(0.7, seed) for seed in range(4)],
    "b": [predict(0.6, seed) for seed in range(10, 14)],
    "c": [predict(0.2, seed) for seed in range(20, 24)],
}


def accuracies(predictions: list[Predictions], lesions: object = slice(None)) -> list[float]:
    return [(each.predicted == each.labels)[lesions].mean() for each in predictions]


def test_differences_are_those_of_the_means() -> None:
    [difference] = compare_seeds(MODELS, [("a", "b")], ["accuracy"], resamples=50).values()
    expected = np.mean(accuracies(MODELS["a"])) - np.mean(accuracies(MODELS["b"]))
    assert difference["accuracy"].difference == pytest.approx(expected)


def test_one_seed_has_the_intervals_of_the_paired_test_over_lesions() -> None:
    single = {name: predictions[:1] for name, predictions in MODELS.items()}
    pairs = [("a", "b"), ("a", "c")]
    ours = compare_seeds(single, pairs, ["accuracy", "balanced_accuracy"], resamples=400)
    for score in ("accuracy", "balanced_accuracy"):
        for pair, expected in compare_on(score, single, pairs, resamples=400).items():
            assert ours[pair][score] == expected


def test_the_spread_is_that_of_lesions_and_seeds_together() -> None:
    """By brute force: all draws of seeds, and draws of lesions of an own generator."""
    pair = ("a", "c")
    [difference] = compare_seeds(MODELS, [pair], ["accuracy"], resamples=4000).values()
    rng = np.random.default_rng(9)
    by_lesion = np.array(
        [
            (first.predicted == LABELS) * 1.0 - (second.predicted == LABELS)
            for first, second in zip(*(MODELS[name] for name in pair), strict=True)
        ]
    )
    seeds = list(product(range(4), repeat=4))
    drawn = []
    for _ in range(4000):
        lesions = np.concatenate([rng.choice(20, 20) + 20 * number for number in range(3)])
        images = np.concatenate([2 * lesions, 2 * lesions + 1])
        chosen = seeds[rng.integers(len(seeds))]
        drawn.append(by_lesion[list(chosen)][:, images].mean())
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert difference["accuracy"].low == pytest.approx(low, abs=0.01)
    assert difference["accuracy"].high == pytest.approx(high, abs=0.01)
    [alone] = compare_seeds(
        {name: MODELS[name][:1] for name in pair}, [pair], ["accuracy"], resamples=400
    ).values()
    assert alone["accuracy"].low != difference["accuracy"].low


def test_seeds_that_differ_widen_the_interval() -> None:
    """Two trainings that are right on all images or on none: lesions explain nothing."""
    right, wrong = predict(1, 0), predict(0, 0)
    wrong = Predictions(LABELS, np.roll(right.probabilities, 1, axis=1), (LABELS + 1) % 7)
    right = Predictions(LABELS, right.probabilities, LABELS)
    models = {"torn": [right, wrong], "right": [right, right]}
    [difference] = compare_seeds(models, [("torn", "right")], ["accuracy"]).values()
    result = difference["accuracy"]
    assert (result.difference, result.low, result.high) == (-0.5, -1.0, 0.0)


def test_p_values_are_corrected_for_the_pairs() -> None:
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    together = compare_seeds(MODELS, pairs, ["accuracy"], resamples=200)
    single = [
        compare_seeds(MODELS, [pair], ["accuracy"], resamples=200)[pair]["accuracy"].p_value
        for pair in pairs
    ]
    assert [together[pair]["accuracy"].p_value for pair in pairs] == correct_holm(single)


def test_models_must_have_the_same_seeds_and_images() -> None:
    with pytest.raises(UsageError, match="different numbers of seeds"):
        compare_seeds({"a": MODELS["a"], "b": MODELS["b"][:2]}, [("a", "b")], ["accuracy"])
    short = Predictions(LABELS[:5], MODELS["a"][0].probabilities[:5], LABELS[:5])
    with pytest.raises(UsageError, match="not tested on the same images"):
        compare_seeds({"a": MODELS["a"][:1], "b": [short]}, [("a", "b")], ["accuracy"])
