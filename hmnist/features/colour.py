"""How bright and colourful an image is, how much that varies, and where.

Nine scales describe a pixel: red, green, blue, their mean, two opponent colours, saturation, and
the shares of red and blue in its light. Grey images have one scale, their brightness.
"""

import numpy as np

from hmnist.arrays import Float32
from hmnist.features.columns import Columns
from hmnist.features.geometry import ring_weights

_SCALES: tuple[str, ...] = (
    "red", "green", "blue", "grey", "red-green", "yellow-blue", "saturation", "redness", "blueness",
)  # fmt: skip

_MAIN = slice(3, 6)
"""Brightness and the two opponent colours, which are nearly uncorrelated in photographs (Ruderman,
Cronin and Chiao 1998). Shape and texture use these three."""

_FLOOR = 0.02  # added to a brightness (0–1) before dividing by it, so that black has no random hue
_QUANTILES = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98)
_KURTOSIS_LIMIT = 20.0  # more means one unusual spot; its exact size says little and would dominate
_RINGS = tuple(edge / 14 for edge in (0, 3, 6, 9, 12, 15, 30))
"""Six rings: steps of three pixels in an image of 28×28; the last one is its corners."""


def add_colours(columns: Columns, scales: Float32) -> None:
    """Add the distribution of each colour scale and how it changes from the centre outwards.

    - ``<scale> quantile 0.05``: 5 % of the pixels lie below.
    - ``<scale> mean``, ``std``, ``skew``, ``kurtosis``: moments over the image.
    - ``grey~red-green`` and so on: correlations between scales over the pixels.
    - ``<scale> ring 0 minus mean``, ``<scale> ring 0 std``: ring 0 is the centre, ring 5 the
      corners.

    None of them changes when a square image is turned or mirrored. The scales (n, scales, h, w)
    come from `colour_scales`; colour images get 228 columns, grey ones 25.
    """
    names = scale_names(scales.shape[1])
    flat = scales.reshape(*scales.shape[:2], -1)
    ordered = np.sort(flat, axis=2)
    positions = [round(quantile * (flat.shape[2] - 1)) for quantile in _QUANTILES]
    columns.add(ordered[..., positions], (f"{s} quantile {q}" for s in names for q in _QUANTILES))
    rest = flat - flat.mean(axis=2, keepdims=True)
    squares = rest * rest
    _add_moments(columns, flat, rest, squares)
    if len(names) > 1:
        _add_correlations(columns, rest[:, _MAIN])
    _add_rings(columns, rest, squares, ring_weights(*scales.shape[2:], _RINGS).T)


def colour_scales(planes: Float32) -> Float32:
    """Return the scales of colour planes (n, c, h, w): float32, shape (n, scales, h, w).

    For colour in the order of `scale_names`: red, green, blue (0–1); grey, their mean (0–1);
    red − green and (red + green) / 2 − blue (−1 to 1); saturation (max − min) / max (0–1); redness
    and blueness, the shares of red and blue in the sum of the three (0–1). For grey images, the
    planes themselves.
    """
    if planes.shape[1] == 1:
        return planes
    red, green, blue = planes.swapaxes(0, 1)
    grey, high, low = planes.mean(axis=1), planes.max(axis=1), planes.min(axis=1)
    total = 3 * (grey + _FLOOR)
    opponents = (red - green, (red + green) / 2 - blue)
    saturation = (high - low) / (high + _FLOOR)
    scales = (red, green, blue, grey, *opponents, saturation, red / total, blue / total)
    return np.stack(scales, axis=1)


def scale_names(count: int) -> tuple[str, ...]:
    """Return the names of `count` scales: all nine, or ``grey`` alone."""
    return _SCALES if count > 1 else ("grey",)


def main_scales(scales: Float32) -> tuple[Float32, tuple[str, ...]]:
    """Return brightness and the opponent colours (n, 3, h, w), or brightness alone, with names."""
    if scales.shape[1] == 1:
        return scales, ("grey",)
    return scales[:, _MAIN], _SCALES[_MAIN]


def _add_moments(columns: Columns, flat: Float32, rest: Float32, squares: Float32) -> None:
    second, third, fourth = (
        np.vecdot(first, other) / rest.shape[2]
        for first, other in ((rest, rest), (squares, rest), (squares, squares))
    )
    std = np.sqrt(second)
    skew = third / (second * std + 1e-6)
    kurtosis = np.minimum(fourth / (second * second + 1e-6), _KURTOSIS_LIMIT)
    moments = {"mean": flat.mean(axis=2), "std": std, "skew": skew, "kurtosis": kurtosis}
    for moment, values in moments.items():
        columns.add(values, (f"{scale} {moment}" for scale in scale_names(flat.shape[1])))


def _add_correlations(columns: Columns, rest: Float32) -> None:
    std = np.sqrt((rest * rest).mean(axis=2, keepdims=True))
    # The correlations of a scale that hardly varies are noise; the constant makes them small.
    unit = rest / (std + 1e-3)
    names = _SCALES[_MAIN]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        values = np.vecdot(unit[:, first], unit[:, second]) / rest.shape[2]
        columns.add(values, [f"{names[first]}~{names[second]}"])


def _add_rings(columns: Columns, rest: Float32, squares: Float32, rings: Float32) -> None:
    level = np.matmul(rest, rings)
    spread = np.sqrt((np.matmul(squares, rings) - level**2).clip(0))
    scales = scale_names(rest.shape[1])
    names = [f"{scale} ring {ring}" for ring in range(rings.shape[1]) for scale in scales]
    for kind, values in (("minus mean", level), ("std", spread)):
        columns.add(values.swapaxes(1, 2), (f"{name} {kind}" for name in names))
