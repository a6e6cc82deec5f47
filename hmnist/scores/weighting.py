"""Weighted images: the sums that every score is made of.

A weight says how often an image counts: a number ≥ 0. Weights of 1 give the score itself; the
weights of a bootstrap resample give the score of that resample (`hmnist.scores.intervals`). So a
score and its interval always have the same definition.

Sums are taken image by image, never by a matrix product: a score is the same, bit for bit, for any
number of threads.
"""

from functools import cached_property

import numpy as np

from hmnist.arrays import Booleans, Float64, Indices
from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.scores.predictions import Predictions
from hmnist.scores.reliability import sort_into_bins


class PreparedPredictions:
    """Predictions, and everything about them that does not depend on the weights.

    Attributes are the rows of images by diagnosis (`true`, `predicted`, `hits`), by screening
    (`screened`) and by confidence (`bins`), and what each image adds to `losses` and `gaps`.
    """

    def __init__(self, predictions: Predictions) -> None:
        labels, predicted = predictions.labels, predictions.predicted
        probabilities, diagnoses = predictions.probabilities, range(len(CODES))
        self.true = [np.flatnonzero(labels == label) for label in diagnoses]
        self.predicted = [np.flatnonzero(predicted == label) for label in diagnoses]
        self.hits = [rows[predicted[rows] == labels[rows]] for rows in self.true]

        malignant, called = np.isin(labels, MALIGNANT), np.isin(predicted, MALIGNANT)
        self.screened = [np.flatnonzero(malignant & called), np.flatnonzero(~malignant & ~called)]

        normalised = probabilities / probabilities.sum(1, keepdims=True)
        epsilon = np.finfo(np.float64).eps
        of_true_diagnosis = normalised[np.arange(len(labels)), labels]
        self.losses = -np.log(np.clip(of_true_diagnosis, epsilon, 1 - epsilon))[:, None]

        confidence = probabilities.max(1)
        self.bins = [rows for rows in sort_into_bins(confidence) if len(rows)]
        self.gaps = (confidence - (probabilities.argmax(1) == labels))[:, None]

        self.rankings = [Ranking(probabilities[:, label], labels == label) for label in diagnoses]


class WeightedSums:
    """Sums over images, for r weightings at once; each is float64 and taken when it is needed.

    Parameters
    ----------
    prepared : PreparedPredictions
        Of n images.
    weights : numpy.ndarray of float64, shape (n, r)
        How often each image counts.
    """

    def __init__(self, prepared: PreparedPredictions, weights: Float64) -> None:
        self._prepared = prepared
        self._weights = weights

    @cached_property
    def images(self) -> Float64:
        """The images that have each diagnosis: shape (7, r)."""
        return _sums(self._weights, self._prepared.true)

    @cached_property
    def predicted(self) -> Float64:
        """The images that are predicted to have each diagnosis: shape (7, r)."""
        return _sums(self._weights, self._prepared.predicted)

    @cached_property
    def hits(self) -> Float64:
        """The images that have each diagnosis and are predicted to have it: shape (7, r)."""
        return _sums(self._weights, self._prepared.hits)

    @cached_property
    def total(self) -> Float64:
        """All images: shape (r,)."""
        return np.asarray(self.images.sum(0))

    @cached_property
    def malignant(self) -> Float64:
        """The images with a malignant diagnosis: shape (r,)."""
        return np.asarray(self.images[list(MALIGNANT)].sum(0))

    @cached_property
    def screened(self) -> Float64:
        """The malignant images predicted malignant, the benign predicted benign: shape (2, r)."""
        return _sums(self._weights, self._prepared.screened)

    @cached_property
    def pairs_won(self) -> Float64:
        """The pairs of one image with and one without each diagnosis that are ranked rightly.

        Its probability ranks them; a tie counts half. Shape (7, r).
        """
        return np.array([each.pairs_won(self._weights) for each in self._prepared.rankings])

    @cached_property
    def losses(self) -> Float64:
        """The negative log-probabilities of the true diagnoses: shape (r,)."""
        return np.asarray((self._weights * self._prepared.losses).sum(0))

    @cached_property
    def gaps(self) -> Float64:
        """Confidence minus right answers, for each bin that holds images: shape (bins, r)."""
        return _sums(self._weights * self._prepared.gaps, self._prepared.bins)


class Ranking:
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
