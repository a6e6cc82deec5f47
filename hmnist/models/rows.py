"""`flatten_images`: the forms in which models take images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Shape
from hmnist.errors import UsageError


def flatten_images(X: npt.ArrayLike) -> tuple[Any, Shape | None]:
    """Return a stack or a list of images as rows, and its shape; scikit-learn checks the rest.

    Raises
    ------
    UsageError
        If it is one image alone, or images of several shapes.
    """
    if isinstance(X, Sequence):
        X = _stack(X)
    if not isinstance(X, np.ndarray) or X.ndim < 3:
        return X, None
    if X.ndim != 4:
        raise UsageError(
            f"The images have the shape {X.shape}; expected (n, height, width, channels).",
            "Give one image as images[None], grey images as images[..., None].",
        )
    _, height, width, channels = X.shape
    return X.reshape(len(X), height * width * channels), (height, width, channels)


def _stack(X: Sequence[Any]) -> npt.NDArray[Any]:
    """Return a list of images or of rows as one array."""
    shapes = sorted({np.shape(each) for each in X})
    if len(shapes) > 1:
        raise UsageError(
            f"One image has the shape {shapes[0]}, another {shapes[1]}; expected one shape.",
            "Resize the images.",
        )
    return np.asarray(X)
