"""What fitting has found, as plain arrays and back: a file of them holds no code.

Arrays that are read are checked, since a file may have been damaged or made by someone else.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.augmentation import ORIENTATIONS
from hmnist.errors import TrustError
from hmnist.features.columns import Floats, Shape
from hmnist.features.patches import PatchFilters, patch_side
from hmnist.features.pixels import LEAST_SIDE
from hmnist.features.views import palette_views, view_names, view_size
from hmnist.features.words import Palette

__all__ = ["Arrays", "pack", "unpack"]

Arrays = Mapping[str, npt.NDArray[Any]]


def pack(
    shape: Shape, filters: Mapping[str, PatchFilters], palettes: Mapping[str, Palette]
) -> dict[str, npt.NDArray[Any]]:
    """Return plain arrays.

    Parameters
    ----------
    shape : tuple of int
        Height, width, channels.
    filters, palettes : mapping of str to PatchFilters and Palette
        By view.

    Returns
    -------
    dict of str to numpy.ndarray
        ``image_shape`` (int64) and in float32, for each view, ``<view>_weights`` and
        ``<view>_offset``; for views with a palette also ``<view>_mean``, ``<view>_whiten`` and
        ``<view>_words``.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"image_shape": np.array(shape, dtype=np.int64)}
    for view, found in filters.items():
        arrays |= {f"{view}_weights": found.weights, f"{view}_offset": found.offset}
    for view, palette in palettes.items():
        arrays |= {
            f"{view}_mean": palette.mean,
            f"{view}_whiten": palette.whiten,
            f"{view}_words": palette.words,
        }
    return arrays


def unpack(arrays: Arrays) -> tuple[Shape, dict[str, PatchFilters], dict[str, Palette]]:
    """Return what `pack` was given.

    Raises
    ------
    TrustError
        If an array is missing, has another shape than it should, or is not finite.
    """
    shape = _read_shape(arrays)
    filters = {view: _read_filters(arrays, view, shape) for view in view_names(shape[2])}
    palettes = {view: _read_palette(arrays, view) for view in palette_views(shape[2])}
    return shape, filters, palettes


def _read_shape(arrays: Arrays) -> Shape:
    height, width, channels = _read(arrays, "image_shape", (3,)).tolist()
    if channels not in {1, 3} or min(height, width) < LEAST_SIDE:
        raise TrustError(f"The features' image_shape is {height}×{width}×{channels}.")
    return int(height), int(width), int(channels)


def _read_filters(arrays: Arrays, view: str, shape: Shape) -> PatchFilters:
    weights = _read(arrays, f"{view}_weights", (None, None))
    rows, numbers = weights.shape
    side = round((numbers / shape[2]) ** 0.5)
    height, width = view_size(shape[0], shape[1], view)
    fits = side**2 * shape[2] == numbers and side == patch_side(side, height, width)
    if not rows or rows % ORIENTATIONS or not fits:
        raise TrustError(f"The features' {view}_weights have shape {weights.shape}.")
    return PatchFilters(weights, _read(arrays, f"{view}_offset", (rows,)), side)


def _read_palette(arrays: Arrays, view: str) -> Palette:
    return Palette(
        _read(arrays, f"{view}_mean", (3,)),
        _read(arrays, f"{view}_whiten", (3, 3)),
        _read(arrays, f"{view}_words", (None, 3)),
    )


def _read(arrays: Arrays, name: str, shape: tuple[int | None, ...]) -> Floats:
    if name not in arrays:
        raise TrustError(f"The features lack the array {name}.")
    array = np.asarray(arrays[name])
    fits = array.ndim == len(shape) and all(
        side in {None, found} for side, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in "if" or not np.isfinite(array).all():
        raise TrustError(
            f"The features' {name} has shape {array.shape} and type {array.dtype}; expected "
            f"finite numbers of shape {tuple(side or 'any' for side in shape)}."
        )
    return np.asarray(array, dtype=np.float32, order="C")
