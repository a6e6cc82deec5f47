import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import minimize

from hmnist.decisions.soft_voting import EQUAL_IMAGES, fit_weights, vote
from hmnist.errors import UsageError


def _members(
    rng: np.random.Generator, images: int = 300
) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.float64]]]:
    labels = rng.integers(7, size=images)
    votes = []
    for skill in (2.0, 1.0, 0.2):
        logits = rng.normal(size=(images, 7))
        logits[np.arange(images), labels] += skill
        votes.append(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    return labels, votes


def test_weights_are_the_posterior_mode(rng: np.random.Generator) -> None:
    labels, votes = _members(rng)
    believed = np.stack([one[np.arange(len(labels)), labels] for one in votes])

    def loss(free: npt.NDArray[np.float64]) -> float:
        weights = np.exp(free) / np.exp(free).sum()
        return float(-np.log(weights @ believed).sum() - EQUAL_IMAGES * np.log(weights).sum())

    best = minimize(loss, np.zeros(3)).x
    expected = np.exp(best) / np.exp(best).sum()
    np.testing.assert_allclose(fit_weights(labels, votes), expected, atol=1e-4)


def test_better_members_weigh_more_and_none_is_silenced(rng: np.random.Generator) -> None:
    weights = fit_weights(*_members(rng))
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


def test_a_vote_is_the_weighted_mean(rng: np.random.Generator) -> None:
    _, votes = _members(rng, 5)
    expected = [
        [
            sum(w * one[i, k] for w, one in zip((0.5, 0.3, 0.2), votes, strict=True))
            for k in range(7)
        ]
        for i in range(5)
    ]
    np.testing.assert_allclose(vote(votes, [0.5, 0.3, 0.2]), expected)


def test_one_member_is_no_committee() -> None:
    with pytest.raises(UsageError, match="two members"):
        fit_weights(np.zeros(1, np.int64), [np.ones((1, 7)) / 7])
