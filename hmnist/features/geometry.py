"""Positions in an image: rings around its centre, its border, its eight orientations.

Distances are relative to the image's height and width. So a ring shows the same part of the skin
in images of 75×100 and of 28×28 pixels.
"""

import functools
import itertools

import numpy as np

from hmnist.arrays import Booleans, Float32, Float64, Indices, Shape
from hmnist.augmentation import ORIENTATIONS, orient

ZONES = ("image", "centre", "middle", "rim")
"""The parts of an image that are averaged over: all of it, and three rings of about equal area."""

_BORDER_SHARE = 1 / 14  # the border's width on each side: two of 28 pixels, which show mostly skin


def centre_distances(height: int, width: int) -> Float64:
    """Return the distance of each pixel from the centre (h, w): 1 at the middle of each side."""
    y = (np.arange(height) - (height - 1) / 2) / (height / 2)
    x = (np.arange(width) - (width - 1) / 2) / (width / 2)
    return np.asarray(np.hypot(y[:, None], x))


@functools.cache
def zone_weights(height: int, width: int) -> Float32:
    """Return the weights that average over each of the `ZONES`: float32, shape (4, h·w).

    Each row sums to 1. Pixels on the edge between two rings count in both.
    """
    # Rounded, since the quantiles of equal distances may differ from them in the last bit.
    distance = centre_distances(height, width).ravel().round(9)
    edges = np.quantile(distance, [0, 1 / 3, 2 / 3, 1]).round(9)
    rings = (distance >= edges[:-1, None]) & (distance <= edges[1:, None])
    return _averages(np.vstack([np.ones_like(distance), rings]))


@functools.cache
def ring_weights(height: int, width: int, edges: tuple[float, ...]) -> Float32:
    """Return the weights that average over rings: float32, shape (len(edges) - 1, h·w).

    The edges are ascending distances as in `centre_distances`; a ring includes its inner edge.
    Each row sums to 1. A ring without pixels gets those nearest to its middle.
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
def border_mask(height: int, width: int) -> Booleans:
    """Return which pixels form the border: shape (h·w,), at least one pixel on each side."""
    border = np.ones((height, width), dtype=bool)
    rows, columns = (max(1, round(side * _BORDER_SHARE)) for side in (height, width))
    border[rows:-rows, columns:-columns] = False
    return border.ravel()


@functools.cache
def patch_orientations(shape: Shape) -> Indices:
    """Return how each orientation permutes the numbers of a square patch: int, shape (8, c·h·w).

    The patch is flattened channels first. ``patch[permutations[k]]`` is the patch in orientation k
    of `hmnist.augmentation.orient`.
    """
    height, width, channels = shape
    numbers = np.arange(height * width * channels).reshape(1, channels, height, width)
    images = numbers.transpose(0, 2, 3, 1)
    oriented = [orient(images, way).transpose(0, 3, 1, 2).ravel() for way in range(ORIENTATIONS)]
    return np.array(oriented, dtype=np.int64)


def _averages(rings: Float64) -> Float32:
    return np.asarray(rings / rings.sum(axis=1, keepdims=True), dtype=np.float32)
