"""The views of an image: at its usual size, at half of that, relative to its skin, and finer.

Filters and patterns have lengths in pixels, which were chosen for images of 28×28. A larger image
is therefore halved until its shorter side has 28 to 55 pixels: its usual size. The usual size shows
of a lesion what an image of 28×28 shows, and the finer views add what is lost by the reduction.

Views are colour planes: float32 with the channels first, shape (n, c, h, w). Sums over neighbouring
pixels are fastest where these lie side by side in memory.
"""

import functools

import numpy as np

from hmnist.arrays import Array, Float32, Indices, Shape, area_weights, count_doublings
from hmnist.features.geometry import border_mask
from hmnist.large_arrays import release

_FLOOR = 0.05  # added to brightness (0–1) before the logarithm, so that noise in the dark is small
CHUNK_PIXELS = 200_704  # pixels of the images that are processed together: 256 images of 28×28


def view_halvings(shape: Shape) -> dict[str, int]:
    """Return the names of the views, and how often the image is halved for each.

    - ``colour`` (``grey`` with one channel): the image at its usual size, 0–1.
    - ``half``: the same at half its size, for coarser structure.
    - ``relative``: the logarithm minus that of the border's median colour. The tone of the skin and
      the strength of the lamp multiply the light of each channel, so this removes both.
    - ``fine2``, ``fine4`` and so on: the image at twice and four times its usual size, up to the
      size it has. Images of less than 56 pixels have none.

    Examples
    --------
    >>> view_halvings((112, 112, 3))
    {'colour': 2, 'half': 3, 'relative': 2, 'fine2': 1, 'fine4': 0}
    """
    usual = count_doublings(*shape[:2])
    colour = "colour" if shape[2] == 3 else "grey"
    finer = {view: usual - number for number, view in enumerate(finer_views(shape), start=1)}
    return {colour: usual, "half": usual + 1, "relative": usual, **finer}


def finer_views(shape: Shape) -> dict[str, int]:
    """Return the views that are larger than usual, and how many times.

    Examples
    --------
    >>> finer_views((112, 112, 3))
    {'fine2': 2, 'fine4': 4}
    """
    factors = [2**number for number in range(1, count_doublings(*shape[:2]) + 1)]
    return {f"fine{factor}": factor for factor in factors}


def codebook_views(channels: int) -> tuple[str, ...]:
    """Return the views that have a codebook of colours: none for grey images."""
    return ("colour", "relative") if channels == 3 else ()


def view_size(shape: Shape, view: str) -> tuple[int, int]:
    """Return height and width of a view of images of this shape."""
    halvings = view_halvings(shape)[view]
    return shape[0] >> halvings, shape[1] >> halvings


def make_view(planes: Float32, view: str) -> Float32:
    """Return a view of colour planes (n, c, h, w) of 0–1: (n, c, *view_size)."""
    _, channels, height, width = planes.shape
    for _ in range(view_halvings((height, width, channels))[view]):
        planes = _halve(planes)
    return _subtract_skin(planes) if view == "relative" else planes


def to_planes(images: Array) -> Float32:
    """Return images (n, h, w, c) of 0–255 as colour planes (n, c, h, w) of 0–1."""
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32)
    return np.asarray(planes / np.float32(255))


def chunk_size(height: int, width: int) -> int:
    """Return how many images are processed together, so that the memory needed is limited."""
    return max(1, CHUNK_PIXELS // (height * width))


def cut_patches(
    images: Array, view: str, side: int, corners: tuple[Indices, Indices, Indices]
) -> Float32:
    """Cut square patches out of a view of images (n, h, w, c): float32, shape (k, c·side·side).

    `corners` are the image, the row and the column of the upper left pixel of each patch, of shape
    (k,) each. Patches are flattened channels first.
    """
    image, row, column = corners
    patches = np.empty((len(image), images.shape[3], side, side), dtype=np.float32)
    size = chunk_size(images.shape[1], images.shape[2])
    # No other images are read: there may be many more.
    needed, place = np.unique(image, return_inverse=True)
    for start in range(0, len(needed), size):
        planes = make_view(to_planes(images[needed[start : start + size]]), view)
        release(images)
        windows = np.lib.stride_tricks.sliding_window_view(planes, (side, side), (2, 3))
        chosen = np.flatnonzero((place >= start) & (place < start + len(planes)))
        patches[chosen] = windows[place[chosen] - start, :, row[chosen], column[chosen]]
    return patches.reshape(len(patches), -1)


def _halve(planes: Float32) -> Float32:
    height, width = planes.shape[2:]
    down, across = (averaging_matrix(side, side // 2) for side in (height, width))
    return np.asarray(down @ planes @ across.T)


def _subtract_skin(planes: Float32) -> Float32:
    count, channels, height, width = planes.shape
    light = np.log(planes + np.float32(_FLOOR))
    border = light.reshape(count, channels, -1)[:, :, border_mask(height, width)]
    border.sort(axis=2)
    pixels = border.shape[2]
    skin = (border[:, :, (pixels - 1) // 2] + border[:, :, pixels // 2]) / 2
    return np.asarray(light - skin[:, :, None, None])


@functools.cache
def averaging_matrix(side: int, count: int) -> Float32:
    """Return the matrix (count, side) that averages neighbours; pixels may be shared by two."""
    return area_weights(side, count).astype(np.float32)
