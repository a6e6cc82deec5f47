"""Soft voting: the weighted mean of several models' probabilities, an ensemble.

Networks and trees make different mistakes, so that their mean is better than the best of them. The
weights are those that make the validation labels most probable, shrunk toward equal weights: a
validation part is small, and the models that look best on it are partly lucky.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels
from hmnist.errors import UsageError

EQUAL_IMAGES = 50
"""How many validation images equal weights count for, for each model."""

_ROUNDS = 200


def fit_weights(labels: Labels, probabilities: Sequence[npt.NDArray[np.floating]]) -> Float64:
    """Fit the weights of the models of an ensemble on validation: positive, with the sum 1.

    Expectation-maximisation for the shares of a mixture under a Dirichlet prior (Dempster, Laird &
    Rubin 1977): each round computes how much of the probability of every true diagnosis comes from
    each model.

    Parameters
    ----------
    labels : numpy.ndarray of int64, shape (n,)
        The true diagnoses of the validation images; n may be 0, then all weights are equal.
    probabilities : sequence of numpy.ndarray, shape (n, 7)
        The calibrated probabilities of each model.

    Raises
    ------
    UsageError
        If there are fewer than two models.

    Examples
    --------
    >>> labels = np.tile([4, 6], 200)
    >>> right, wrong = np.full((400, 7), 0.05), np.full((400, 7), 1 / 7)
    >>> right[np.arange(400), labels] = 0.7
    >>> fit_weights(labels, [right, wrong]).round(1)
    array([0.9, 0.1])
    """
    if len(probabilities) < 2:
        raise UsageError("An ensemble needs two models or more.", "Name more models.")
    rows = np.arange(len(labels))
    likelihoods = np.stack([of_model[rows, labels] for of_model in probabilities]).clip(1e-12)
    weights = np.full(len(probabilities), 1 / len(probabilities))
    for _ in range(_ROUNDS):
        shares = weights[:, None] * likelihoods
        shares /= shares.sum(axis=0)
        weights = shares.sum(axis=1) + EQUAL_IMAGES
        weights /= weights.sum()
    return weights


def soft_vote(probabilities: Sequence[npt.NDArray[np.floating]], weights: npt.ArrayLike) -> Float64:
    """Return the weighted mean of the models' probabilities: float64, shape (n, 7).

    Examples
    --------
    >>> soft_vote([np.array([[0.2, 0.8]]), np.array([[0.6, 0.4]])], [0.5, 0.5])
    array([[0.4, 0.6]])
    """
    # Added model by model: a matrix product adds in another order with more threads.
    total = np.zeros(np.shape(probabilities[0]))
    for of_model, weight in zip(probabilities, np.asarray(weights).tolist(), strict=True):
        total += weight * of_model
    return total
