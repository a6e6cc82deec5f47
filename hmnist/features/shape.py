"""The lesion's outline: how large, round, symmetric and sharp it is, and how it differs from skin.

These are the A, B and C of the clinical ABCD rule (Stolz et al. 1994): asymmetry, border, colour.
A lesion is what Otsu's threshold (1979, "A Threshold Selection Method from Gray-Level Histograms")
cuts off, once by darkness (``dark``) and once by the difference from the border's colour
(``contrast``, which also finds lesions that are paler than their skin).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.features.colour import main_scales, scale_names
from hmnist.features.columns import Columns, Floats
from hmnist.features.geometry import border_of

__all__ = ["add_shapes", "smooth", "split_by_otsu"]

Doubles = npt.NDArray[np.float64]

_BINS = 64
"""Bins of the histogram that Otsu's threshold is searched in."""

_OUTLINE = (
    "separation",
    "area",
    "share of border",
    "perimeter",
    "off centre",
    "roundness",
    "spread",
    "radial variation",
    "half-turn asymmetry",
    "mirror asymmetry",
)


def add_shapes(columns: Columns, scales: Floats, relative: Floats) -> None:
    """Add asymmetry, and for each of the two lesion masks its outline, colours and edge.

    - ``<scale> asymmetry axis least``: mean difference between the picture and its mirror image
      at the upright or level axis, whichever is less; ``diagonal`` for the other two axes (square
      pictures only), ``half turn`` for the picture turned by 180°.
    - ``<mask> lesion separation``: variance between lesion and skin, in squared bins; ``area`` and
      ``share of border`` (how much of the border is lesion), 0–1; ``perimeter`` in units of the
      root of the area; ``off centre`` and ``spread`` (root mean square radius) in pixels;
      ``roundness``, the smaller over the larger principal variance, 0–1; ``radial variation``,
      std of the radius over its mean; ``half-turn`` and ``mirror asymmetry``, the mismatched share.
    - ``<mask> lesion <scale> inside``, ``inside minus outside``, ``std inside``, ``std outside``.
    - ``<mask> lesion edge slope``: mean slope of the smoothed depth along the outline; ``slope
      elsewhere too`` over the whole picture; ``slope std`` along the outline.

    Turning or mirroring a square picture changes none of them, save by rounding where a pixel lies
    on the threshold, and the edge's by a little: slopes are differences to one side.

    Parameters
    ----------
    columns : Columns
        What they are added to: 113 for square colour pictures, 39 for square grey ones.
    scales : numpy.ndarray of float32, shape (n, scales, h, w)
        What `hmnist.features.colour.colour_scales` made.
    relative : numpy.ndarray of float32, shape (n, c, h, w)
        The view of that name.
    """
    main, names = main_scales(scales)
    _add_asymmetry(columns, main, names)
    grey = main[:, 0]
    for mask, depth in (("dark", -grey), ("contrast", np.sqrt((relative**2).sum(axis=1)))):
        even = smooth(depth)
        threshold, separation = split_by_otsu(even.reshape(len(even), -1))
        lesion = (even > threshold[:, None, None]).astype(np.float32)
        outline: list[npt.NDArray[Any]] = [separation, *_describe_outline(lesion)]
        columns.add(np.stack(outline, axis=1), (f"{mask} lesion {kind}" for kind in _OUTLINE))
        _add_inside_and_outside(columns, scales, lesion, mask)
        _add_edge(columns, even, lesion, mask)


def split_by_otsu(values: Floats) -> tuple[Doubles, Doubles]:
    """Find the threshold that splits the values of each row best in two.

    Parameters
    ----------
    values : numpy.ndarray of float32, shape (n, k)
        They are counted in 64 bins between the row's least and greatest.

    Returns
    -------
    threshold : numpy.ndarray of float64, shape (n,)
        The upper edge of the last bin of the lower part.
    separation : numpy.ndarray of float64, shape (n,)
        The variance between the parts, in squared bins.

    Examples
    --------
    >>> threshold, _ = split_by_otsu(np.array([[0, 1, 1, 9, 10]], np.float32))
    >>> bool(1 < threshold[0] < 9)
    True
    """
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    place = (values - low) / (high - low + np.float32(1e-9)) * _BINS
    first = np.arange(len(values))[:, None] * _BINS
    cells = np.minimum(place, _BINS - 1).astype(np.intp) + first
    counts = np.bincount(cells.ravel(), minlength=len(values) * _BINS)
    share = counts.reshape(-1, _BINS) / values.shape[1]
    below, moment = share.cumsum(axis=1), (share * np.arange(_BINS)).cumsum(axis=1)
    between = (moment[:, -1:] * below - moment) ** 2 / (below * (1 - below) + 1e-9)
    bins = (between.argmax(axis=1) + 1).astype(np.float64)
    threshold = low[:, 0] + (high - low)[:, 0] * bins / _BINS
    return threshold, between.max(axis=1)


