"""The lesion's outline: how large, round, symmetric and sharp it is, and how it differs from skin.

These are the A, B and C of the clinical ABCD rule (Stolz et al. 1994): asymmetry, border, colour.
Otsu's threshold (1979, "A Threshold Selection Method from Gray-Level Histograms") separates the
lesion from the skin, once by darkness (``dark``) and once by the difference from the border's
colour (``contrast``, which also shows lesions that are paler than the skin).
"""

import numpy as np

from hmnist.arrays import Float32, Float64
from hmnist.features.colour import main_scales, scale_names
from hmnist.features.columns import Columns
from hmnist.features.geometry import border_mask

_BINS = 64  # bins of the histogram for Otsu's threshold


def add_shapes(columns: Columns, scales: Float32, relative: Float32) -> None:
    """Add asymmetry, and for each of the two lesion masks its outline, colours and edge.

    - ``<scale> asymmetry axis least``: mean difference between the image and its mirror image
      at the upright or level axis, the smaller of the two; ``diagonal`` for the other two axes
      (square images only), ``half turn`` for the image turned by 180°.
    - ``<mask> lesion separation``: variance between lesion and skin, in squared bins; ``area`` and
      ``share of border`` (how much of the border is lesion), 0–1; ``perimeter`` in units of the
      root of the area; ``off centre`` and ``spread`` (root mean square radius) in pixels;
      ``roundness``, the smaller over the larger principal variance, 0–1; ``radial variation``,
      std of the radius over its mean; ``half-turn`` and ``mirror asymmetry``, the mismatched share.
    - ``<mask> lesion <scale> inside``, ``inside minus outside``, ``std inside``, ``std outside``.
    - ``<mask> lesion edge slope``: mean slope of the smoothed depth along the outline; ``slope
      elsewhere too`` over the whole image; ``slope std`` along the outline.

    Turning or mirroring a square image changes the edge's columns a little, since slopes are
    differences to one side. The others change only by rounding, where a pixel lies on the
    threshold.

    The scales (n, scales, h, w) come from `hmnist.features.colour.colour_scales`; `relative`
    (n, c, h, w) is the view of that name. Square colour images get 113 columns, grey ones 39.
    """
    main, names = main_scales(scales)
    _add_asymmetry(columns, main, names)
    grey, flat = main[:, 0], scales.reshape(*scales.shape[:2], -1)
    # Around the mean: the difference of two large squares would lose digits.
    overall = flat.mean(axis=2, keepdims=True)
    rest = flat - overall
    moments = (overall, rest, rest * rest)
    for mask, depth in (("dark", -grey), ("contrast", np.sqrt((relative**2).sum(axis=1)))):
        even = smooth(depth)
        threshold, separation = split_by_otsu(even.reshape(len(even), -1))
        lesion = (even > threshold[:, None, None]).astype(np.float32)
        outline = {"separation": separation} | _describe_outline(lesion)
        names_of_outline = (f"{mask} lesion {kind}" for kind in outline)
        columns.add(np.stack(list(outline.values()), axis=1), names_of_outline)
        _add_inside_and_outside(columns, moments, lesion, mask)
        _add_edge(columns, even, lesion, mask)


def split_by_otsu(values: Float32) -> tuple[Float64, Float64]:
    """Return the threshold (n,) that splits the values (n, k) of each row best into two parts.

    The values are counted in 64 bins between the smallest and the largest of the row. The threshold
    is the upper edge of the last bin of the lower part. Also returns the variance (n,) between the
    parts, in squared bins.
    """
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    scaled = (values - low) / (high - low + np.float32(1e-9)) * _BINS
    first = np.arange(len(values))[:, None] * _BINS
    bins = np.minimum(scaled, _BINS - 1).astype(np.intp) + first
    counts = np.bincount(bins.ravel(), minlength=len(values) * _BINS)
    share = counts.reshape(-1, _BINS) / values.shape[1]
    below, moment = share.cumsum(axis=1), (share * np.arange(_BINS)).cumsum(axis=1)
    between = (moment[:, -1:] * below - moment) ** 2 / (below * (1 - below) + 1e-9)
    edge = (between.argmax(axis=1) + 1).astype(np.float64)
    threshold = low[:, 0] + (high - low)[:, 0] * edge / _BINS
    return threshold, between.max(axis=1)


def smooth(depth: Float32) -> Float32:
    """Average each pixel (n, h, w) with its eight neighbours; the edge pixels repeat outwards."""
    height, width = depth.shape[1:]
    wide = np.pad(depth, ((0, 0), (1, 1), (1, 1)), mode="edge")
    total = np.zeros_like(depth)
    for row in range(3):
        for column in range(3):
            total += wide[:, row : row + height, column : column + width]
    return np.asarray(total / np.float32(9))


