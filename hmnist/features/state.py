"""What was fitted, as plain arrays and back: a file of them contains no code.

Arrays that are read are checked, since the file may be damaged or come from someone else.
"""

from collections.abc import Mapping

import numpy as np

from hmnist.arrays import Array, Float32, Shape
from hmnist.augmentation import ORIENTATIONS
from hmnist.errors import TrustError
from hmnist.features.codebook import Codebook
from hmnist.features.patches import PatchFilters, patch_side
from hmnist.features.pixels import can_describe
from hmnist.features.views import codebook_views, view_halvings, view_size

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
    """Return the shape, the filters and the codebooks that `pack` was given.

    Raises TrustError if an array is missing, has a wrong shape, or is not finite.
    """
    height, width, channels = map(int, read_array(arrays, "image_shape", (3,)))
    shape = (height, width, channels)
    if not can_describe(shape):
        raise TrustError(f"The features' image_shape is {height}×{width}×{channels}.")
    filters = {view: _read_filters(arrays, view, shape) for view in view_halvings(shape)}
    sides = {"mean": (3,), "whiten": (3, 3), "entries": (None, 3)}
    codebooks = {
        view: Codebook(
            **{name: read_array(arrays, f"{view}_{name}", sides[name]) for name in sides}
        )
        for view in codebook_views(channels)
    }
    return shape, filters, codebooks


def _read_filters(arrays: Arrays, view: str, shape: Shape) -> PatchFilters:
    weights = read_array(arrays, f"{view}_weights", (None, None))
    rows, numbers = weights.shape
    side = round((numbers / shape[2]) ** 0.5)
    height, width = view_size(shape, view)
    fits = side**2 * shape[2] == numbers and side == patch_side(side, height, width)
    if not rows or rows % ORIENTATIONS or not fits:
        raise TrustError(f"The features' {view}_weights have shape {weights.shape}.")
    return PatchFilters(weights, read_array(arrays, f"{view}_offset", (rows,)), side)


def read_array(arrays: Arrays, name: str, shape: tuple[int | None, ...]) -> Float32:
    """Return one of several stored arrays; None stands for any side of its shape.

    Raises TrustError if it is missing, has a wrong shape, or is not finite.
    """
    if name not in arrays:
        raise TrustError(f"The array {name} is missing.")
    array = np.asarray(arrays[name])
    fits = array.ndim == len(shape) and all(
        expected in {None, side} for expected, side in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in "if" or not np.isfinite(array).all():
        raise TrustError(
            f"The array {name} has shape {array.shape} and type {array.dtype}; expected finite "
            f"numbers of shape {tuple(side or 'any' for side in shape)}."
        )
    return np.asarray(array, dtype=np.float32, order="C")
