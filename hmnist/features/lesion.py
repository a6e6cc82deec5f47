"""`LesionFeatures`: images of lesions to a table of named numbers, as a scikit-learn transformer.

Filters and palettes are found among the images given to `fit` and no others; everything else is
arithmetic on one image. The same image has the same row, bit for bit, whatever images stand beside
it and however many threads work.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from hmnist.errors import UsageError
from hmnist.features.colour import add_colours, colour_scales
from hmnist.features.columns import Columns, Floats, Shape
from hmnist.features.patches import PatchFilters, add_patches, draw_patches, fit_filters
from hmnist.features.pixels import as_images
from hmnist.features.shape import add_shapes
from hmnist.features.state import Arrays, pack, unpack
from hmnist.features.texture import add_textures
from hmnist.features.views import chunk_size, make_view, palette_views, pictures_of, view_names
from hmnist.features.words import Palette, add_words, draw_colours, fit_palette
from hmnist.hardware import available_cores

__all__ = ["LesionFeatures"]


class LesionFeatures(TransformerMixin, BaseEstimator):
    """Numbers that describe a lesion, nearly unmoved when its image is turned or mirrored.

    Parameters
    ----------
    image_shape : tuple of int or None
        Height, width, channels. None takes the shape of images, and of rows infers squares with
        three channels or one.
    n_filters : int
        Patch filters in each view; each gives 20 columns.
    patch : int
        Height and width of a patch in pixels; less in views too small for it.
    n_colours : int
        Words of each palette; each gives 4 columns. Grey images have none.
    ridge : float
        What is added to the variances of patches before they are whitened.
    random_state : int or None
        What patches and pixels are drawn with; None draws anew at each `fit`.
    n_jobs : int or None
        Threads of `transform`; -1 for all cores. None takes all, or what ``OMP_NUM_THREADS``
        allows if that is less. It changes no bit of the result.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height, width, channels.
    n_features_in_ : int
        Pixels per image: h·w·c.
    filters_ : dict of str to PatchFilters
        By view: ``colour`` (or ``grey``), ``half``, ``relative``.
    palettes_ : dict of str to Palette
        By view: ``colour`` and ``relative``; empty for grey images.

    Notes
    -----
    The columns, in this order:

    - ``<view> patch …``: responses to whitened patches (`hmnist.features.patches`).
    - ``<view> word …``: shares of colour words (`hmnist.features.words`).
    - ``<scale> quantile|mean|std|skew|kurtosis|ring …``: `hmnist.features.colour`.
    - ``<scale> asymmetry …``, ``<mask> lesion …``: `hmnist.features.shape`.
    - ``<scale> gradient|pattern|spectrum …``: `hmnist.features.texture`.

    Images of 28×28×3 have 2,765 columns with the parameters as they are.

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

    def __init__(  # noqa: PLR0917 - scikit-learn's estimators take parameters by place, too
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
        """Find filters and palettes among images.

        Parameters
        ----------
        X : array-like, shape (n, h·w·c) or (n, h, w, c)
            Pixels 0–255, of training images only.
        y : object
            Ignored; scikit-learn passes labels.

        Returns
        -------
        LesionFeatures
            The transformer itself.

        Raises
        ------
        UsageError
            If the pixels are not 0–255, their shape is unknown or too small, or a parameter is
            out of range.
        """
        self._check_parameters()
        images = as_images(X, self.image_shape)
        channels = images.shape[3]
        rng = np.random.default_rng(self.random_state)
        with threadpool_limits(1):  # more threads add in another order
            filters = {
                view: fit_filters(
                    *draw_patches(images, view, self.patch, rng), self.n_filters, self.ridge
                )
                for view in view_names(channels)
            }
            palettes = {
                view: fit_palette(draw_colours(images, view, rng), self.n_colours, rng)
                for view in palette_views(channels)
            }
        return self._keep(images.shape[1:], filters, palettes)

    def transform(self, X: npt.ArrayLike) -> Floats:
        """Describe images.

        Parameters
        ----------
        X : array-like, shape (n, h·w·c) or (n, h, w, c)
            Pixels 0–255, of the shape that was fitted.

        Returns
        -------
        numpy.ndarray of float32, shape (n, n_features_out)
            Finite numbers; `get_feature_names_out` says what they are.

        Raises
        ------
        UsageError
            If the pixels are not 0–255 or their shape is another one.
        sklearn.exceptions.NotFittedError
            If neither `fit` nor `set_arrays` came before.
        """
        check_is_fitted(self)
        images = as_images(X, self.image_shape_)
        table = np.empty((len(images), self.n_features_out), dtype=np.float32)
        size = chunk_size(*self.image_shape_[:2])

        def describe(start: int) -> None:
            part = slice(start, start + size)
            table[part] = self._describe(images[part]).table()

        threads = _thread_count(self.n_jobs)
        with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(describe, range(0, len(images), size)):
                pass
        return table

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[Any]:  # noqa: ARG002
        """Return what each column is: str, shape (n_features_out,)."""
        check_is_fitted(self)
        return np.array(self._names, dtype=object)

    @property
    def n_features_out(self) -> int:
        """The number of columns."""
        check_is_fitted(self)
        return len(self._names)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what was fitted as plain arrays, fit for `numpy.savez`.

        Returns
        -------
        dict of str to numpy.ndarray
            Among them the image shape; `hmnist.features.state.pack` names them all.
        """
        check_is_fitted(self)
        return pack(self.image_shape_, self.filters_, self.palettes_)

    def set_arrays(self, arrays: Arrays) -> Self:
        """Take over what `to_arrays` returned, instead of fitting.

        Raises
        ------
        TrustError
            If an array is missing, has another shape than it should, or is not finite.
        """
        return self._keep(*unpack(arrays))

    @classmethod
    def from_arrays(cls, arrays: Arrays, **parameters: Any) -> Self:
        """Return fitted features from what `to_arrays` returned; see `set_arrays`."""
        return cls(**parameters).set_arrays(arrays)

    def _keep(
        self, shape: Shape, filters: dict[str, PatchFilters], palettes: dict[str, Palette]
    ) -> Self:
        height, width, channels = shape
        self.image_shape_ = (height, width, channels)
        self.n_features_in_ = height * width * channels
        self.filters_, self.palettes_ = filters, palettes
        with threadpool_limits(1):
            self._names = self._describe(np.zeros((1, *shape), dtype=np.uint8)).names
        return self

    def _describe(self, images: npt.NDArray[Any]) -> Columns:
        columns, pictures = Columns(len(images)), pictures_of(images)
        views = {view: make_view(pictures, view) for view in self.filters_}
        for view, filters in self.filters_.items():
            add_patches(columns, views[view], filters, view)
        for view, palette in self.palettes_.items():
            add_words(columns, views[view], palette, view)
        scales = colour_scales(pictures)
        add_colours(columns, scales)
        add_shapes(columns, scales, views["relative"])
        add_textures(columns, scales)
        return columns

    def _check_parameters(self) -> None:
        least = {"n_filters": 1, "patch": 2, "n_colours": 1, "ridge": 1e-12}
        for name, limit in least.items():
            if (value := getattr(self, name)) < limit:
                raise UsageError(f"{name} is {value}; expected at least {limit}.")


def _thread_count(jobs: int | None) -> int:
    if jobs == 0:
        raise UsageError("n_jobs is 0; expected a number of threads, -1 for all cores, or None.")
    cores = available_cores()
    if jobs is None:
        allowed = os.environ.get("OMP_NUM_THREADS", "")
        return min(cores, int(allowed)) if allowed.isdecimal() and int(allowed) else cores
    return jobs if jobs > 0 else max(1, cores + 1 + jobs)
