"""Whitened pieces of training images as filters, in all eight orientations.

Small patches are whitened, so that fine structure weighs as much as the slow change of brightness
that fills most of a patch, and grouped by spherical k-means. The group centres are the filters. A
filter's positive and negative responses are kept apart and averaged over the picture: the
single-layer network of Coates, Ng and Lee (2011, "An Analysis of Single-Layer Networks in
Unsupervised Feature Learning") with the soft threshold of Coates and Ng (2011, "The Importance of
Encoding Versus Training with Sparse Coding and Vector Quantization") and the k-means of Coates and
Ng (2012, "Learning Feature Representations with K-means"). Its threshold is zero, which did better
than theirs on 28×28 pixels.

A lesion has no top and no left: a training patch may be turned to meet its centre, and every filter
is applied in all eight orientations, so turning a picture leaves its columns as they are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.augmentation import ORIENTATIONS
from hmnist.features.columns import Columns, Floats
from hmnist.features.geometry import ZONES, patch_turns, zone_weights
from hmnist.features.views import picture_chunks, view_size

__all__ = ["PatchFilters", "add_patches", "draw_patches", "fit_filters", "patch_side"]

Doubles = npt.NDArray[np.float64]

_SAMPLES = 30_000
"""Patches drawn for fitting: some 300 for each number of a 6×6 patch in colour."""

_ROUNDS = 5
"""Rounds of k-means; the centres hardly move afterwards."""

_BATCH_RESPONSES = 4 * 23 * 23 * 8 * 32
"""Responses held at once: those of four 28×28 pictures to 8 × 32 filters, about what a core's
cache holds."""


@dataclass(frozen=True, eq=False)
class PatchFilters:
    """Filters for one view.

    Attributes
    ----------
    weights : numpy.ndarray of float32, shape (8·count, c·side·side)
        The filters on flattened patches (channels first), all in the first orientation, then all
        in the second, and so on. Whitening is folded in.
    offset : numpy.ndarray of float32, shape (8·count,)
        Their responses to the mean patch, which are taken off.
    side : int
        Height and width of a patch.
    """

    weights: Floats
    offset: Floats
    side: int

    @property
    def count(self) -> int:
        """The number of filters, orientations aside."""
        return len(self.weights) // ORIENTATIONS


def add_patches(columns: Columns, pictures: Floats, filters: PatchFilters, view: str) -> None:
    """Add how strongly a view answers to its filters.

    ``<view> patch 07 positive any way rim`` is the square root of the mean positive response to
    filter 7 in the rim, over all orientations; ``best way`` takes the strongest orientation at
    each place. ``deviation`` stands for the square root of the standard deviation over the image.
    The square roots (Hellinger's transformation) calm the few pictures that answer very strongly.

    Parameters
    ----------
    columns : Columns
        What they are added to: 20 for each filter.
    pictures : numpy.ndarray of float32, shape (n, c, h, w)
        The view.
    filters : PatchFilters
        What `fit_filters` found for it.
    view : str
        Its name.
    """
    height, width = (side - filters.side + 1 for side in pictures.shape[2:])
    batch = max(1, _BATCH_RESPONSES // (height * width * len(filters.weights)))
    zones = zone_weights(height, width)
    batches = [
        _pool(_respond(pictures[start : start + batch], filters), zones)
        for start in range(0, len(pictures), batch)
    ]
    names = (
        f"{view} patch {number:02d} {sign} {way} {zone}"
        for sign in ("positive", "negative")
        for way in ("any way", "best way")
        for zone in (*ZONES, "deviation")
        for number in range(filters.count)
    )
    columns.add(np.concatenate(batches), names)


def patch_side(patch: int, height: int, width: int) -> int:
    """Return the side of a patch that leaves a picture of this size several places for it.

    Examples
    --------
    >>> patch_side(6, 28, 28), patch_side(6, 8, 8), patch_side(6, 4, 4)
    (6, 4, 2)
    """
    return min(patch, max(2, min(height, width) // 2))


def draw_patches(
    images: npt.NDArray[Any], view: str, patch: int, rng: np.random.Generator
) -> tuple[Floats, int]:
    """Draw patches of a view from random places of random images.

    Parameters
    ----------
    images : numpy.ndarray, shape (n, h, w, c)
        Pixels 0–255.
    view : str
        Which view of them.
    patch : int
        The side of a patch, if the view is large enough for it.
    rng : numpy.random.Generator
        What is drawn from.

    Returns
    -------
    patches : numpy.ndarray of float32, shape (30000, c·side·side)
        Flattened channels first.
    side : int
        Their height and width.
    """
    channels = images.shape[3]
    height, width = view_size(images.shape[1], images.shape[2], view)
    side = patch_side(patch, height, width)
    limits = (len(images), height - side + 1, width - side + 1)
    image, row, column = (rng.integers(limit, size=_SAMPLES) for limit in limits)
    patches = np.empty((_SAMPLES, channels, side, side), dtype=np.float32)
    for start, pictures in picture_chunks(images, view):
        windows = np.lib.stride_tricks.sliding_window_view(pictures, (side, side), (2, 3))
        here = np.flatnonzero((image >= start) & (image < start + len(pictures)))
        patches[here] = windows[image[here] - start, :, row[here], column[here]]
    return patches.reshape(_SAMPLES, -1), side


def fit_filters(patches: Floats, side: int, count: int, ridge: float) -> PatchFilters:
    """Find the directions in which patches differ, whichever way they are turned.

    Parameters
    ----------
    patches : numpy.ndarray of float32, shape (n, c·side·side)
        Training patches in random order, flattened channels first.
    side : int
        Their height and width.
    count : int
        How many filters; at most n.
    ridge : float
        Added to the variances before whitening: what is weaker counts as noise.

    Returns
    -------
    PatchFilters
        `count` filters in eight orientations each.
    """
    turns = patch_turns((side, side, patches.shape[1] // side**2))
    mean, whiten = _fit_whitening(patches.astype(np.float64), turns, ridge)
    points = (patches - mean) @ whiten
    points /= np.linalg.norm(points, axis=1, keepdims=True).clip(1e-12)
    centres = points[:count].copy()
    for _ in range(_ROUNDS):
        centres = _move_centres(centres, points, turns)
    # (count, 8, numbers) to one orientation after the other
    ways = centres[:, turns].swapaxes(0, 1).reshape(ORIENTATIONS * count, -1)
    weights = ways @ whiten
    return PatchFilters(weights.astype(np.float32), (weights @ mean).astype(np.float32), side)


def _fit_whitening(
    patches: Doubles, turns: npt.NDArray[np.intp], ridge: float
) -> tuple[Doubles, Doubles]:
    """Return the mean and the whitening matrix of all patches in all orientations."""
    mean = patches.mean(axis=0)[turns].mean(axis=0)
    rest = patches - mean
    # Turning a patch permutes its numbers, so the moments can be turned instead of the patches.
    moments = rest.T @ rest
    turned = sum(moments[np.ix_(turn, turn)] for turn in turns)
    covariance = turned / (len(patches) * len(turns) - 1)
    value, vector = np.linalg.eigh(covariance)
    return mean, (vector / np.sqrt(value.clip(0) + ridge)) @ vector.T


def _move_centres(centres: Doubles, points: Doubles, turns: npt.NDArray[np.intp]) -> Doubles:
    """Move each centre to the mean direction of the points nearest to it, each turned to meet it.

    A centre that no point is near stays where it is.
    """
    count = len(centres)
    ways = centres[:, turns].reshape(count * ORIENTATIONS, -1)
    group, way = np.divmod((points @ ways.T).argmax(axis=1), ORIENTATIONS)
    back = turns.argsort(axis=1)
    aligned = np.take_along_axis(points, back[way], axis=1)
    total = (group == np.arange(count)[:, None]).astype(np.float64) @ aligned
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0, total / length.clip(1e-9), centres)


def _respond(pictures: Floats, filters: PatchFilters) -> Floats:
    """Return the responses at every place: shape (n, 8, count, places)."""
    side = filters.side
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (side, side), (2, 3))
    numbers = filters.weights.shape[1]
    patches = windows.transpose(0, 1, 4, 5, 2, 3).reshape(len(pictures), numbers, -1)
    # One product per picture: its size, and so its rounding, does not depend on the batch.
    responses = np.matmul(filters.weights, patches)
    responses -= filters.offset[:, None]
    return np.asarray(responses.reshape(len(pictures), ORIENTATIONS, filters.count, -1))


def _pool(responses: Floats, zones: Floats) -> Floats:
    """Return square roots: sign × way (any, best) × (zones, deviation) × filters."""
    positive = np.maximum(responses, 0)
    negative = np.subtract(positive, responses, out=responses)
    columns: list[Floats] = []
    for part in (positive, negative):
        squares = np.vecdot(part, part).mean(axis=1)
        columns += _mean_and_deviation(part.mean(axis=1), squares, zones)
        best = part.max(axis=1)
        columns += _mean_and_deviation(best, np.vecdot(best, best), zones)
    return np.sqrt(np.concatenate(columns, axis=1))


def _mean_and_deviation(part: Floats, squares: Floats, zones: Floats) -> tuple[Floats, Floats]:
    means = np.matmul(part, zones.T)
    variance = squares / part.shape[2] - means[:, :, 0] ** 2
    flat = means.swapaxes(1, 2).reshape(len(part), -1)
    return flat, np.sqrt(variance.clip(0))
