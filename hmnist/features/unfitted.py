"""The columns of a lesion that need no fitting: colours, shapes and textures.

They are a part of the columns of `hmnist.features.fitted`. By themselves they describe images where
no model has fitted filters and codebooks.
"""

from collections.abc import Mapping

import numpy as np

from hmnist.arrays import Array, Float32, Images, Shape
from hmnist.features.colour import add_colours, colour_scales
from hmnist.features.columns import Columns, describe_in_chunks
from hmnist.features.shape import add_shapes
from hmnist.features.texture import add_textures
from hmnist.features.views import finer_views, make_view, to_planes, view_halvings


def describe_unfitted(images: Images, threads: int) -> Float32:
    """Describe images (n, h, w, c) of 0–255 without anything fitted: float32, shape (n, columns).

    Images of 28×28×3 have 461 columns. A large result lies in a file (`hmnist.large_arrays`). The
    threads change no bit of it.

    Examples
    --------
    >>> describe_unfitted(np.zeros((2, 28, 28, 3), np.uint8), threads=1).shape
    (2, 461)
    """
    names = _describe(np.zeros((1, *images.shape[1:]), np.uint8)).names
    return describe_in_chunks(images, _describe, len(names), threads)


def add_unfitted(columns: Columns, views: Mapping[str, Float32], shape: Shape) -> None:
    """Add the columns of `add_colours`, `add_shapes` and `add_textures`, in this order.

    The views are those of images of this shape (`view_halvings`), ``half`` may be missing.
    """
    usual = next(iter(view_halvings(shape)))
    scales = colour_scales(views[usual])
    add_colours(columns, scales)
    add_shapes(columns, scales, views["relative"])
    add_textures(columns, scales)
    for view, finer in finer_views(shape).items():
        add_textures(columns, colour_scales(views[view]), finer)


def _describe(images: Array) -> Columns:
    columns, planes, shape = Columns(len(images)), to_planes(images), images.shape[1:]
    views = {view: make_view(planes, view) for view in view_halvings(shape) if view != "half"}
    add_unfitted(columns, views, shape)
    return columns
