"""What models of numbers read: pixels as they are, or the features of a lesion."""

from pathlib import Path

import numpy as np
import pytest

from hmnist.errors import TrustError, UsageError
from hmnist.features.lesion import LesionFeatures
from hmnist.models.reader import Reader
from hmnist.models.registry import FEATURES

IMAGES = np.random.default_rng(4).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)


def test_pixels_are_read_as_they_are() -> None:
    table = Reader("pixels", 0).fit(IMAGES).read(IMAGES)
    assert table.dtype == np.float32
    np.testing.assert_array_equal(table, IMAGES.reshape(30, -1))


def test_features_are_those_of_the_transformer() -> None:
    table = Reader("lesion", 5).fit(IMAGES).read(IMAGES[:3])
    expected = LesionFeatures(random_state=5).fit(IMAGES).transform(IMAGES[:3])
    np.testing.assert_array_equal(table, expected)


@pytest.mark.parametrize("features", FEATURES)
def test_a_reader_comes_back_from_its_folder(features: str, tmp_path: Path) -> None:
    reader = Reader(features, 1).fit(IMAGES)
    table, names = reader.read(IMAGES), reader.names(192)
    assert len(names) == len(set(names)) == table.shape[1]
    reader.save(tmp_path)
    assert len(list(tmp_path.iterdir())) == (features == "lesion")
    again = Reader(features, 0).load(tmp_path)
    np.testing.assert_array_equal(again.read(IMAGES), table)
    assert again.names(192) == names


def test_names_of_pixels_are_in_order() -> None:
    names = Reader("pixels", 0).names(2352)
    assert names == sorted(names)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "features.npz", shape=np.arange(3))
    with pytest.raises(TrustError):
        Reader("lesion", 0).load(tmp_path)


def test_unknown_features_are_refused() -> None:
    with pytest.raises(UsageError, match="no features called 'dreams'") as caught:
        Reader("dreams", 0)
    assert "lesion" in caught.value.hint
