"""Weighted images: the sums that every score is made of.

A weight says how often an image counts: a whole number ≥ 0. Weights of 1 give the score itself; the
weights of a bootstrap resample give the score of that resample (`hmnist.scores.intervals`). So a
score and its interval always have the same definition.

Sums are taken image by image, never by a matrix product: a score is the same, bit for bit, for any
number of threads.
"""

from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Booleans, Float64, Indices
from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.scores.predictions import Predictions
from hmnist.scores.reliability import sort_into_bins


@dataclass(frozen=True)
class WeightedSums:
    """Sums over images, for r weightings at once; each is float64.

    Attributes
    ----------
    images, predicted, hits : numpy.ndarray, shape (7, r)
        The images that have each diagnosis, are predicted to have it, or both.
    total, malignant : numpy.ndarray, shape (r,)
        All images, and those with a malignant diagnosis.
    screened : numpy.ndarray, shape (2, r)
        The malignant images that are predicted malignant, and the benign ones predicted benign.
    pairs_won : numpy.ndarray, shape (7, r)
        The pairs of one image with and one without a diagnosis that its probability ranks rightly;
        a tie counts half.
    losses : numpy.ndarray, shape (r,)
        The negative log-probabilities of the true diagnoses.
    gaps : numpy.ndarray, shape (bins, r)
        Confidence minus right answers, for each bin of confidence that holds images.
    """

    images: Float64
    predicted: Float64
    hits: Float64
    total: Float64
    malignant: Float64
    screened: Float64
    pairs_won: Float64
    losses: Float64
    gaps: Float64


class PreparedPredictions:
    """Predictions, and everything about them that does not depend on the weights."""

    def __init__(self, predictions: Predictions) -> None:
        labels, predicted = predictions.labels, predictions.predicted
        probabilities, diagnoses = predictions.probabilities, range(len(CODES))
        self._true = [np.flatnonzero(labels == label) for label in diagnoses]
        self._predicted = [np.flatnonzero(predicted == label) for label in diagnoses]
        self._hits = [rows[predicted[rows] == labels[rows]] for rows in self._true]

        malignant, called = np.isin(labels, MALIGNANT), np.isin(predicted, MALIGNANT)
        self._screened = [np.flatnonzero(malignant & called), np.flatnonzero(~malignant & ~called)]

        normalised = probabilities / probabilities.sum(1, keepdims=True)
        epsilon = np.finfo(np.float64).eps
        of_true_diagnosis = normalised[np.arange(len(labels)), labels]
        self._losses = -np.log(np.clip(of_true_diagnosis, epsilon, 1 - epsilon))[:, None]

        confidence = probabilities.max(1)
        self._bins = [rows for rows in sort_into_bins(confidence) if len(rows)]
        self._gaps = (confidence - (probabilities.argmax(1) == labels))[:, None]

        self._rankings = [_Ranking(probabilities[:, label], labels == label) for label in diagnoses]

    def weigh(self, weights: Float64) -> WeightedSums:
        """Return the sums for each column of `weights`: float64, shape (n, r)."""
        images = _sums(weights, self._true)
        return WeightedSums(
            images,
            predicted=_sums(weights, self._predicted),
            hits=_sums(weights, self._hits),
            total=images.sum(0),
            malignant=images[list(MALIGNANT)].sum(0),
            screened=_sums(weights, self._screened),
            pairs_won=np.array([ranking.pairs_won(weights) for ranking in self._rankings]),
            losses=(weights * self._losses).sum(0),
            gaps=_sums(weights * self._gaps, self._bins),
        )


class _Ranking:
    """How often images with one diagnosis get a larger probability of it than the rest do."""

    def __init__(self, probability: Float64, positive: Booleans) -> None:
        self._positive = np.flatnonzero(positive)
        negative = np.flatnonzero(~positive)
        self._negative = negative[np.argsort(probability[negative], kind="stable")]
        rising = probability[self._negative]
        self._beaten = np.searchsorted(rising, probability[self._positive], side="left")
        self._not_lost = np.searchsorted(rising, probability[self._positive], side="right")

    def pairs_won(self, weights: Float64) -> Float64:
        """Return the weighted number of pairs won, ties half: the Mann–Whitney U, shape (r,)."""
        below = np.zeros((len(self._negative) + 1, weights.shape[1]))
        np.cumsum(weights[self._negative], axis=0, out=below[1:])
        won = below[self._beaten]
        won += below[self._not_lost]
        won *= weights[self._positive]
        return np.asarray(won.sum(0) / 2)


def _sums(weights: Float64, groups: list[Indices]) -> Float64:
    """Return the sum of the weights of each group of rows, shape (groups, r)."""
    return np.array([weights[rows].sum(0) for rows in groups])
