"""The input of the features: pixels 0–255 as rows or as images, grey or in colour."""

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Array, Shape, check_pixels, infer_shape
from hmnist.errors import UsageError

LEAST_SIDE = 6  # smaller images are too small for patterns of radius two


def as_images(X: npt.ArrayLike, shape: Shape | None) -> Array:
    """Return pixels 0–255, shape (n, h·w·c) or (n, h, w, c), as images, without copying an array.

    Without a shape, that of the images is taken; rows must then be squares. Raises UsageError if
    the pixels are not 0–255 or do not have that shape, or if the images are too small or have
    neither one nor three channels.
    """
    pixels = np.asarray(X)
    if pixels.ndim not in {2, 4} or not len(pixels):
        raise UsageError(
            f"The pixels have shape {pixels.shape}; expected rows (n, h·w·c) or images "
            "(n, h, w, c), at least one."
        )
    check_pixels(pixels)
    given = pixels.shape[1:]
    if shape is None:
        shape = given if pixels.ndim == 4 else infer_shape(given[0])
    height, width, channels = shape
    sides = f"{height}×{width}×{channels}"
    if given not in {(height * width * channels,), (height, width, channels)}:
        raise UsageError(f"Pixels of shape {pixels.shape} are not images of {sides}.")
    if not can_describe(shape):
        raise UsageError(
            f"Images of {sides} cannot be described; expected one or three channels and at least "
            f"{LEAST_SIDE}×{LEAST_SIDE} pixels."
        )
    return pixels.reshape(len(pixels), height, width, channels)


def can_describe(shape: Shape) -> bool:
    """Return whether images of this shape are large enough, in colour or grey.

    Examples
    --------
    >>> can_describe((28, 28, 3)), can_describe((4, 4, 1))
    (True, False)
    """
    height, width, channels = shape
    return channels in {1, 3} and min(height, width) >= LEAST_SIDE