def smooth(depth: Floats) -> Floats:
    """Average each pixel with its eight neighbours; the edge pixels repeat outwards."""
    height, width = depth.shape[1:]
    wide = np.pad(depth, ((0, 0), (1, 1), (1, 1)), mode="edge")
    total = np.zeros_like(depth)
    for row in range(3):
        for column in range(3):
            total += wide[:, row : row + height, column : column + width]
    return np.asarray(total / np.float32(9))


def _add_asymmetry(columns: Columns, main: Floats, names: tuple[str, ...]) -> None:
    pairs = {"axis": [main[:, :, ::-1], main[:, :, :, ::-1]]}
    if main.shape[2] == main.shape[3]:
        across = main.swapaxes(2, 3)
        pairs["diagonal"] = [across, across[:, :, ::-1, ::-1]]
    for axis, mirrored in pairs.items():
        one, other = (np.abs(main - image).mean(axis=(2, 3)) for image in mirrored)
        for kind, values in (("least", np.minimum(one, other)), ("most", np.maximum(one, other))):
            columns.add(values, (f"{scale} asymmetry {axis} {kind}" for scale in names))
    half_turn = np.abs(main - main[:, :, ::-1, ::-1]).mean(axis=(2, 3))
    columns.add(half_turn, (f"{scale} asymmetry half turn" for scale in names))


def _describe_outline(lesion: Floats) -> list[Floats]:
    """Return what `_OUTLINE` names after the separation, each of shape (n,)."""
    _, height, width = lesion.shape
    weight = lesion.reshape(len(lesion), -1)
    size, area = weight.sum(axis=1) + np.float32(1e-6), weight.mean(axis=1)
    down, right = (np.abs(np.diff(lesion, axis=axis)).sum(axis=(1, 2)) for axis in (1, 2))
    y, x = (axis.astype(np.float32).ravel() for axis in np.mgrid[:height, :width])
    y, x = y - np.float32((height - 1) / 2), x - np.float32((width - 1) / 2)
    y_mean, x_mean = ((weight * place).sum(axis=1) / size for place in (y, x))
    dy, dx = y - y_mean[:, None], x - x_mean[:, None]
    yy, xx, xy = ((weight * v).sum(axis=1) / size for v in (dy * dy, dx * dx, dx * dy))
    trace, stretch = yy + xx, np.sqrt((yy - xx) ** 2 + 4 * xy**2)
    reach = (weight * np.sqrt(dy * dy + dx * dx)).sum(axis=1) / size
    flips = (lesion[:, ::-1, ::-1], lesion[:, ::-1], lesion[:, :, ::-1])
    turned, *mirrored = (np.abs(lesion - f).mean(axis=(1, 2)) / (area + 0.02) for f in flips)
    return [
        area,
        weight[:, border_of(height, width)].mean(axis=1),
        (down + right) / (np.sqrt(size) + 1),
        np.hypot(y_mean, x_mean),
        (trace - stretch) / (trace + stretch + 1e-6),
        np.sqrt(trace),
        np.sqrt((trace - reach**2).clip(0)) / (reach + 1e-3),
        turned,
        np.minimum(*mirrored),
    ]


def _add_inside_and_outside(columns: Columns, scales: Floats, lesion: Floats, mask: str) -> None:
    flat = scales.reshape(*scales.shape[:2], -1)
    # Around the mean, since a variance is the difference of two squares and loses what they share.
    overall = flat.mean(axis=2, keepdims=True)
    flat = flat - overall
    inside = lesion.reshape(len(lesion), -1)
    weights = np.stack([inside, 1 - inside], axis=2)
    weights /= weights.sum(axis=1, keepdims=True) + 1e-6
    means = np.matmul(flat, weights)
    spreads = np.sqrt((np.matmul(flat * flat, weights) - means**2).clip(0))
    kinds = {
        "inside": means[:, :, 0] + overall[:, :, 0],
        "inside minus outside": means[:, :, 0] - means[:, :, 1],
        "std inside": spreads[:, :, 0],
        "std outside": spreads[:, :, 1],
    }
    for kind, values in kinds.items():
        names = (f"{mask} lesion {scale} {kind}" for scale in scale_names(scales.shape[1]))
        columns.add(values, names)


def _add_edge(columns: Columns, depth: Floats, lesion: Floats, mask: str) -> None:
    down, right = np.diff(depth, axis=1)[:, :, :-1], np.diff(depth, axis=2)[:, :-1]
    slope = np.sqrt(down * down + right * right)
    here = lesion[:, :-1, :-1]
    edge = (lesion[:, 1:, :-1] != here) | (lesion[:, :-1, 1:] != here)
    length = edge.sum(axis=(1, 2)) + 1e-6
    mean, square = ((v * edge).sum(axis=(1, 2)) / length for v in (slope, slope * slope))
    values = (mean, slope.mean(axis=(1, 2)), np.sqrt((square - mean**2).clip(0)))
    kinds = ("slope", "slope elsewhere too", "slope std")
    columns.add(np.stack(values, axis=1), (f"{mask} lesion edge {kind}" for kind in kinds))
