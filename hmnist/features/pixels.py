"""The input of the features: pixels 0–255 as rows or as images, grey or in colour."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Shape, check_pixels, infer_shape
from hmnist.errors import UsageError

LEAST_SIDE = 6
"""Smaller images are too small for patterns of radius two."""


def as_images(X: npt.ArrayLike, shape: Shape | None) -> npt.NDArray[Any]:
    """Return pixels as images (n, h, w, c), without copying an array.

    Parameters
    ----------
    X : array-like, shape (n, h·w·c) or (n, h, w, c)
        Pixels 0–255.
    shape : tuple of int or None
        Height, width, channels. None takes the shape of the images; rows must then be squares.

    Raises
    ------
    UsageError
        If the pixels are not 0–255 or do not have that shape, or if the images are too small or
        have neither one nor three channels.

    Examples
    --------
    >>> as_images(np.zeros((5, 192), np.uint8), None).shape
    (5, 8, 8, 3)
    """
    pixels = np.asarray(X)
    if pixels.ndim not in {2, 4} or not len(pixels):
        raise UsageError(
            f"The pixels have shape {pixels.shape}; expected rows (n, h·w·c) or images "
            "(n, h, w, c), at least one."
        )
    check_pixels(pixels)
    count = int(np.prod(pixels.shape[1:]))
    if shape is None:
        shape = pixels.shape[1:] if pixels.ndim == 4 else infer_shape(count)
    height, width, channels = shape
    if pixels.shape[1:] not in {(count,), (height, width, channels)} or (
        height * width * channels != count
    ):
        raise UsageError(
            f"Pixels of shape {pixels.shape} are not images of {height}×{width}×{channels}."
        )
    if channels not in {1, 3} or min(height, width) < LEAST_SIDE:
        raise UsageError(
            f"Images of {height}×{width}×{channels} cannot be described; expected one or three "
            f"channels and at least {LEAST_SIDE}×{LEAST_SIDE} pixels."
        )
    return pixels.reshape(len(pixels), height, width, channels)
