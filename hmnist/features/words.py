"""How much of each colour of a small palette a picture holds: soft colour words.

The palette is found by k-means among training pixels. A pixel counts for all words that are nearer
to it than most: hard assignment would make two all but equal colours different words (Van Gemert
et al. 2010, "Visual Word Ambiguity"). The soft weight is the triangle of Coates, Ng and Lee (2011).
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.features.columns import Columns, Floats
from hmnist.features.geometry import ZONES, zone_weights
from hmnist.features.views import picture_chunks

__all__ = ["Palette", "add_words", "draw_colours", "fit_palette"]

_SAMPLES = 20_000
"""Pixels drawn for fitting: some 400 for each word of a palette of 48."""

_ROUNDS = 15
"""Rounds of k-means."""

_RIDGE = 1e-4
"""Added to the variances before whitening: a standard deviation of .01 is noise."""

_REACH = 0.6
"""A word counts where its distance is below this share of the mean distance to all words."""

_BATCH_NEARNESSES = 300_000
"""Pixels × words held at once: about what a core's cache holds."""


@dataclass(frozen=True, eq=False)
class Palette:
    """Colour words for one view.

    Attributes
    ----------
    mean : numpy.ndarray of float32, shape (3,)
        The mean training colour.
    whiten : numpy.ndarray of float32, shape (3, 3)
        What colours, as rows and without the mean, are multiplied by.
    words : numpy.ndarray of float32, shape (count, 3)
        The palette among whitened colours.
    """

    mean: Floats
    whiten: Floats
    words: Floats


def add_words(columns: Columns, pictures: Floats, palette: Palette, view: str) -> None:
    """Add how much of each colour word there is.

    ``<view> word 07 rim`` is the square root of the mean weight of word 7 in the rim.

    Parameters
    ----------
    columns : Columns
        What they are added to: 4 for each word.
    pictures : numpy.ndarray of float32, shape (n, 3, h, w)
        The view.
    palette : Palette
        What `fit_palette` found for it.
    view : str
        Its name.
    """
    count, _, height, width = pictures.shape
    zones = zone_weights(height, width)
    batch = max(1, _BATCH_NEARNESSES // (height * width * len(palette.words)))
    pixels = pictures.reshape(count, 3, -1)
    shares = [
        np.matmul(zones, _nearness(pixels[start : start + batch], palette).swapaxes(1, 2))
        for start in range(0, count, batch)
    ]
    names = (f"{view} word {word:02d} {zone}" for zone in ZONES for word in _numbers(palette))
    columns.add(np.sqrt(np.concatenate(shares)), names)


def draw_colours(images: npt.NDArray[Any], view: str, rng: np.random.Generator) -> Floats:
    """Draw pixels of a view of images (n, h, w, 3): float32, shape (20000, 3)."""
    pixels = images.shape[1] * images.shape[2]
    image, place = np.divmod(rng.integers(len(images) * pixels, size=_SAMPLES), pixels)
    colours = np.empty((_SAMPLES, 3), dtype=np.float32)
    for start, pictures in picture_chunks(images, view):
        flat = pictures.reshape(len(pictures), 3, pixels)
        here = np.flatnonzero((image >= start) & (image < start + len(pictures)))
        colours[here] = flat[image[here] - start, :, place[here]]
    return colours


def fit_palette(colours: Floats, count: int, rng: np.random.Generator) -> Palette:
    """Find a palette by k-means (k-means++ start) among whitened colours.

    Parameters
    ----------
    colours : numpy.ndarray of float32, shape (n, 3)
        Pixels of training images.
    count : int
        How many words.
    rng : numpy.random.Generator
        What the start is drawn from.

    Returns
    -------
    Palette
        With fewer different colours than words, some words repeat others.
    """
    from scipy.cluster.vq import kmeans2

    pixels = colours.astype(np.float64)
    mean = pixels.mean(axis=0)
    value, vector = np.linalg.eigh(np.cov(pixels, rowvar=False))
    whiten = vector / np.sqrt(value.clip(0) + _RIDGE)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        # Pictures of few colours leave words without pixels; those words stay where they began.
        warnings.simplefilter("ignore", UserWarning)
        words, _ = kmeans2((pixels - mean) @ whiten, count, iter=_ROUNDS, minit="++", rng=rng)
    return Palette(mean.astype(np.float32), whiten.astype(np.float32), words.astype(np.float32))


def _nearness(pixels: Floats, palette: Palette) -> Floats:
    """Return the weight of each word at each pixel: shape (n, words, pixels)."""
    white = np.matmul(palette.whiten.T, pixels - palette.mean[:, None])
    squares = np.matmul(np.float32(-2) * palette.words, white)
    squares += (white**2).sum(axis=1, keepdims=True)
    squares += (palette.words**2).sum(axis=1)[:, None]
    distances = np.sqrt(np.maximum(squares, 0, out=squares), out=squares)
    limit = np.float32(_REACH) * distances.mean(axis=1, keepdims=True)
    np.subtract(limit, distances, out=distances)
    return np.asarray(np.maximum(distances, 0, out=distances))


def _numbers(palette: Palette) -> range:
    return range(len(palette.words))
