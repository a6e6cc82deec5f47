"""Logistic regression and the majority model against what they are defined to be."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from hmnist.models.linear import Logistic, Majority

IMAGES = np.random.default_rng(3).integers(0, 256, (90, 3, 3, 1), dtype=np.uint8)
LABELS = (IMAGES[:, 0, 0, 0].astype(int) // 86) * 2
WEIGHTS = np.random.default_rng(4).integers(0, 4, 90)


def test_majority_states_the_shares_of_training() -> None:
    model = Majority(classes=range(5)).fit(IMAGES, LABELS)
    shares = np.bincount(LABELS, minlength=5) / 90
    np.testing.assert_allclose(model.predict_proba(IMAGES[:4]), np.tile(shares, (4, 1)))
    assert (model.predict(IMAGES) == shares.argmax()).all()
    assert model.parameter_count == 5


def test_majority_counts_weights() -> None:
    model = Majority().fit(IMAGES, LABELS, sample_weight=WEIGHTS)
    shares = np.bincount(LABELS, WEIGHTS)[[0, 2, 4]] / WEIGHTS.sum()
    np.testing.assert_allclose(model.predict_proba(IMAGES[:1])[0], shares)


def test_logistic_is_regression_on_standardised_pixels() -> None:
    X = IMAGES.reshape(90, -1).astype(float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = LogisticRegression(C=0.1, tol=1e-8, max_iter=1000).fit(X, LABELS).predict_proba(X)
    model = Logistic(C=0.1, max_iter=1000).fit(IMAGES, LABELS)
    np.testing.assert_allclose(model.predict_proba(IMAGES), expected, atol=1e-3)
    assert model.parameter_count == 3 * (9 + 1)
    assert 1 <= model.n_iter_ < 1000


def test_logistic_ends_at_its_limit_without_a_warning() -> None:
    assert Logistic(C=100, max_iter=2).fit(IMAGES, LABELS).n_iter_ == 2


def test_weights_of_nought_drop_rows_and_whole_ones_repeat_them() -> None:
    weighted = Logistic(C=0.1).fit(IMAGES, LABELS, sample_weight=WEIGHTS)
    repeated = Logistic(C=0.1).fit(IMAGES.repeat(WEIGHTS, 0), LABELS.repeat(WEIGHTS))
    np.testing.assert_allclose(
        weighted.predict_proba(IMAGES), repeated.predict_proba(IMAGES), atol=1e-3
    )


def test_logistic_refuses_a_single_class() -> None:
    with pytest.raises(ValueError, match="class"):
        Logistic().fit(IMAGES, np.zeros(90))
