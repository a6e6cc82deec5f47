"""Where things lie in an image: rings around its middle, its border, its eight orientations.

Distances are relative to the image's size, so that a ring of a 75×100 image shows the same skin as
that of a 28×28 one, whatever the pixels' proportions.
"""

import functools
import itertools

import numpy as np
import numpy.typing as npt

from hmnist.augmentation import ORIENTATIONS, orient
from hmnist.features.columns import Floats, Shape

__all__ = [
    "ZONES",
    "border_of",
    "centre_distances",
    "patch_turns",
    "ring_weights",
    "zone_weights",
]

ZONES = ("image", "centre", "middle", "rim")
"""Where responses are averaged: everywhere, and in three rings of about equal area."""

_BORDER_SHARE = 1 / 14
"""The border's width on each side: two pixels of 28, where a centred lesion leaves mostly skin."""


def centre_distances(height: int, width: int) -> npt.NDArray[np.float64]:
    """Return how far each pixel lies from the middle: shape (h, w), 1 at the middle of each side.

    Examples
    --------
    >>> centre_distances(2, 2)[0, 0] == np.hypot(0.5, 0.5)
    np.True_
    """
    y = (np.arange(height) - (height - 1) / 2) / (height / 2)
    x = (np.arange(width) - (width - 1) / 2) / (width / 2)
    return np.asarray(np.hypot(y[:, None], x))


@functools.cache
def zone_weights(height: int, width: int) -> Floats:
    """Return rows that average over the image and over its three rings.

    Returns
    -------
    numpy.ndarray of float32, shape (4, h·w)
        In the order of `ZONES`; each row sums to 1. Pixels on an edge count in both rings.

    Examples
    --------
    >>> zone_weights(8, 8).shape
    (4, 64)
    """
    distance = centre_distances(height, width).ravel()
    # Rounded, since the quantiles of equal distances may differ from them in the last bit.
    distance = distance.round(9)
    edges = np.quantile(distance, [0, 1 / 3, 2 / 3, 1]).round(9)
    rings = (distance >= edges[:-1, None]) & (distance <= edges[1:, None])
    return _averages(np.vstack([np.ones_like(distance), rings]))


@functools.cache
def ring_weights(height: int, width: int, edges: tuple[float, ...]) -> Floats:
    """Return rows that average over rings between given distances.

    Parameters
    ----------
    height, width : int
        The image's size in pixels.
    edges : tuple of float
        Ascending distances as in `centre_distances`; a ring holds its inner edge.

    Returns
    -------
    numpy.ndarray of float32, shape (len(edges) - 1, h·w)
        Each row sums to 1. A ring too narrow for any pixel takes those nearest to its middle.
    """
    distance = centre_distances(height, width).ravel()
    rings = []
    for inner, outer in itertools.pairwise(edges):
        ring = (distance >= inner) & (distance < outer)
        if not ring.any():
            away = np.abs(distance - (inner + outer) / 2)
            ring = away <= away.min() + 1e-9
        rings.append(ring)
    return _averages(np.array(rings, dtype=np.float64))


@functools.cache
def border_of(height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return which pixels form the border: shape (h·w,); at least one pixel on each side.

    Examples
    --------
    >>> int(border_of(28, 28).sum())  # 28² - 24²
    208
    """
    border = np.ones((height, width), dtype=bool)
    rows, columns = (max(1, round(side * _BORDER_SHARE)) for side in (height, width))
    border[rows:-rows, columns:-columns] = False
    return border.ravel()


@functools.cache
def patch_turns(shape: Shape) -> npt.NDArray[np.intp]:
    """Return how the numbers of a flattened square patch move in each orientation.

    Parameters
    ----------
    shape : tuple of int
        Height, width, channels of the patch; it is flattened channels first.

    Returns
    -------
    numpy.ndarray of int, shape (8, c·h·w)
        ``patch[turns[k]]`` is the patch in orientation k of `hmnist.augmentation.orient`.
    """
    height, width, channels = shape
    places = np.arange(height * width * channels).reshape(1, channels, height, width)
    images = places.transpose(0, 2, 3, 1)
    turned = [orient(images, way).transpose(0, 3, 1, 2).ravel() for way in range(ORIENTATIONS)]
    return np.array(turned, dtype=np.intp)


def _averages(rings: npt.NDArray[np.float64]) -> Floats:
    return np.asarray(rings / rings.sum(axis=1, keepdims=True), dtype=np.float32)
