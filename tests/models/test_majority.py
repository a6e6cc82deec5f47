"""The majority model against its definition."""

import numpy as np

from hmnist.models.majority import Majority

IMAGES = np.random.default_rng(3).integers(0, 256, (90, 3, 3, 1), dtype=np.uint8)
LABELS = (IMAGES[:, 0, 0, 0].astype(int) // 86) * 2
WEIGHTS = np.random.default_rng(4).integers(0, 4, 90)


def test_majority_predicts_the_shares_of_training() -> None:
    model = Majority(classes=range(5)).fit(IMAGES, LABELS)
    shares = np.bincount(LABELS, minlength=5) / 90
    np.testing.assert_allclose(model.predict_proba(IMAGES[:4]), np.tile(shares, (4, 1)))
    assert (model.predict(IMAGES) == shares.argmax()).all()
    assert model.parameter_count == 5


def test_majority_uses_weights() -> None:
    model = Majority().fit(IMAGES, LABELS, sample_weight=WEIGHTS)
    shares = np.bincount(LABELS, WEIGHTS)[[0, 2, 4]] / WEIGHTS.sum()
    np.testing.assert_allclose(model.predict_proba(IMAGES[:1])[0], shares)


def test_rows_of_any_length_will_do() -> None:
    assert Majority().fit(np.full((3, 7), 9), [0, 1, 1]).predict(np.full((1, 7), 3)) == [1]
