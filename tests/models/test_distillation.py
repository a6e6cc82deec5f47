"""Soft targets: probabilities from models that were not fitted on the image."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import softmax

from hmnist.features.lesion import LesionFeatures
from hmnist.models.cross_fitting import cross_fit
from hmnist.models.distillation import soft_targets
from hmnist.models.labelled_images import LabelledImages
from hmnist.patients import PATIENT_COLUMNS
from hmnist.sources.sample import load_sample
from hmnist.splits.groups import group_copies

SAMPLE = load_sample(rows=150)
IMAGES, LABELS = SAMPLE.images[:, ::2, ::2], SAMPLE.labels


@pytest.fixture(scope="module")
def soft() -> npt.NDArray[np.float32]:
    return soft_targets(LabelledImages(IMAGES, LABELS), classes=7, seed=4)


def test_rows_are_probabilities(soft: npt.NDArray[np.float32]) -> None:
    assert soft.shape == (150, 7)
    assert soft.dtype == np.float32
    np.testing.assert_allclose(soft.sum(axis=1), 1, atol=1e-6)
    assert (soft >= 0).all()


def test_they_come_from_cross_fitted_features(soft: npt.NDArray[np.float32]) -> None:
    features = LesionFeatures(random_state=4).fit_transform(IMAGES)
    _, log_odds = cross_fit(
        np.asarray(features), LABELS, None, group_copies(IMAGES), classes=7, seed=4
    )
    np.testing.assert_allclose(soft, softmax(log_odds, axis=1), atol=1e-5)


def test_they_are_better_than_chance(soft: npt.NDArray[np.float32]) -> None:
    commonest = np.bincount(LABELS).max() / len(LABELS)
    assert (soft.argmax(axis=1) == LABELS).mean() > commonest


def test_random_labels_are_not_memorised() -> None:
    # Each image occurs twice, as after oversampling.
    random_labels = np.random.default_rng(8).integers(2, size=150)
    twice = np.tile(np.arange(150), 2)
    soft = soft_targets(LabelledImages(IMAGES[twice], random_labels[twice]), classes=2, seed=0)
    right = soft.argmax(axis=1) == random_labels[twice]
    assert 0.3 < right.mean() < 0.7


def test_weights_count_as_repetition_does(soft: npt.NDArray[np.float32]) -> None:
    weights = np.where(LABELS == 4, 1.0, 30.0)
    weighted = soft_targets(LabelledImages(IMAGES, LABELS, weights=weights), classes=7, seed=4)
    assert weighted[:, 4].mean() < soft[:, 4].mean()


def test_patient_data_are_features_like_others(soft: npt.NDArray[np.float32]) -> None:
    patients = np.zeros((150, len(PATIENT_COLUMNS)), np.float32)
    constant = soft_targets(LabelledImages(IMAGES, LABELS, patients), classes=7, seed=4)
    np.testing.assert_allclose(constant, soft, atol=0.1)  # columns that do not vary say nothing
    patients[:] = (LABELS == 4)[:, None]
    telling = soft_targets(LabelledImages(IMAGES, LABELS, patients), classes=7, seed=4)
    assert telling[LABELS == 4, 4].mean() > soft[LABELS == 4, 4].mean() + 0.02
