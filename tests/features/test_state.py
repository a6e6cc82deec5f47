"""Filters and codebooks as plain arrays and back; damaged arrays are refused."""

import io
from typing import Any, cast

import numpy as np
import pytest

from hmnist.arrays import Float32, Pixels
from hmnist.errors import TrustError
from hmnist.features.fitted import FittedFeatures
from hmnist.features.lesion import LesionFeatures
from hmnist.features.state import pack, unpack


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


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("image_shape", np.array([8, 9])),
        ("image_shape", np.array([8, 9, 2])),
        ("image_shape", np.array([5, 9, 3])),
        ("image_shape", np.array([40, 40, 1])),
        ("colour_weights", np.zeros((24, 47), np.float32)),
        ("colour_weights", np.zeros((23, 48), np.float32)),
        ("colour_weights", np.zeros((0, 48), np.float32)),
        ("colour_weights", np.zeros((24, 300), np.float32)),
        ("colour_offset", np.zeros(23, np.float32)),
        ("colour_entries", np.full((4, 3), np.nan, np.float32)),
        ("relative_mean", np.array(["a", "b", "c"])),
        ("relative_whiten", None),
    ],
)
def test_damaged_arrays_are_refused(
    fitted: FittedFeatures, name: str, array: Float32 | None
) -> None:
    arrays = fitted.to_arrays()
    if array is None:
        del arrays[name]
    else:
        arrays[name] = array
    with pytest.raises(TrustError):
        FittedFeatures.from_arrays(arrays)
