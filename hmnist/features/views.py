"""The pictures that filters and palettes look at: as it is, at half size, and without its skin.

Pictures are float32, channels first (n, c, h, w), since sums over neighbouring pixels are quickest
where they lie side by side.
"""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.features.columns import Floats
from hmnist.features.geometry import border_of

__all__ = [
    "chunk_size",
    "make_view",
    "palette_views",
    "picture_chunks",
    "pictures_of",
    "view_names",
    "view_size",
]

_FLOOR = 0.05
"""Added to brightness (0–1) before the logarithm, so that noise in the dark stays small."""

_CHUNK_PIXELS = 200_704
"""Pixels of the images that are worked on together: 256 images of 28×28."""


def view_names(channels: int) -> tuple[str, str, str]:
    """Return the names of the views.

    - ``colour`` (``grey`` with one channel): the picture as it is, 0–1.
    - ``half``: the same at half its size, for coarser structure.
    - ``relative``: the logarithm minus that of the border's median colour. A skin's tone and a
      lamp's strength multiply the light in each channel, so they drop out.
    """
    return "colour" if channels == 3 else "grey", "half", "relative"


def palette_views(channels: int) -> tuple[str, ...]:
    """Return the views that have a palette of colour words: none in grey pictures."""
    return ("colour", "relative") if channels == 3 else ()


def view_size(height: int, width: int, name: str) -> tuple[int, int]:
    """Return height and width of a view of pictures of this size."""
    return (height // 2, width // 2) if name == "half" else (height, width)


def make_view(pictures: Floats, name: str) -> Floats:
    """Return one of the views that `view_names` describes.

    Parameters
    ----------
    pictures : numpy.ndarray of float32, shape (n, c, h, w)
        Brightness 0–1.
    name : str
        The view.

    Returns
    -------
    numpy.ndarray of float32, shape (n, c, h, w)
        For ``half`` (n, c, h//2, w//2).

    Examples
    --------
    >>> evenly_lit = np.full((1, 3, 8, 8), 0.5, np.float32)
    >>> float(make_view(evenly_lit, "relative").max())
    0.0
    """
    if name == "half":
        return _halve(pictures)
    return _without_skin(pictures) if name == "relative" else pictures


def pictures_of(images: npt.NDArray[Any]) -> Floats:
    """Return images (n, h, w, c) of 0–255 as pictures (n, c, h, w) of 0–1."""
    pictures = np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32)
    return np.asarray(pictures / np.float32(255))


def picture_chunks(images: npt.NDArray[Any], name: str) -> Iterator[tuple[int, Floats]]:
    """Yield a view of all images, a chunk at a time, each with the number of its first image."""
    size = chunk_size(images.shape[1], images.shape[2])
    for start in range(0, len(images), size):
        yield start, make_view(pictures_of(images[start : start + size]), name)


def chunk_size(height: int, width: int) -> int:
    """Return how many images are worked on together, so that memory does not grow with them."""
    return max(1, _CHUNK_PIXELS // (height * width))


def _without_skin(pictures: Floats) -> Floats:
    count, channels, height, width = pictures.shape
    light = np.log(pictures + np.float32(_FLOOR))
    border = light.reshape(count, channels, -1)[:, :, border_of(height, width)]
    border.sort(axis=2)
    pixels = border.shape[2]
    skin = (border[:, :, (pixels - 1) // 2] + border[:, :, pixels // 2]) / 2
    return np.asarray(light - skin[:, :, None, None])


def _halve(pictures: Floats) -> Floats:
    height, width = pictures.shape[2:]
    return np.asarray(_halving(height) @ pictures @ _halving(width).T)


@functools.cache
def _halving(side: int) -> Floats:
    """Return the matrix (side//2, side) that averages neighbours; an odd side is shared evenly."""
    edges = np.linspace(0, side, side // 2 + 1)
    pixel = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(overlap.clip(0) / np.diff(edges)[:, None], dtype=np.float32)
