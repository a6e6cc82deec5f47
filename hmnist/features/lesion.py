"""`LesionFeatures`: a scikit-learn transformer from images of lesions to a table of named numbers.

Filters and codebooks are fitted to the images given to `fit` and no others; everything else is
computed from each image alone. So an image has the same row, bit for bit, whatever other images
are transformed with it and whatever the number of threads.
"""

import math
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from hmnist.arrays import Array, Float32, Shape
from hmnist.errors import UsageError
from hmnist.features.codebook import COLOURS, draw_colours, fit_codebook
from hmnist.features.fitted import FittedFeatures
from hmnist.features.patches import FILTERS, PATCH, draw_patches, fit_filters
from hmnist.features.pixels import as_images
from hmnist.features.steps import OnStep, ignore_steps
from hmnist.features.views import codebook_views, view_halvings
from hmnist.hardware import available_cores, usable_threads


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
    fitted_ : FittedFeatures
        The filters and codebooks.

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
        n_filters: int = FILTERS,
        patch: int = PATCH,
        n_colours: int = COLOURS,
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

    def fit(
        self,
        X: npt.ArrayLike,
        y: object = None,  # noqa: ARG002 - labels are not used
        *,
        on_step: OnStep = ignore_steps,
    ) -> Self:
        """Fit filters and codebooks to training images: pixels as for `transform`.

        `on_step` is told how many views of the images are done.

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
            views, coloured = list(view_halvings(images.shape[1:])), codebook_views(channels)
            total = len(views) + len(coloured)
            for done, view in enumerate(views, start=1):
                patches, side = draw_patches(images, view, self.patch, rng)
                filters[view] = fit_filters(patches, side, self.n_filters, self.ridge)
                on_step(done, total)
            for done, view in enumerate(coloured, start=1 + len(views)):
                colours = draw_colours(images, view, rng)
                codebooks[view] = fit_codebook(colours, self.n_colours, rng)
                on_step(done, total)
        self.fitted_ = FittedFeatures(images.shape[1:], filters, codebooks)
        self.image_shape_, self.n_features_in_ = self.fitted_.shape, math.prod(self.fitted_.shape)
        return self

    def transform(self, X: npt.ArrayLike) -> Float32:
        """Describe images: float32, shape (n, n_features_out), finite numbers.

        X are pixels 0–255 of the shape that was fitted, (n, h·w·c) or (n, h, w, c). A large result
        lies in a file (`hmnist.large_arrays`). Raises UsageError if the pixels do not fit, and
        scikit-learn's NotFittedError if it was not fitted.
        """
        check_is_fitted(self)
        images = as_images(X, self.image_shape_)
        return self.fitted_.transform(images, _thread_count(self.n_jobs))

    def get_feature_names_out(self, input_features: object = None) -> Array:  # noqa: ARG002
        """Return the names of the columns: str, shape (n_features_out,)."""
        check_is_fitted(self)
        return np.array(self.fitted_.names, dtype=object)

    @property
    def n_features_out(self) -> int:
        """The number of columns."""
        check_is_fitted(self)
        return len(self.fitted_.names)


def _thread_count(jobs: int | None) -> int:
    if jobs == 0:
        raise UsageError("n_jobs is 0; expected a number of threads, -1 for all cores, or None.")
    cores = available_cores()
    if jobs is None:
        return usable_threads()
    return jobs if jobs > 0 else max(1, cores + 1 + jobs)
