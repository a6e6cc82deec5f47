"""`LesionFeatures`: a scikit-learn transformer from images of lesions to a table of named numbers.

Filters and codebooks are fitted to the images given to `fit` and no others; everything else is
computed from each image alone. So an image has the same row, bit for bit, whatever other images
are transformed with it and whatever the number of threads.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from hmnist.arrays import Array, Float32, Shape
from hmnist.errors import UsageError
from hmnist.features.codebook import Codebook, add_codes, draw_colours, fit_codebook
from hmnist.features.colour import add_colours, colour_scales
from hmnist.features.columns import Columns
from hmnist.features.patches import PatchFilters, add_patches, draw_patches, fit_filters
from hmnist.features.pixels import as_images
from hmnist.features.shape import add_shapes
from hmnist.features.state import Arrays, pack, unpack
from hmnist.features.texture import add_textures
from hmnist.features.views import (
    chunk_size,
    codebook_views,
    finer_views,
    make_view,
    to_planes,
    view_halvings,
)
from hmnist.hardware import available_cores, named_threads
from hmnist.large_arrays import empty_rows, release


class LesionFeatures(TransformerMixin, BaseEstimator):
    """Numbers that describe a lesion and hardly change when its image is turned or mirrored.

    Parameters
    ----------
    image_shape : tuple of int or None
        Height, width, channels. None takes the shape of the images; rows of pixels must then be
        squares with three channels or one.
    n_filters : int
        Patch filters in each view; each gives 20 columns.
    patch : int
        Height and width of a patch in pixels; less in views too small for it.
    n_colours : int
        Entries of each codebook; each gives 4 columns. Grey images have no codebook.
    ridge : float
        Added to the variances of patches before whitening.
    random_state : int or None
        Seed for drawing patches and pixels; None draws others at each `fit`.
    n_jobs : int or None
        Threads of `transform`; -1 for all cores. None takes all, or the number in
        ``OMP_NUM_THREADS`` if that is less. It changes no bit of the result.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height, width, channels.
    n_features_in_ : int
        Pixels per image: h·w·c.
    filters_ : dict of str to PatchFilters
        By view: ``colour`` (or ``grey``), ``half``, ``relative``, and ``fine2`` and so on.
    codebooks_ : dict of str to Codebook
        By view: ``colour`` and ``relative``; empty for grey images.

    Notes
    -----
    The columns are those of `add_patches`, `add_codes`, `add_colours`, `add_shapes` and
    `add_textures`, in this order. Images of 28×28×3 have 2,765 with the default parameters. Larger
    images are described at their usual size of 28 to 55 pixels (`hmnist.features.views`), and 739
    columns are added for each doubling of it.

    Examples
    --------
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    >>> features = LesionFeatures(n_filters=4, n_colours=6, n_jobs=1).fit(images)
    >>> table = features.transform(images[:2])
    >>> table.shape == (2, features.n_features_out), table.dtype
    (True, dtype('float32'))
    >>> features.get_feature_names_out()[0]
    'colour patch 00 positive any way image'
    """

    def __init__(  # noqa: PLR0917 - scikit-learn's estimators take parameters by position, too
        self,
        image_shape: Shape | None = None,
        n_filters: int = 32,
        patch: int = 6,
        n_colours: int = 48,
        ridge: float = 1e-3,
        random_state: int | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.image_shape = image_shape
        self.n_filters = n_filters
        self.patch = patch
        self.n_colours = n_colours
        self.ridge = ridge
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:  # noqa: ARG002 - labels are not used
        """Fit filters and codebooks to training images: pixels as for `transform`.

        Raises UsageError if the pixels are not 0–255, the images are too small or of unknown shape,
        or a parameter is out of range.
        """
        for name, least in {"n_filters": 1, "patch": 2, "n_colours": 1, "ridge": 1e-12}.items():
            if (value := getattr(self, name)) < least:
                raise UsageError(f"{name} is {value}; expected at least {least}.")
        images = as_images(X, self.image_shape)
        channels = images.shape[3]
        rng = np.random.default_rng(self.random_state)
        filters, codebooks = {}, {}
        with threadpool_limits(1):  # with more threads, sums are added in another order
            for view in view_halvings(images.shape[1:]):
                patches, side = draw_patches(images, view, self.patch, rng)
                filters[view] = fit_filters(patches, side, self.n_filters, self.ridge)
            for view in codebook_views(channels):
                colours = draw_colours(images, view, rng)
                codebooks[view] = fit_codebook(colours, self.n_colours, rng)
        return self._set_fitted(images.shape[1:], filters, codebooks)

    def transform(self, X: npt.ArrayLike) -> Float32:
        """Describe images: float32, shape (n, n_features_out), finite numbers.

        X are pixels 0–255 of the shape that was fitted, (n, h·w·c) or (n, h, w, c). A large result
        lies in a file (`hmnist.large_arrays`). Raises UsageError if the pixels do not fit, and
        scikit-learn's NotFittedError if it was not fitted.
        """
        check_is_fitted(self)
        images = as_images(X, self.image_shape_)
        table = empty_rows((len(images), self.n_features_out), np.float32)
        size = chunk_size(*self.image_shape_[:2])

        def describe(start: int) -> None:
            part = slice(start, start + size)
            table[part] = self._describe(images[part]).table()
            release(images)
            release(table)

        with threadpool_limits(1), ThreadPoolExecutor(_thread_count(self.n_jobs)) as pool:
            list(pool.map(describe, range(0, len(images), size)))
        return table

    def get_feature_names_out(self, input_features: object = None) -> Array:  # noqa: ARG002
        """Return the names of the columns: str, shape (n_features_out,)."""
        check_is_fitted(self)
        return np.array(self._names, dtype=object)

    @property
    def n_features_out(self) -> int:
        """The number of columns."""
        check_is_fitted(self)
        return len(self._names)

    def to_arrays(self) -> dict[str, Array]:
        """Return what was fitted as plain arrays for `numpy.savez`; see `hmnist.features.state`."""
        check_is_fitted(self)
        return pack(self.image_shape_, self.filters_, self.codebooks_)

    @classmethod
    def from_arrays(cls, arrays: Arrays, **parameters: Any) -> Self:
        """Return fitted features from the result of `to_arrays`, which is checked: TrustError."""
        return cls(**parameters)._set_fitted(*unpack(arrays))  # noqa: SLF001 - its own class

    def _set_fitted(
        self, shape: Shape, filters: dict[str, PatchFilters], codebooks: dict[str, Codebook]
    ) -> Self:
        self.image_shape_, self.n_features_in_ = shape, math.prod(shape)
        self.filters_, self.codebooks_ = filters, codebooks
        with threadpool_limits(1):
            self._names = self._describe(np.zeros((1, *shape), dtype=np.uint8)).names
        return self

    def _describe(self, images: Array) -> Columns:
        columns, planes = Columns(len(images)), to_planes(images)
        views = {view: make_view(planes, view) for view in self.filters_}
        for view, filters in self.filters_.items():
            add_patches(columns, views[view], filters, view)
        for view, codebook in self.codebooks_.items():
            add_codes(columns, views[view], codebook, view)
        scales = colour_scales(next(iter(views.values())))
        add_colours(columns, scales)
        add_shapes(columns, scales, views["relative"])
        add_textures(columns, scales)
        for view, finer in finer_views(images.shape[1:]).items():
            add_textures(columns, colour_scales(views[view]), finer)
        return columns


def _thread_count(jobs: int | None) -> int:
    if jobs == 0:
        raise UsageError("n_jobs is 0; expected a number of threads, -1 for all cores, or None.")
    cores = available_cores()
    if jobs is None:
        return min(cores, named_threads() or cores)
    return jobs if jobs > 0 else max(1, cores + 1 + jobs)
