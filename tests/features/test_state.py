"""Filters and codebooks as plain arrays and back; and which arrays a file has to hold."""

import io
from typing import Any, cast

import numpy as np
import pytest

from hmnist.arrays import Pixels, Shape
from hmnist.features.fitted import FittedFeatures
from hmnist.features.lesion import LesionFeatures
from hmnist.features.state import expected_arrays, pack, unpack

pytestmark = pytest.mark.usefixtures("few_patches")


@pytest.fixture(scope="module")
def images() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (12, 8, 9, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def fitted(images: Pixels) -> FittedFeatures:
    return LesionFeatures(n_filters=3, n_colours=4, n_jobs=1).fit(images).fitted_


@pytest.mark.parametrize("channels", [1, 3])
def test_a_round_trip_through_a_file_keeps_every_bit(images: Pixels, channels: int) -> None:
    images = images[..., :channels]
    features = LesionFeatures(n_filters=3, n_colours=4, n_jobs=1).fit(images)
    file, state = io.BytesIO(), cast("dict[str, Any]", features.fitted_.to_arrays())
    np.savez(file, **state)
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = FittedFeatures.from_arrays(arrays)
    assert again.shape == (8, 9, channels)
    assert again.names == features.get_feature_names_out().tolist()
    assert again.transform(images, 1).tobytes() == features.transform(images).tobytes()


def test_unpacking_undoes_packing(fitted: FittedFeatures) -> None:
    shape, filters, codebooks = unpack(fitted.to_arrays())
    assert shape == (8, 9, 3)
    assert pack(shape, filters, codebooks).keys() == fitted.to_arrays().keys()
    assert filters["half"].side == fitted.filters["half"].side == 2


@pytest.mark.parametrize("shape", [(8, 9, 3), (28, 28, 1), (112, 60, 3)])
def test_what_is_expected_is_what_is_fitted(shape: Shape) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, *shape), dtype=np.uint8)
    arrays = LesionFeatures(n_jobs=1).fit(images).fitted_.to_arrays()
    found = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    assert found == expected_arrays(shape)


@pytest.mark.parametrize("shape", [(8, 9, 2), (5, 9, 3)])
def test_images_without_features_have_no_arrays(shape: Shape) -> None:
    with pytest.raises(ValueError, match="no features"):
        expected_arrays(shape)