def _add_asymmetry(columns: Columns, main: Float32, names: tuple[str, ...]) -> None:
    mirrored = {"axis": [main[:, :, ::-1], main[:, :, :, ::-1]]}
    if main.shape[2] == main.shape[3]:
        across = main.swapaxes(2, 3)
        mirrored["diagonal"] = [across, across[:, :, ::-1, ::-1]]
    for axis, pair in mirrored.items():
        first, second = (np.abs(main - image).mean(axis=(2, 3)) for image in pair)
        least, most = np.minimum(first, second), np.maximum(first, second)
        columns.add(least, (f"{scale} asymmetry {axis} least" for scale in names))
        columns.add(most, (f"{scale} asymmetry {axis} most" for scale in names))
    half_turn = np.abs(main - main[:, :, ::-1, ::-1]).mean(axis=(2, 3))
    columns.add(half_turn, (f"{scale} asymmetry half turn" for scale in names))


def _describe_outline(lesion: Float32) -> dict[str, Float32]:
    """Return the outline's columns by name, each of shape (n,)."""
    _, height, width = lesion.shape
    weight = lesion.reshape(len(lesion), -1)
    size, area = weight.sum(axis=1) + np.float32(1e-6), weight.mean(axis=1)
    down, right = (np.abs(np.diff(lesion, axis=axis)).sum(axis=(1, 2)) for axis in (1, 2))
    y, x = (axis.astype(np.float32).ravel() for axis in np.mgrid[:height, :width])
    y, x = y - np.float32((height - 1) / 2), x - np.float32((width - 1) / 2)
    y_mean, x_mean = ((weight * axis).sum(axis=1) / size for axis in (y, x))
    dy, dx = y - y_mean[:, None], x - x_mean[:, None]
    yy, xx, xy = ((weight * v).sum(axis=1) / size for v in (dy * dy, dx * dx, dx * dy))
    trace, stretch = yy + xx, np.sqrt((yy - xx) ** 2 + 4 * xy**2)
    radius = (weight * np.sqrt(dy * dy + dx * dx)).sum(axis=1) / size
    flips = (lesion[:, ::-1, ::-1], lesion[:, ::-1], lesion[:, :, ::-1])
    turned, *mirrored = (np.abs(lesion - f).mean(axis=(1, 2)) / (area + 0.02) for f in flips)
    return {
        "area": area,
        "share of border": weight[:, border_mask(height, width)].mean(axis=1),
        "perimeter": (down + right) / (np.sqrt(size) + 1),
        "off centre": np.hypot(y_mean, x_mean),
        "roundness": (trace - stretch) / (trace + stretch + 1e-6),
        "spread": np.sqrt(trace),
        "radial variation": np.sqrt((trace - radius**2).clip(0)) / (radius + 1e-3),
        "half-turn asymmetry": turned,
        "mirror asymmetry": np.minimum(*mirrored),
    }


def _add_inside_and_outside(
    columns: Columns, moments: tuple[Float32, Float32, Float32], lesion: Float32, mask: str
) -> None:
    """Add means and deviations, from the mean of each scale, the rest, and the squares of that."""
    overall, rest, squares = moments
    inside = lesion.reshape(len(lesion), -1)
    weights = np.stack([inside, 1 - inside], axis=1)
    weights /= weights.sum(axis=2, keepdims=True) + 1e-6
    weights = weights.swapaxes(1, 2)
    means = np.matmul(rest, weights)
    spreads = np.sqrt((np.matmul(squares, weights) - means**2).clip(0))
    kinds = {
        "inside": means[:, :, 0] + overall[:, :, 0],
        "inside minus outside": means[:, :, 0] - means[:, :, 1],
        "std inside": spreads[:, :, 0],
        "std outside": spreads[:, :, 1],
    }
    for kind, values in kinds.items():
        names = (f"{mask} lesion {scale} {kind}" for scale in scale_names(rest.shape[1]))
        columns.add(values, names)


def _add_edge(columns: Columns, depth: Float32, lesion: Float32, mask: str) -> None:
    down, right = np.diff(depth, axis=1)[:, :, :-1], np.diff(depth, axis=2)[:, :-1]
    slope = np.sqrt(down * down + right * right)
    pixel = lesion[:, :-1, :-1]
    edge = (lesion[:, 1:, :-1] != pixel) | (lesion[:, :-1, 1:] != pixel)
    length = edge.sum(axis=(1, 2)) + 1e-6
    mean, square = ((v * edge).sum(axis=(1, 2)) / length for v in (slope, slope * slope))
    values = (mean, slope.mean(axis=(1, 2)), np.sqrt((square - mean**2).clip(0)))
    kinds = ("slope", "slope elsewhere too", "slope std")
    columns.add(np.stack(values, axis=1), (f"{mask} lesion edge {kind}" for kind in kinds))
