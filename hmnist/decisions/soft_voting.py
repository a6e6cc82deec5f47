"""Soft voting: the weighted geometric mean of several models' probabilities, an ensemble.

Networks and trees make different mistakes, so that their mean can be better than the best of them.
The weights are those that make the validation labels most probable. Models that add next to nothing
are left out. The geometric mean, in which one model's certainty that it is *not* a diagnosis
counts, had the lower log loss on held-out lesions; it is also called a logarithmic opinion pool
(Genest & Zidek, *Statistical Science* 1:114, 1986).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Array, Float64, Labels, softmax
from hmnist.errors import UsageError

RIDGE = 3.0
"""What is minimised is the summed log loss of the validation images plus so much times the sum of
the squared weights, so that similar models share their weight. More of it keeps models that harm.
"""

LEAST_SHARE = 0.05
"""Models of a smaller weight are left out, but for the best two. The weights of those that are left
are fitted again, and may be 0."""

_FLOOR = 1e-12  # below the least probability that float32 networks give, so that logs are finite


def fit_weights(labels: Labels, probabilities: Sequence[npt.NDArray[np.floating]]) -> Float64:
    """Fit the weights of the models of an ensemble on validation: not negative, with the sum 1.

    Parameters
    ----------
    labels : numpy.ndarray of int64, shape (n,)
        The true diagnoses of the validation images; n may be 0, then all weights are equal.
    probabilities : sequence of numpy.ndarray, shape (n, 7)
        The calibrated probabilities of each model.

    Returns
    -------
    numpy.ndarray of float64
        A weight per model. Those of models that are left out are 0.

    Raises
    ------
    UsageError
        If there are fewer than two models.

    Examples
    --------
    >>> labels = np.tile([4, 6], 200)
    >>> right, wrong = np.full((400, 7), 0.05), np.full((400, 7), 1 / 7)
    >>> right[np.arange(400), labels] = 0.7
    >>> fit_weights(labels, [right, right, wrong]).round(2)
    array([0.5, 0.5, 0. ])
    """
    count = len(probabilities)
    if count < 2:
        raise UsageError("An ensemble needs two models or more.", "Name more models.")
    if not len(labels):
        return np.full(count, 1 / count)
    logs = _logarithms(probabilities)
    weights = _minimise(labels, logs)
    kept = np.union1d(
        np.argsort(-weights, kind="stable")[:2], np.flatnonzero(weights > LEAST_SHARE)
    )
    answer = np.zeros(count)
    answer[kept] = _minimise(labels, logs[kept])
    return answer


def soft_vote(probabilities: Sequence[npt.NDArray[np.floating]], weights: npt.ArrayLike) -> Float64:
    """Return the weighted geometric mean of the models' probabilities: float64, shape (n, 7).

    The rows sum to 1 again, and so do the weights.

    Examples
    --------
    >>> soft_vote([np.array([[0.2, 0.8]]), np.array([[0.5, 0.5]])], [0.5, 0.5]).round(3)
    array([[0.333, 0.667]])
    """
    # Added model by model: a matrix product adds in another order with more threads.
    total = np.zeros(np.shape(probabilities[0]))
    for of_model, weight in zip(
        _logarithms(probabilities), np.asarray(weights).tolist(), strict=True
    ):
        total += weight * of_model
    return softmax(total)


def _logarithms(probabilities: Sequence[npt.NDArray[np.floating]]) -> Float64:
    return np.asarray(np.log(np.array(probabilities, np.float64).clip(_FLOOR)))


def _minimise(labels: Labels, logs: Float64) -> Float64:
    """Return the weights of the least validation loss, made to sum to 1.

    Their sum before is a temperature, which the calibration of the ensemble fits again.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    equal = np.full(len(logs), 1 / len(logs))
    rows = np.arange(len(labels))
    of_true = logs[:, rows, labels].sum(axis=1)

    def loss(weights: Float64) -> tuple[float, Array]:
        pooled = np.tensordot(weights, logs, 1)
        expected = np.einsum("mnc,nc->m", logs, softmax(pooled))
        total = logsumexp(pooled, axis=1).sum() - weights @ of_true + RIDGE * weights @ weights
        return float(total), expected - of_true + 2 * RIDGE * weights

    weights = minimize(loss, equal, jac=True, bounds=[(0, None)] * len(logs)).x
    # All are 0 if no model knows more than chance.
    return np.asarray(weights / weights.sum()) if weights.sum() else equal
