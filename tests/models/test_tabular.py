"""Tabular models: the features that they read, and when rows have to be images."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.arrays import Float32, Float64, Labels
from hmnist.errors import UsageError
from hmnist.models.tabular import TabularModel

IMAGES = np.random.default_rng(2).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(40) % 2


class Recorder(TabularModel):
    """Records the features that it is fitted on and asked about."""

    def _fit_features(
        self,
        features: Float32,
        labels: Labels,
        weights: Float64 | None,
        validation: tuple[Float32, Labels] | None,
    ) -> None:
        self.fitted_on_ = (features, labels, weights, validation)

    def _predict_features(self, features: Float32) -> npt.NDArray[Any]:
        self.asked_ = features
        return np.full((len(features), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize("features", ["pixels", "lesion"])
def test_training_and_prediction_asked_alike(features: str) -> None:
    model = Recorder(random_state=3, features=features)
    held_out = (IMAGES[10:], LABELS[10:])
    model.fit(IMAGES[:10], LABELS[:10], sample_weight=np.arange(10), validation=held_out)
    trained, labels, weights, validation = model.fitted_on_
    assert validation is not None
    np.testing.assert_array_equal(labels, LABELS[:10])
    assert weights is not None
    np.testing.assert_array_equal(weights, np.arange(10))
    np.testing.assert_array_equal(validation[1], LABELS[10:])
    model.predict(IMAGES)
    np.testing.assert_array_equal(model.asked_, np.concatenate([trained, validation[0]]))
    assert model.asked_.dtype == np.float32


def test_filters_come_from_training_images_and_the_seed() -> None:
    first, same, other = (
        Recorder(random_state=seed, features="lesion").fit(
            IMAGES[:10], LABELS[:10], validation=held
        )
        for seed, held in ((1, None), (1, (IMAGES[10:], LABELS[10:])), (2, None))
    )
    np.testing.assert_array_equal(first.fitted_on_[0], same.fitted_on_[0])
    assert not np.array_equal(first.fitted_on_[0], other.fitted_on_[0])


def test_pixels_may_be_rows_of_any_length_and_features_are_those_of_images() -> None:
    rows = IMAGES.reshape(40, -1)[:, :50]
    assert Recorder().fit(rows, LABELS).image_shape_ is None
    with pytest.raises(UsageError, match="no square image"):
        Recorder(features="lesion").fit(rows, LABELS)


def test_unknown_features_are_refused() -> None:
    with pytest.raises(UsageError, match="no features called 'dreams'"):
        Recorder(features="dreams").fit(IMAGES, LABELS)


def test_state_comes_back(tmp_path: Path) -> None:
    model = Recorder(features="lesion").fit(IMAGES, LABELS)
    model.save_state(tmp_path)
    again = Recorder(features="lesion")
    again.load_state(tmp_path)
    again.predict(IMAGES)
    np.testing.assert_array_equal(again.asked_, model.fitted_on_[0])
