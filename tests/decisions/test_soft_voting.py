import numpy as np
import pytest
from scipy.optimize import minimize

from hmnist.arrays import Float64, Labels
from hmnist.decisions.soft_voting import EQUAL_IMAGES, fit_weights, soft_vote
from hmnist.errors import UsageError


def draw_models(rng: np.random.Generator, images: int = 300) -> tuple[Labels, list[Float64]]:
    labels = rng.integers(7, size=images)
    probabilities = []
    for skill in (2.0, 1.0, 0.2):
        logits = rng.normal(size=(images, 7))
        logits[np.arange(images), labels] += skill
        probabilities.append(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    return labels, probabilities


def test_weights_are_the_posterior_mode(rng: np.random.Generator) -> None:
    labels, probabilities = draw_models(rng)
    rows = np.arange(len(labels))
    likelihoods = np.stack([of_model[rows, labels] for of_model in probabilities])

    def loss(free: Float64) -> float:
        weights = np.exp(free) / np.exp(free).sum()
        return float(-np.log(weights @ likelihoods).sum() - EQUAL_IMAGES * np.log(weights).sum())

    best = minimize(loss, np.zeros(3)).x
    expected = np.exp(best) / np.exp(best).sum()
    np.testing.assert_allclose(fit_weights(labels, probabilities), expected, atol=1e-4)


def test_better_models_weigh_more_and_none_weighs_nothing(rng: np.random.Generator) -> None:
    weights = fit_weights(*draw_models(rng))
    assert weights[0] > weights[1] > weights[2] > 0
    assert weights.sum() == pytest.approx(1)


def test_without_validation_all_weigh_the_same() -> None:
    weights = fit_weights(np.empty(0, np.int64), [np.empty((0, 7))] * 4)
    np.testing.assert_allclose(weights, 0.25)


def test_certain_and_wrong_is_no_error() -> None:
    labels = np.zeros(10, np.int64)
    wrong = np.tile(np.eye(7)[1], (10, 1))
    right = np.tile(np.eye(7)[0], (10, 1))
    weights = fit_weights(labels, [wrong, right])
    assert np.isfinite(weights).all()


def test_soft_voting_is_the_weighted_mean(rng: np.random.Generator) -> None:
    _, probabilities = draw_models(rng, 5)
    weights = (0.5, 0.3, 0.2)
    expected = [
        [
            sum(
                weight * of_model[row, label]
                for weight, of_model in zip(weights, probabilities, strict=True)
            )
            for label in range(7)
        ]
        for row in range(5)
    ]
    np.testing.assert_allclose(soft_vote(probabilities, weights), expected)


def test_one_model_is_no_ensemble() -> None:
    with pytest.raises(UsageError, match="An ensemble needs two models or more"):
        fit_weights(np.zeros(1, np.int64), [np.ones((1, 7)) / 7])
