"""Fine structure: how steep, how spotted or striped, and how coarse an image is.

Brightness and the two opponent colours are described by their slopes, uniform local binary
patterns (Ojala, Pietikäinen and Mäenpää 2002, "Multiresolution Gray-Scale and Rotation Invariant
Texture Classification with Local Binary Patterns"), and the power spectrum over wavelengths.
"""

import functools

import numpy as np

from hmnist.arrays import Float32, Pixels
from hmnist.features.colour import main_scales
from hmnist.features.columns import Columns

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_CIRCLE = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
"""The eight neighbours in a circle, as rows and columns."""

_ROUGH = 9  # the code of every pattern that is not uniform: more than two changes around the circle
_BANDS = 14  # the largest number of bands of the spectrum: all wavelengths that 28 pixels can show


def add_textures(columns: Columns, scales: Float32, finer: int = 1) -> None:
    """Add slopes, local binary patterns and the spectrum of images at their usual size, or finer.

    - ``<scale> gradient quantile 0.9``: logarithm of the slope that 90 % of the pixels stay below,
      in brightness (0–1) over two pixels.
    - ``<scale> pattern radius 1 3 higher``: share of the pixels that have exactly three higher
      neighbours, side by side; 0 is a peak, 4 an edge, 8 a pit. ``rough`` is the share of those
      whose higher neighbours are not side by side.
    - ``<scale> spectrum 3``: logarithm of the power of waves that pass three times through the
      image, under a Hann window.

    Turning or mirroring a square image does not change gradients and patterns. Mirrors and half
    turns do not change the spectrum either; quarter turns change it a little, since a real image's
    spectrum is averaged over one half of the plane.

    Images that are `finer` times larger than usual get the same columns with another name, as
    ``grey fine2 gradient quantile 0.9``. Their waves are counted in units of `finer`, and only the
    shorter half of the bands is kept: the usual size shows the longer waves.

    The scales (n, scales, h, w) come from `hmnist.features.colour.colour_scales`. Images of 28×28
    get 40 columns for each of the three main scales, finer ones 33.
    """
    main, names = main_scales(scales)
    for image, scale in zip(main.swapaxes(0, 1), names, strict=True):
        name = scale if finer == 1 else f"{scale} fine{finer}"
        _add_gradients(columns, image, name)
        for radius in (1, 2):
            _add_patterns(columns, image, name, radius)
        _add_spectrum(columns, image, name, finer)


def binary_patterns(image: Float32, radius: int) -> Pixels:
    """Return the pattern of each pixel of one scale (n, h, w) and its eight neighbours.

    The radius is the distance of the neighbours in pixels, along the axes and the diagonals. The
    patterns have shape (n, h - 2·radius, w - 2·radius). 0–8: so many neighbours are higher, and
    they are side by side; 9: they are not.
    """
    width = image.shape[2]
    pixels = image.ravel()
    # Neighbours lie at equal distances in memory. Beyond an edge they are wrong, and cut off.
    margin = radius * (width + 1)
    centre = pixels[margin : len(pixels) - margin]
    higher = []
    for down, right in _CIRCLE:
        start = margin + radius * (down * width + right)
        higher.append((pixels[start : start + len(centre)] > centre).view(np.uint8))
    changes, counts = np.zeros_like(higher[0]), np.zeros_like(higher[0])
    for bit, next_bit in zip(higher, higher[1:] + higher[:1], strict=True):
        changes += bit ^ next_bit
        counts += bit
    # Uniform patterns have a smaller code; assigning by a mask would be slower.
    counts = np.maximum(counts, (changes > 2) * np.uint8(_ROUGH))
    patterns = np.zeros(image.shape, np.uint8)
    patterns.reshape(-1)[margin : len(pixels) - margin] = counts
    return patterns[:, radius:-radius, radius:-radius]


@functools.cache
def spectrum_bands(height: int, width: int, finer: int = 1) -> Float32:
    """Return the matrix that averages the spectrum of an image over waves of similar length.

    It has shape (h·(w//2 + 1), bands), for the flattened result of `numpy.fft.rfft2`. Band k is for
    waves that pass k·`finer` times through the image, rounded; the last one also for all shorter
    ones. There are min(h, w)//2 bands, at most 14; of finer images, the second half of them. Each
    column sums to 1.
    """
    bands = min(_BANDS, height // 2, width // 2)
    waves_y, waves_x = np.fft.fftfreq(height) * height, np.arange(width // 2 + 1)
    band = np.minimum(np.round(np.hypot(waves_y[:, None], waves_x) / finer), bands).ravel()
    first = 1 if finer == 1 else bands // 2 + 1
    members = (band[:, None] == np.arange(first, bands + 1)).astype(np.float64)
    return np.asarray(members / members.sum(axis=0), dtype=np.float32)


def _add_gradients(columns: Columns, image: Float32, name: str) -> None:
    down = image[:, 2:, 1:-1] - image[:, :-2, 1:-1]
    right = image[:, 1:-1, 2:] - image[:, 1:-1, :-2]
    slopes = np.sqrt(down * down + right * right).reshape(len(image), -1)
    slopes.sort(axis=1)
    positions = [int(quantile * (slopes.shape[1] - 1)) for quantile in _QUANTILES]
    names = (f"{name} gradient quantile {quantile}" for quantile in _QUANTILES)
    columns.add(np.log(slopes[:, positions] + np.float32(1e-3)), names)


def _add_patterns(columns: Columns, image: Float32, name: str, radius: int) -> None:
    codes = binary_patterns(image, radius).reshape(len(image), -1)
    kinds = _ROUGH + 1
    bins = codes + np.arange(len(codes))[:, None] * kinds
    counts = np.bincount(bins.ravel(), minlength=len(codes) * kinds).reshape(-1, kinds)
    labels = [*(f"{count} higher" for count in range(_ROUGH)), "rough"]
    names = (f"{name} pattern radius {radius} {label}" for label in labels)
    columns.add(counts / codes.shape[1], names)


def _add_spectrum(columns: Columns, image: Float32, name: str, finer: int) -> None:
    count, height, width = image.shape
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    waves = np.fft.rfft2((image - image.mean(axis=(1, 2), keepdims=True)) * window)
    power = (waves.real**2 + waves.imag**2).reshape(count, 1, -1)
    # One product per image: its rounding does not depend on the number of images.
    bands = np.matmul(power, spectrum_bands(height, width, finer))[:, 0]
    first = 1 if finer == 1 else bands.shape[1] + 1
    names = (f"{name} spectrum {first + band}" for band in range(bands.shape[1]))
    columns.add(np.log(bands + np.float32(1e-5)), names)
