"""`FittedFeatures`: fitted filters and codebooks, and the rows of numbers that they give images.

It needs neither scikit-learn nor scipy, which take longer to load than an image to describe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from hmnist.arrays import Array, Float32, Images, Shape
from hmnist.errors import UsageError
from hmnist.features.codebook import Codebook, add_codes
from hmnist.features.columns import Columns, describe_in_chunks
from hmnist.features.patches import PatchFilters, add_patches
from hmnist.features.state import Arrays, pack, unpack
from hmnist.features.steps import OnStep, ignore_steps
from hmnist.features.unfitted import add_unfitted
from hmnist.features.views import make_view, to_planes


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
        """Return what `to_arrays` returned."""
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
        return describe_in_chunks(images, self._describe, len(self.names), threads, on_step)

    def _describe(self, images: Array) -> Columns:
        columns, planes = Columns(len(images)), to_planes(images)
        views = {view: make_view(planes, view) for view in self.filters}
        for view, filters in self.filters.items():
            add_patches(columns, views[view], filters, view)
        for view, codebook in self.codebooks.items():
            add_codes(columns, views[view], codebook, view)
        add_unfitted(columns, views, self.shape)
        return columns
