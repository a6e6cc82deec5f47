"""The teacher's soft targets: probabilities, from models that have not seen the image."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import softmax

from hmnist.features.lesion import LesionFeatures
from hmnist.models.linear import cross_fit
from hmnist.models.teacher import soft_targets
from hmnist.sources.sample import load_sample

SAMPLE = load_sample()
ROWS = np.random.default_rng(3).permutation(len(SAMPLE))[:150]
IMAGES, LABELS = SAMPLE.images[ROWS], SAMPLE.labels[ROWS]


@pytest.fixture(scope="module")
def taught() -> npt.NDArray[np.float32]:
    return soft_targets(IMAGES, LABELS, None, classes=7, seed=4)


def test_rows_are_probabilities(taught: npt.NDArray[np.float32]) -> None:
    assert taught.shape == (150, 7)
    assert taught.dtype == np.float32
    np.testing.assert_allclose(taught.sum(axis=1), 1, atol=1e-6)
    assert (taught >= 0).all()


def test_they_are_those_of_the_cross_fitted_measures(taught: npt.NDArray[np.float32]) -> None:
    table = LesionFeatures(random_state=4).fit_transform(IMAGES)
    _, log_odds = cross_fit(np.asarray(table), LABELS, None, classes=7, seed=4)
    np.testing.assert_allclose(taught, softmax(log_odds, axis=1), atol=1e-5)


def test_they_know_more_than_chance(taught: npt.NDArray[np.float32]) -> None:
    commonest = np.bincount(LABELS).max() / len(LABELS)
    assert (taught.argmax(axis=1) == LABELS).mean() > commonest


def test_meaningless_labels_are_not_remembered() -> None:
    # Each image stands there twice, as oversampling would have it.
    coins = np.random.default_rng(8).integers(2, size=150)
    twice = np.tile(np.arange(150), 2)
    taught = soft_targets(IMAGES[twice], coins[twice], None, classes=2, seed=0)
    right = taught.argmax(axis=1) == coins[twice]
    assert 0.3 < right.mean() < 0.7


def test_weights_count_as_repetition_does() -> None:
    weights = np.where(LABELS == 4, 1.0, 30.0)
    heavy = soft_targets(IMAGES, LABELS, weights, classes=7, seed=4)
    plain = soft_targets(IMAGES, LABELS, None, classes=7, seed=4)
    assert heavy[:, 4].mean() < plain[:, 4].mean()
