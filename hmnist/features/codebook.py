"""How much of each colour of a small codebook an image contains.

The codebook is fitted by k-means to training pixels. A pixel counts for all entries that are nearer
to it than most: hard assignment would treat two nearly equal colours as different (Van Gemert et
al. 2010, "Visual Word Ambiguity"). The soft weight is the triangle of Coates, Ng and Lee (2011).
"""

import warnings
from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Array, Float32
from hmnist.features.columns import Columns
from hmnist.features.geometry import ZONES, zone_weights
from hmnist.features.views import cut_patches, view_size

COLOURS = 48
"""The entries of a codebook, unless another number is given."""

_SAMPLES = 20_000  # pixels drawn for fitting: about 400 for each entry of a codebook of 48
_ITERATIONS = 15
_RIDGE = 1e-4  # added to the variances before whitening: a standard deviation of .01 is noise
_REACH = 0.6  # an entry counts at less than this share of the mean distance to all entries
_BATCH_WEIGHTS = 300_000  # pixels × entries in memory at once: about what a core's cache can hold


@dataclass(frozen=True, eq=False)
class Codebook:
    """The typical colours of one view."""

    mean: Float32  # the mean training colour, shape (3,)
    whiten: (
        Float32  # the matrix (3, 3) that colours, as rows and without the mean, are multiplied by
    )
    entries: Float32  # the codebook's colours, whitened: shape (count, 3)


def add_codes(columns: Columns, planes: Float32, codebook: Codebook, view: str) -> None:
    """Add how much there is of each colour in a view (n, 3, h, w): 4 columns for each entry.

    ``<view> code 07 rim`` is the square root of the mean weight of entry 7 in the rim.
    """
    count, _, height, width = planes.shape
    zones = zone_weights(height, width)
    batch = max(1, _BATCH_WEIGHTS // (height * width * len(codebook.entries)))
    pixels = planes.reshape(count, 3, -1)
    shares = [
        np.matmul(zones, _weights(pixels[start : start + batch], codebook).swapaxes(1, 2))
        for start in range(0, count, batch)
    ]
    codes = range(len(codebook.entries))
    names = (f"{view} code {code:02d} {zone}" for zone in ZONES for code in codes)
    columns.add(np.sqrt(np.concatenate(shares)), names)


def draw_colours(images: Array, view: str, rng: np.random.Generator) -> Float32:
    """Draw pixels of a view of images (n, h, w, 3): float32, shape (20000, 3)."""
    height, width = view_size(images.shape[1:], view)
    pixels = height * width
    image, pixel = np.divmod(rng.integers(len(images) * pixels, size=_SAMPLES), pixels)
    return cut_patches(images, view, 1, (image, *np.divmod(pixel, width)))


def fit_codebook(colours: Float32, count: int, rng: np.random.Generator) -> Codebook:
    """Fit a codebook of `count` entries to colours of training images: float32, shape (n, 3).

    The colours are whitened and grouped by k-means, with a k-means++ start. If there are fewer
    different colours than entries, some entries are equal.
    """
    from scipy.cluster.vq import kmeans2

    pixels = colours.astype(np.float64)
    mean = pixels.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(pixels, rowvar=False))
    whiten = vectors / np.sqrt(values.clip(0) + _RIDGE)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        # Images of few colours leave entries without pixels; these entries stay at their start.
        warnings.simplefilter("ignore", UserWarning)
        white = (pixels - mean) @ whiten
        entries, _ = kmeans2(white, count, iter=_ITERATIONS, minit="++", rng=rng)
    return Codebook(mean.astype(np.float32), whiten.astype(np.float32), entries.astype(np.float32))


def _weights(pixels: Float32, codebook: Codebook) -> Float32:
    """Return the weight of each entry at each pixel: shape (n, entries, pixels)."""
    white = np.ones((len(pixels), 5, pixels.shape[2]), np.float32)
    white[:, :3] = np.matmul(codebook.whiten.T, pixels - codebook.mean[:, None])
    white[:, 3] = (white[:, :3] ** 2).sum(axis=1)
    # The square of a difference is a product with the squares as further numbers.
    squares = (codebook.entries**2).sum(axis=1, keepdims=True)
    factors = np.hstack([np.float32(-2) * codebook.entries, np.ones_like(squares), squares])
    distances = np.matmul(factors, white)
    # Rounding may leave a square below zero.
    np.sqrt(np.abs(distances, out=distances), out=distances)
    limit = np.float32(_REACH) * distances.mean(axis=1, keepdims=True)
    np.subtract(limit, distances, out=distances)
    return np.asarray(np.maximum(distances, np.zeros_like(distances[0]), out=distances))
