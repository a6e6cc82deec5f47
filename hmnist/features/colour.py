"""How bright and colourful a picture is, how much that varies, and where.

Nine scales describe a pixel: three primary colours, their mean, two opponent colours, saturation,
and the shares of red and blue in its light. Of a grey picture only the one is left.
"""

import numpy as np

from hmnist.features.columns import Columns, Floats
from hmnist.features.geometry import ring_weights

__all__ = ["add_colours", "colour_scales", "main_scales", "scale_names"]

_SCALES: tuple[str, ...] = (
    "red",
    "green",
    "blue",
    "grey",
    "red-green",
    "yellow-blue",
    "saturation",
    "redness",
    "blueness",
)

_MAIN = slice(3, 6)
"""Brightness and the two opponent colours, which are all but uncorrelated in photographs (Ruderman,
Cronin and Chiao 1998): what shape and texture are measured on."""

_FLOOR = 0.02
"""Added where one divides by brightness (0–1), so that black has no arbitrary hue."""

_QUANTILES = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98)

_KURTOSIS_LIMIT = 20.0
"""Above this a picture has one odd spot; how odd says little and would outweigh all else."""

_RINGS = tuple(edge / 14 for edge in (0, 3, 6, 9, 12, 15, 30))
"""Six rings: steps of three pixels in an image of 28×28, the last one being its corners."""


def add_colours(columns: Columns, scales: Floats) -> None:
    """Add the distribution of each colour scale and how it changes from the middle outwards.

    - ``<scale> quantile 0.05``: 5 % of the pixels lie below.
    - ``<scale> mean``, ``std``, ``skew``, ``kurtosis``: moments over the image.
    - ``grey~red-green`` and so on: correlations between scales over the pixels.
    - ``<scale> ring 0 minus mean``, ``<scale> ring 0 std``: ring 0 is the middle, ring 5 the
      corners.

    None of them changes when a square picture is turned or mirrored.

    Parameters
    ----------
    columns : Columns
        What they are added to: 228 for colour, 25 for grey.
    scales : numpy.ndarray of float32, shape (n, scales, h, w)
        What `colour_scales` made.
    """
    names = scale_names(scales.shape[1])
    flat = scales.reshape(*scales.shape[:2], -1)
    ordered = np.sort(flat, axis=2)
    places = [round(quantile * (flat.shape[2] - 1)) for quantile in _QUANTILES]
    columns.add(ordered[..., places], (f"{s} quantile {q}" for s in names for q in _QUANTILES))
    rest = flat - flat.mean(axis=2, keepdims=True)
    _add_moments(columns, flat, rest)
    if len(names) > 1:
        _add_correlations(columns, rest[:, _MAIN])
    _add_rings(columns, rest, scales.shape[2], scales.shape[3])


def colour_scales(pictures: Floats) -> Floats:
    """Return the scales of each pixel.

    Parameters
    ----------
    pictures : numpy.ndarray of float32, shape (n, c, h, w)
        Brightness 0–1; c is 3 (red, green, blue) or 1.

    Returns
    -------
    numpy.ndarray of float32, shape (n, scales, h, w)
        For colour in the order of `scale_names`: red, green, blue (0–1); grey, their mean (0–1);
        red − green and (red + green) / 2 − blue (−1 to 1); saturation (max − min) / max (0–1);
        redness and blueness, the shares of red and blue in the sum of the three (0–1). For grey
        pictures, the pictures themselves.

    Examples
    --------
    >>> red = np.zeros((1, 3, 1, 1), np.float32)
    >>> red[:, 0] = 1
    >>> colour_scales(red).ravel().astype(float).round(2)
    array([1.  , 0.  , 0.  , 0.33, 1.  , 0.5 , 0.98, 0.94, 0.  ])
    """
    if pictures.shape[1] == 1:
        return pictures
    red, green, blue = pictures.swapaxes(0, 1)
    grey, high, low = pictures.mean(axis=1), pictures.max(axis=1), pictures.min(axis=1)
    total = 3 * (grey + _FLOOR)
    opponents = (red - green, (red + green) / 2 - blue)
    saturation = (high - low) / (high + _FLOOR)
    scales = (red, green, blue, grey, *opponents, saturation, red / total, blue / total)
    return np.stack(scales, axis=1)


def scale_names(count: int) -> tuple[str, ...]:
    """Return the names of `count` scales: all nine, or ``grey`` alone."""
    return _SCALES if count > 1 else ("grey",)


def main_scales(scales: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Return brightness and the opponent colours (n, 3, h, w), or brightness alone, with names."""
    if scales.shape[1] == 1:
        return scales, ("grey",)
    return scales[:, _MAIN], _SCALES[_MAIN]


def _add_moments(columns: Columns, flat: Floats, rest: Floats) -> None:
    squares = rest * rest
    std = np.sqrt(squares.mean(axis=2))
    skew = (squares * rest).mean(axis=2) / (std**3 + 1e-6)
    kurtosis = np.minimum((squares * squares).mean(axis=2) / (std**4 + 1e-6), _KURTOSIS_LIMIT)
    names = scale_names(flat.shape[1])
    moments = {"mean": flat.mean(axis=2), "std": std, "skew": skew, "kurtosis": kurtosis}
    for moment, values in moments.items():
        columns.add(values, (f"{scale} {moment}" for scale in names))


def _add_correlations(columns: Columns, rest: Floats) -> None:
    std = np.sqrt((rest * rest).mean(axis=2, keepdims=True))
    # Where a scale hardly varies its correlations are noise, and fade.
    unit = rest / (std + 1e-3)
    names = _SCALES[_MAIN]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        values = np.vecdot(unit[:, one], unit[:, other]) / rest.shape[2]
        columns.add(values, [f"{names[one]}~{names[other]}"])


def _add_rings(columns: Columns, rest: Floats, height: int, width: int) -> None:
    rings = ring_weights(height, width, _RINGS).T
    level = np.matmul(rest, rings)
    spread = np.sqrt((np.matmul(rest * rest, rings) - level**2).clip(0))
    names = scale_names(rest.shape[1])
    for kind, values in (("minus mean", level), ("std", spread)):
        columns.add(
            values.swapaxes(1, 2),
            (f"{scale} ring {ring} {kind}" for ring in range(rings.shape[1]) for scale in names),
        )
