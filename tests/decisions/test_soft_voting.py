import itertools

import numpy as np
import pytest

from hmnist.arrays import Float64, Labels
from hmnist.decisions.soft_voting import LEAST_SHARE, RIDGE, fit_weights, soft_vote
from hmnist.errors import UsageError


def draw_models(
    rng: np.random.Generator, images: int = 300, skills: tuple[float, ...] = (2.0, 1.0, 0.2)
) -> tuple[Labels, list[Float64]]:
    labels = rng.integers(7, size=images)
    probabilities = []
    for skill in skills:
        logits = rng.normal(size=(images, 7))
        logits[np.arange(images), labels] += skill
        probabilities.append(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    return labels, probabilities


def pool(probabilities: list[Float64], weights: list[float]) -> Float64:
    """Return the weighted geometric mean, number by number."""
    images, classes = probabilities[0].shape
    products = np.ones((images, classes))
    for row, label in itertools.product(range(images), range(classes)):
        for of_model, weight in zip(probabilities, weights, strict=True):
            products[row, label] *= of_model[row, label] ** weight
    return np.asarray(products / products.sum(axis=1, keepdims=True))


def test_soft_voting_is_the_weighted_geometric_mean(rng: np.random.Generator) -> None:
    _, probabilities = draw_models(rng, 5)
    weights = [0.5, 0.3, 0.2]
    np.testing.assert_allclose(soft_vote(probabilities, weights), pool(probabilities, weights))


def test_no_other_weights_have_a_lower_loss(rng: np.random.Generator) -> None:
    labels, probabilities = draw_models(rng)

    def loss(weights: list[float]) -> float:
        pooled = pool(probabilities, weights)[np.arange(len(labels)), labels]
        return float(-np.log(pooled).sum() + RIDGE * sum(weight**2 for weight in weights))

    fitted = fit_weights(labels, probabilities)
    # The sum of the weights is a temperature, which is not the question here.
    least = min(loss([*(scale * fitted)]) for scale in np.linspace(0.3, 3, 55))
    steps = np.linspace(0, 1.6, 9)
    assert least <= min(loss([*weights]) for weights in itertools.product(steps, repeat=3)) + 0.05


def test_better_models_weigh_more(rng: np.random.Generator) -> None:
    weights = fit_weights(*draw_models(rng))
    assert weights[0] > weights[1] > weights[2] >= 0
    assert weights.sum() == pytest.approx(1)


def test_models_that_add_nothing_are_left_out(rng: np.random.Generator) -> None:
    labels, probabilities = draw_models(rng, 2000, (2.0, 1.5, 0.0, 0.0))
    weights = fit_weights(labels, probabilities)
    assert weights.tolist()[2:] == [0, 0]
    np.testing.assert_allclose(weights[:2], fit_weights(labels, probabilities[:2]), atol=0.01)


def test_two_models_always_stay(rng: np.random.Generator) -> None:
    weights = fit_weights(*draw_models(rng, 2000, (3.0, 0.0, 0.0)))
    assert np.count_nonzero(weights) <= 2
    assert weights[0] > 1 - LEAST_SHARE


def test_without_validation_all_weigh_the_same() -> None:
    weights = fit_weights(np.empty(0, np.int64), [np.empty((0, 7))] * 4)
    np.testing.assert_allclose(weights, 0.25)


def test_certain_and_wrong_is_no_error() -> None:
    labels = np.zeros(10, np.int64)
    wrong = np.tile(np.eye(7)[1], (10, 1))
    right = np.tile(np.eye(7)[0], (10, 1))
    weights = fit_weights(labels, [wrong, right])
    assert np.isfinite(weights).all()
    assert weights[1] > weights[0]
    assert np.isfinite(soft_vote([wrong, right], weights)).all()


def test_models_without_skill_weigh_the_same() -> None:
    labels = np.arange(700) % 7
    # Each is sure of the next diagnosis: the best weight of both is 0.
    wrong = 0.9 * np.eye(7)[(labels + 1) % 7] + 0.1 / 7
    assert fit_weights(labels, [wrong, wrong]).tolist() == pytest.approx([0.5, 0.5])


def test_one_model_is_no_ensemble() -> None:
    with pytest.raises(UsageError, match="An ensemble needs two models or more"):
        fit_weights(np.zeros(1, np.int64), [np.ones((1, 7)) / 7])
