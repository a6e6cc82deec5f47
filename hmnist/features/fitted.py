"""`FittedFeatures`: fitted filters and codebooks, and the rows of numbers that they give images.

It needs neither scikit-learn nor scipy, which take longer to load than an image to describe.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from hmnist.arrays import Array, Float32, Images, Shape
from hmnist.errors import UsageError
from hmnist.features.codebook import Codebook, add_codes
from hmnist.features.colour import add_colours, colour_scales
from hmnist.features.columns import Columns
from hmnist.features.patches import PatchFilters, add_patches
from hmnist.features.shape import add_shapes
from hmnist.features.state import Arrays, pack, unpack
from hmnist.features.steps import OnStep, ignore_steps
from hmnist.features.texture import add_textures
from hmnist.features.views import chunk_size, finer_views, make_view, to_planes
from hmnist.large_arrays import empty_rows, release


@dataclass(frozen=True, eq=False)
class FittedFeatures:
    """What `hmnist.features.lesion.LesionFeatures` has learnt from training images.

    Attributes
    ----------
    shape : tuple of int
        Height, width and channels of the images.
    filters : mapping of str to PatchFilters
        By view: ``colour`` (or ``grey``), ``half``, ``relative``, and ``fine2`` and so on.
    codebooks : mapping of str to Codebook
        By view: ``colour`` and ``relative``; empty for grey images.
    """

    shape: Shape
    filters: Mapping[str, PatchFilters]
    codebooks: Mapping[str, Codebook]

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return what `to_arrays` returned; it is checked: TrustError."""
        return cls(*unpack(arrays))

    def to_arrays(self) -> dict[str, Array]:
        """Return plain arrays for `numpy.savez`; see `hmnist.features.state`."""
        return pack(self.shape, self.filters, self.codebooks)

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns."""
        with threadpool_limits(1):
            return self._describe(np.zeros((1, *self.shape), dtype=np.uint8)).names

    def transform(self, images: Images, threads: int, on_step: OnStep = ignore_steps) -> Float32:
        """Describe images of the shape that was fitted: float32, shape (n, columns).

        A large result lies in a file (`hmnist.large_arrays`). The threads change no bit of it.
        `on_step` is told how many chunks of the images are done.
        It raises a UsageError if the images have another shape.
        """
        if images.shape[1:] != self.shape:
            raise UsageError(f"The images have the shape {images.shape[1:]}, not {self.shape}.")
        table = empty_rows((len(images), len(self.names)), np.float32)
        size = chunk_size(*self.shape[:2])

        def describe(start: int) -> None:
            part = slice(start, start + size)
            table[part] = self._describe(images[part]).table()
            release(images)
            release(table)

        starts = range(0, len(images), size)
        with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
            for done, _ in enumerate(pool.map(describe, starts), start=1):
                on_step(done, len(starts))
        return table

    def _describe(self, images: Array) -> Columns:
        columns, planes = Columns(len(images)), to_planes(images)
        views = {view: make_view(planes, view) for view in self.filters}
        for view, filters in self.filters.items():
            add_patches(columns, views[view], filters, view)
        for view, codebook in self.codebooks.items():
            add_codes(columns, views[view], codebook, view)
        scales = colour_scales(next(iter(views.values())))
        add_colours(columns, scales)
        add_shapes(columns, scales, views["relative"])
        add_textures(columns, scales)
        for view, finer in finer_views(images.shape[1:]).items():
            add_textures(columns, colour_scales(views[view]), finer)
        return columns
