"""How photographs are made small: by Lanczos' filter, linearly, or by area."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from hmnist.arrays import Array, Float64, Pixels, area_weights

if TYPE_CHECKING:
    from PIL.Image import Image

Filter = Literal["lanczos", "linear", "area"]
"""``lanczos``: Pillow's filter, with which the Kaggle pixel files were made. ``linear`` and
``area``: as OpenCV's INTER_LINEAR, which looks at four pixels only, and INTER_AREA."""


def resize(photograph: "Image", size: tuple[int, int], by: Filter) -> Pixels:
    """Return a photograph as uint8 pixels of a height and width, shape (h, w, 3).

    Examples
    --------
    >>> from PIL import Image
    >>> photograph = Image.fromarray(np.uint8([[[0] * 3, [100] * 3, [8] * 3, [0] * 3]]))
    >>> resize(photograph, (1, 2), "area")[0, :, 0].tolist()
    [50, 4]
    """
    height, width = size
    if by == "lanczos":
        from PIL import Image

        return np.asarray(photograph.resize((width, height), Image.Resampling.LANCZOS))
    pixels = np.asarray(photograph, dtype=np.float64)
    weigh = area_weights if by == "area" else _linear_weights
    rows, columns = weigh(pixels.shape[0], height), weigh(pixels.shape[1], width)
    resized: Array = np.einsum("ij,jkc,lk->ilc", rows, pixels, columns, optimize=True)
    return np.clip(np.rint(resized), 0, 255).astype(np.uint8)


def _linear_weights(before: int, after: int) -> Float64:
    """Return the weights of the two old pixels on both sides of each new one's centre."""
    centres = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(before))))
