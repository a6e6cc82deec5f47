"""Whitened pieces of training images as filters, in all eight orientations.

Small patches are whitened, so that fine structure counts as much as the slow change of brightness
that fills most of a patch, and grouped by spherical k-means. The centres of the groups are the
filters. The positive and the negative responses to a filter are averaged over the image separately.
This is the single-layer network of Coates, Ng and Lee (2011, "An Analysis of Single-Layer Networks
in Unsupervised Feature Learning") with the soft threshold of Coates and Ng (2011, "The Importance
of Encoding Versus Training with Sparse Coding and Vector Quantization") and the k-means of Coates
and Ng (2012, "Learning Feature Representations with K-means"). The threshold is zero, which did
better than theirs on 28×28 pixels.

A lesion has no upper side: k-means may turn a training patch to fit its centre, and every filter is
applied in all eight orientations. So turning an image does not change its columns.
"""

from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Array, Float32, Float64, Indices
from hmnist.augmentation import ORIENTATIONS
from hmnist.features.columns import Columns
from hmnist.features.geometry import ZONES, patch_orientations
from hmnist.features.responses import pool_responses
from hmnist.features.views import cut_patches, view_size

FILTERS = 32
"""The filters of a view, unless another number is given."""

PATCH = 6
"""The side of a patch in pixels, unless another is given, or the view is too small for it."""

_SAMPLES = 30_000  # patches drawn for fitting: about 300 for each number of a 6×6 patch in colour
_ITERATIONS = 5  # iterations of k-means; the centres hardly move afterwards


@dataclass(frozen=True, eq=False)
class PatchFilters:
    """Filters for one view, on flattened patches (channels first).

    The weights (8·count, c·side·side) are all filters in the first orientation, then all in the
    second, and so on. They include the whitening.
    """

    weights: Float32
    offset: Float32  # the responses (8·count,) to the mean patch, which are subtracted
    side: int  # height and width of a patch

    @property
    def count(self) -> int:
        """The number of filters, each in eight orientations."""
        return len(self.weights) // ORIENTATIONS


def add_patches(columns: Columns, planes: Float32, filters: PatchFilters, view: str) -> None:
    """Add the responses of a view (n, c, h, w) to its filters: 20 columns for each filter.

    ``<view> patch 07 positive any way rim`` is the square root of the mean positive response to
    filter 7 in the rim, over all orientations. ``best way`` takes the strongest orientation at
    each position. ``deviation`` is the square root of the standard deviation over the image. The
    square roots (Hellinger's transformation) limit the few images that respond very strongly.
    """
    side, channels = filters.side, planes.shape[1]
    upright = filters.weights[: filters.count].reshape(-1, channels, side, side)
    pooled = pool_responses(planes, upright, filters.offset[: filters.count])
    names = (
        f"{view} patch {number:02d} {sign} {way} {zone}"
        for sign in ("positive", "negative")
        for way in ("any way", "best way")
        for zone in (*ZONES, "deviation")
        for number in range(filters.count)
    )
    columns.add(np.sqrt(pooled), names)


def patch_side(patch: int, height: int, width: int) -> int:
    """Return the side of a patch, at most `patch`, that fits at several positions in an image."""
    return min(patch, max(2, min(height, width) // 2))


def draw_patches(
    images: Array, view: str, patch: int, rng: np.random.Generator
) -> tuple[Float32, int]:
    """Draw patches (30000, c·side·side) of a view from random positions of random images.

    Also returns their side: `patch`, or less if the view is too small for it.
    """
    height, width = view_size(images.shape[1:], view)
    side = patch_side(patch, height, width)
    limits = (len(images), height - side + 1, width - side + 1)
    image, row, column = (rng.integers(limit, size=_SAMPLES) for limit in limits)
    return cut_patches(images, view, side, (image, row, column)), side


def fit_filters(patches: Float32, side: int, count: int, ridge: float) -> PatchFilters:
    """Fit filters: the directions in which patches differ, in any orientation.

    The training patches (n, c·side·side) are in random order; `count` is at most n. `ridge` is
    added to the variances before whitening: smaller variances count as noise.
    """
    permutations = patch_orientations((side, side, patches.shape[1] // side**2))
    mean, whiten = _fit_whitening(patches.astype(np.float64), permutations, ridge)
    points = (patches - mean) @ whiten
    points /= np.linalg.norm(points, axis=1, keepdims=True).clip(1e-12)
    centres = points[:count].copy()
    for _ in range(_ITERATIONS):
        centres = _move_centres(centres, points, permutations)
    # (count, 8, numbers) to one orientation after the other
    weights = centres[:, permutations].swapaxes(0, 1).reshape(ORIENTATIONS * count, -1) @ whiten
    return PatchFilters(weights.astype(np.float32), (weights @ mean).astype(np.float32), side)


def _fit_whitening(
    patches: Float64, permutations: Indices, ridge: float
) -> tuple[Float64, Float64]:
    """Return the mean and the whitening matrix of all patches in all orientations."""
    mean = patches.mean(axis=0)[permutations].mean(axis=0)
    rest = patches - mean
    # An orientation permutes the numbers of a patch, so it is enough to permute the moments.
    moments = rest.T @ rest
    total = sum(moments[np.ix_(permutation, permutation)] for permutation in permutations)
    covariance = total / (len(patches) * len(permutations) - 1)
    values, vectors = np.linalg.eigh(covariance)
    return mean, (vectors / np.sqrt(values.clip(0) + ridge)) @ vectors.T


def _move_centres(centres: Float64, points: Float64, permutations: Indices) -> Float64:
    """Move each centre to the mean direction of its nearest points, each turned to fit it.

    A centre without points stays where it is.
    """
    count = len(centres)
    oriented = centres[:, permutations].reshape(count * ORIENTATIONS, -1)
    group, orientation = np.divmod((points @ oriented.T).argmax(axis=1), ORIENTATIONS)
    inverse = permutations.argsort(axis=1)
    aligned = np.take_along_axis(points, inverse[orientation], axis=1)
    total = (group == np.arange(count)[:, None]).astype(np.float64) @ aligned
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0, total / length.clip(1e-9), centres)
