"""The committee: trained models vote, each with a weight fitted on validation.

Networks and trees make different mistakes, so their mean is better than the best of them. The vote
is a mixture: the weighted mean of the members' calibrated probabilities. The weights are those
that make the validation labels likeliest, drawn towards equal shares, since a validation part is
small and members that look best on it are partly lucky.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmnist.errors import UsageError

__all__ = ["EQUAL_IMAGES", "fit_weights", "vote"]

EQUAL_IMAGES = 50
"""How many validation images' worth of evidence each member has for its equal share."""

_ROUNDS = 200

Floats = npt.NDArray[np.float64]


def fit_weights(labels: npt.NDArray[np.int64], votes: Sequence[npt.NDArray[np.floating]]) -> Floats:
    """Fit the weights of a committee on validation.

    Expectation-maximisation for the shares of a mixture under a Dirichlet prior (Dempster, Laird &
    Rubin 1977): each round asks how much of every true diagnosis' probability a member provided.

    Parameters
    ----------
    labels : numpy.ndarray of int64, shape (n,)
        The true diagnoses of the validation images; n may be 0, then all weights are equal.
    votes : sequence of numpy.ndarray, shape (n, 7)
        The calibrated probabilities of each member.

    Returns
    -------
    numpy.ndarray of float64, shape (members,)
        Positive, with the sum 1.

    Raises
    ------
    UsageError
        If there are fewer than two members.

    Examples
    --------
    >>> labels = np.tile([4, 6], 200)
    >>> right, wrong = np.full((400, 7), 0.05), np.full((400, 7), 1 / 7)
    >>> right[np.arange(400), labels] = 0.7
    >>> fit_weights(labels, [right, wrong]).round(1)
    array([0.9, 0.1])
    """
    if len(votes) < 2:
        raise UsageError("A committee needs two members or more.", "Name more models.")
    rows = np.arange(len(labels))
    believed = np.stack([probabilities[rows, labels] for probabilities in votes]).clip(1e-12)
    weights = np.full(len(votes), 1 / len(votes))
    for _ in range(_ROUNDS):
        provided = weights[:, None] * believed
        provided /= provided.sum(axis=0)
        weights = provided.sum(axis=1) + EQUAL_IMAGES
        weights /= weights.sum()
    return weights


def vote(votes: Sequence[npt.NDArray[np.floating]], weights: npt.ArrayLike) -> Floats:
    """Return the weighted mean of the members' probabilities: float64, shape (n, 7).

    Examples
    --------
    >>> vote([np.array([[0.2, 0.8]]), np.array([[0.6, 0.4]])], [0.5, 0.5])
    array([[0.4, 0.6]])
    """
    # Added one by one: a matrix product would add in another order with more threads.
    total = np.zeros(np.shape(votes[0]))
    for probabilities, weight in zip(votes, np.asarray(weights).tolist(), strict=True):
        total += weight * probabilities
    return total
