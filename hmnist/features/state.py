"""What was fitted, as plain arrays and back: a file of them contains no code."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Array, Shape
from hmnist.augmentation import ORIENTATIONS
from hmnist.features.codebook import COLOURS, Codebook
from hmnist.features.patches import FILTERS, PATCH, PatchFilters, patch_side
from hmnist.features.pixels import can_describe
from hmnist.features.views import codebook_views, view_halvings, view_size
from hmnist.guarded import Expected

Arrays = Mapping[str, Array]


def pack(
    shape: Shape, filters: Mapping[str, PatchFilters], codebooks: Mapping[str, Codebook]
) -> dict[str, Array]:
    """Return the shape of the images, and the filters and codebooks of each view, as plain arrays.

    They are ``image_shape`` (int64); for each view ``<view>_weights`` and ``<view>_offset``
    (float32); for views with a codebook ``<view>_mean``, ``<view>_whiten`` and ``<view>_entries``.
    """
    arrays: dict[str, Array] = {"image_shape": np.array(shape, dtype=np.int64)}
    for view, fitted in filters.items():
        arrays |= {f"{view}_weights": fitted.weights, f"{view}_offset": fitted.offset}
    for view, codebook in codebooks.items():
        arrays |= {f"{view}_{name}": array for name, array in vars(codebook).items()}
    return arrays


def unpack(arrays: Arrays) -> tuple[Shape, dict[str, PatchFilters], dict[str, Codebook]]:
    """Return the shape, the filters and the codebooks that `pack` was given."""
    height, width, channels = map(int, arrays["image_shape"])
    shape = (height, width, channels)
    filters = {view: _unpack_filters(arrays, view, channels) for view in view_halvings(shape)}
    codebooks = {
        view: Codebook(*(arrays[f"{view}_{name}"] for name in ("mean", "whiten", "entries")))
        for view in codebook_views(channels)
    }
    return shape, filters, codebooks


def _unpack_filters(arrays: Arrays, view: str, channels: int) -> PatchFilters:
    weights = arrays[f"{view}_weights"]
    side = math.isqrt(weights.shape[1] // channels)
    return PatchFilters(weights, arrays[f"{view}_offset"], side)


def expected_arrays(shape: Shape) -> Expected:
    """Return what `pack` writes for images of a shape, fitted with the default parameters.

    Raises
    ------
    ValueError
        If such images cannot be described.
    """
    if not can_describe(shape):
        raise ValueError(f"images of {shape} have no features")
    kind = np.float32
    expected: dict[str, tuple[npt.DTypeLike, tuple[int, ...]]] = {"image_shape": (np.int64, (3,))}
    for view in view_halvings(shape):
        side, rows = patch_side(PATCH, *view_size(shape, view)), ORIENTATIONS * FILTERS
        expected[f"{view}_weights"] = (kind, (rows, side * side * shape[2]))
        expected[f"{view}_offset"] = (kind, (rows,))
    for view in codebook_views(shape[2]):
        expected[f"{view}_mean"] = (kind, (3,))
        expected[f"{view}_whiten"] = (kind, (3, 3))
        expected[f"{view}_entries"] = (kind, (COLOURS, 3))
    return expected
