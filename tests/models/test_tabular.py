"""Tables of features: who reads what, and when rows have to be images."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.errors import UsageError
from hmnist.models.base import Labels, Weights
from hmnist.models.tabular import Table, TabularModel

IMAGES = np.random.default_rng(2).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(40) % 2


class Diary(TabularModel):
    """Notes the tables that come to it."""

    def _fit_table(
        self,
        table: Table,
        labels: Labels,
        weights: Weights | None,
        validation: tuple[Table, Labels] | None,
    ) -> None:
        self.seen_ = (table, labels, weights, validation)

    def _predict_table(self, table: Table) -> npt.NDArray[Any]:
        self.read_ = table
        return np.full((len(table), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize("features", ["pixels", "lesion"])
def test_training_and_prediction_read_alike(features: str) -> None:
    model = Diary(random_state=3, features=features)
    held_out = (IMAGES[10:], LABELS[10:])
    model.fit(IMAGES[:10], LABELS[:10], sample_weight=np.arange(10), validation=held_out)
    table, labels, weights, validation = model.seen_
    assert validation is not None
    np.testing.assert_array_equal(labels, LABELS[:10])
    assert weights is not None
    np.testing.assert_array_equal(weights, np.arange(10))
    np.testing.assert_array_equal(validation[1], LABELS[10:])
    model.predict(IMAGES)
    np.testing.assert_array_equal(model.read_, np.concatenate([table, validation[0]]))
    assert model.read_.dtype == np.float32


def test_filters_come_from_training_images_and_the_seed() -> None:
    one, same, other = (
        Diary(random_state=seed, features="lesion").fit(IMAGES[:10], LABELS[:10], validation=held)
        for seed, held in ((1, None), (1, (IMAGES[10:], LABELS[10:])), (2, None))
    )
    np.testing.assert_array_equal(one.seen_[0], same.seen_[0])
    assert not np.array_equal(one.seen_[0], other.seen_[0])


def test_pixels_may_be_rows_of_any_length_and_features_are_those_of_images() -> None:
    rows = IMAGES.reshape(40, -1)[:, :50]
    assert Diary().fit(rows, LABELS).image_shape_ is None
    with pytest.raises(UsageError, match="no square image"):
        Diary(features="lesion").fit(rows, LABELS)


def test_unknown_features_are_refused() -> None:
    with pytest.raises(UsageError, match="no features called 'dreams'"):
        Diary(features="dreams").fit(IMAGES, LABELS)


def test_state_comes_back(tmp_path: Path) -> None:
    model = Diary(features="lesion").fit(IMAGES, LABELS)
    model.save_state(tmp_path)
    again = Diary(features="lesion")
    again.load_state(tmp_path)
    again.predict(IMAGES)
    np.testing.assert_array_equal(again.read_, model.seen_[0])
