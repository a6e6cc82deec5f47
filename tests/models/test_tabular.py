"""Tabular models: the features that they read, and when rows have to be images."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.arrays import Float32, Labels
from hmnist.errors import UsageError
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.tabular import TabularModel, draw_for_rows, join_columns
from hmnist.patients import HIDDEN_SHARE, PATIENT_COLUMNS, find_unknown

IMAGES = np.random.default_rng(2).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(40) % 2


class Recorder(TabularModel):
    """Records the features that it is fitted on and asked about."""

    def _fit_features(
        self,
        features: Float32,
        training: LabelledImages,
        validation: tuple[Float32, Labels] | None,
    ) -> None:
        self.fitted_on_ = (features, training.labels, training.weights, validation)

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
    with pytest.raises(UsageError, match="not a square image"):
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


PATIENTS = np.random.default_rng(5).normal(size=(40, len(PATIENT_COLUMNS))).astype(np.float32)


def test_patient_data_are_columns_behind_the_features() -> None:
    model = Recorder(random_state=3).fit(
        IMAGES[:30],
        LABELS[:30],
        patients=PATIENTS[:30],
        validation=(IMAGES[30:], LABELS[30:], PATIENTS[30:]),
    )
    assert model.feature_names()[192:] == list(PATIENT_COLUMNS)
    trained, _, _, validation = model.fitted_on_
    np.testing.assert_array_equal(trained[:, :192], IMAGES[:30].reshape(30, 192))
    hidden = find_unknown(trained[:, 192:])
    assert 0 < hidden.mean() < 0.5
    np.testing.assert_array_equal(trained[~hidden, 192:], PATIENTS[:30][~hidden])
    # Neither validation nor prediction hides any.
    assert validation is not None
    model.predict(IMAGES, PATIENTS)
    np.testing.assert_array_equal(model.asked_[:, 192:], PATIENTS)
    np.testing.assert_array_equal(validation[0], model.asked_[30:])


def test_columns_are_joined_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.arange(60, dtype=np.float32).reshape(20, 3)
    assert join_columns(features, None) is features
    monkeypatch.setattr("hmnist.large_arrays.CHUNK", 7 * 4 * (3 + len(PATIENT_COLUMNS)))
    joined = join_columns(features, PATIENTS[:20])
    np.testing.assert_array_equal(joined, np.hstack([features, PATIENTS[:20]]))


def test_draws_are_uniform_and_the_same_for_copies(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(5000, 4)).astype(np.float32)
    draws = draw_for_rows(rows, 1)
    assert (draws < HIDDEN_SHARE).mean() == pytest.approx(HIDDEN_SHARE, abs=0.02)
    np.testing.assert_allclose(np.quantile(draws, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.03)
    copies = rng.integers(5000, size=100)
    np.testing.assert_array_equal(draw_for_rows(rows[copies], 1), draws[copies])
    assert abs(np.corrcoef(draws, draw_for_rows(rows, 2))[0, 1]) < 0.05
