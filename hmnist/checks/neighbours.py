"""`find_near_pairs`: images that show the same, also turned, mirrored, brightened or resampled.

Images are reduced to about 14×14 pixels, the mean of each channel is taken off, and the contrast is
set to one. Then they are projected onto their principal components, and each component is divided
by its standard deviation: what all images have in common (a dark spot on skin) counts no more than
what few have. The likeness of two images is the cosine of their angle, the largest of all
orientations of one of them.
"""

from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Booleans, Float32, Float64, Indices, Pixels
from hmnist.augmentation import all_orientations, orient, orientations_of
from hmnist.features.views import make_view, to_planes, view_halvings
from hmnist.large_arrays import release

NEAR = 0.9
"""From this likeness on, two images are near. Measured on 7,057 images of HAM10000 at 28×28: of an
image's likenesses to other lesions the largest was .51 (median) and .87 (99.9 %). That to a copy of
itself was .96 or more (99 % of the copies) if this was turned, mirrored, darkened to 70 %, changed
by 4 levels, or resampled over 20×20; .91 over 14×14; .92 (90 %) if brightened by 15 % and cut off
at white. Of two photographs of one lesion, 5 % were that alike: those cut from one photograph."""

NEAR_IF_SMALL = 0.95
"""The same for images smaller than 28×28. At 8×8 to 14×14, 1 to 2 pairs of lesions of HAM10000 have
a likeness of .92 or more, and none .95; turned copies have 1, 99 % of those changed by a level .97.
Copies resampled to fewer pixels are not told from other lesions."""

COMPONENTS = 128
"""Principal components; half as many told copies from other lesions less well (.91 against .87)."""

_SMALL_SIDE = 28  # smaller images are not reduced
_FITTED = 1000  # images whose orientations the components are computed from
_BLOCK = 512  # images whose likenesses to all others are held in memory
_MOST_NEAR = 8  # pairs that are kept of each image: a lesion has up to six images in HAM10000


@dataclass(frozen=True, eq=False)
class NearPairs:
    """Pairs of images that are alike, the most alike first.

    Attributes
    ----------
    first, second : numpy.ndarray of int64, shape (k,)
        Positions of the images; the first is the smaller.
    likeness : numpy.ndarray of float64, shape (k,)
        Up to 1.
    orientation : numpy.ndarray of int64, shape (k,)
        That in which the first image is most like the second, 0–7 (`hmnist.augmentation.orient`).
    limit : float
        The likeness from which images of this size are near.
    """

    first: Indices
    second: Indices
    likeness: Float64
    orientation: Indices
    limit: float

    @property
    def are_near(self) -> Booleans:
        """Which pairs are near: bool, shape (k,)."""
        return np.asarray(self.likeness >= self.limit)


def find_near_pairs(images: Pixels, least: float) -> NearPairs:
    """Return the pairs of images with a likeness of at least `least`.

    Of more than 8 images that are near one image, the 8 most alike are kept. The time grows with
    the square of the number of images: 10,000 take seconds.

    Parameters
    ----------
    images : numpy.ndarray of uint8, shape (n, h, w, c)
        All different, each with `LEAST_NUMBERS` values or more (`hmnist.checks.pictures`).

    Examples
    --------
    >>> images = np.random.default_rng(0).integers(80, 200, (60, 14, 14, 3), dtype=np.uint8)
    >>> turned = np.rot90(images[:1], axes=(1, 2)) + np.uint8(20)
    >>> pairs = find_near_pairs(np.concatenate([images, turned]), NEAR)
    >>> pairs.first.tolist(), pairs.second.tolist()
    ([0], [60])
    """
    planes = _normalise(images)
    basis = _find_components(planes)
    reference = _project(planes, basis)
    orientations = orientations_of(planes)
    turned = [_project(orient(planes, number), basis) for number in orientations]
    found = [np.empty((3, 0))]
    for start in range(0, len(images), _BLOCK):
        part = slice(start, start + _BLOCK)
        likeness = turned[0][part] @ reference[start:].T
        for codes in turned[1:]:
            np.maximum(likeness, codes[part] @ reference[start:].T, out=likeness)
        for row in np.flatnonzero((likeness >= least).sum(axis=1) > 1):  # one is itself
            others = row + 1 + np.flatnonzero(likeness[row, row + 1 :] >= least)
            best = others[np.argsort(-likeness[row, others])][:_MOST_NEAR]
            found.append(
                np.array([np.full(len(best), start + row), start + best, likeness[row, best]])
            )
    first, second, values = np.concatenate(found, axis=1)
    order = np.argsort(-values, kind="stable")
    first, second = first[order].astype(np.int64), second[order].astype(np.int64)
    alike = np.stack([(codes[first] * reference[second]).sum(axis=1) for codes in turned])
    return NearPairs(
        first,
        second,
        values[order].clip(max=1),
        np.array(orientations)[alike.argmax(axis=0)],
        NEAR if min(images.shape[1:3]) >= _SMALL_SIDE else NEAR_IF_SMALL,
    )


def _normalise(images: Pixels) -> Float32:
    """Return reduced images (n, h, w, c) without mean colour and with a contrast of one."""
    names = view_halvings(images.shape[1:])
    view = "half" if min(images.shape[1:3]) >= _SMALL_SIDE else next(iter(names))
    reduced = []
    for start in range(0, len(images), _BLOCK):
        reduced.append(make_view(to_planes(images[start : start + _BLOCK]), view))
        release(images)
    planes = np.concatenate(reduced).transpose(0, 2, 3, 1)
    planes = planes - planes.mean(axis=(1, 2), keepdims=True)
    contrast = np.sqrt((planes**2).mean(axis=(1, 2, 3), keepdims=True))
    return np.asarray(planes / (contrast + 1 / 255))  # one level: an even image has no structure


def _find_components(planes: Float32) -> Float32:
    """Return the matrix (h·w·c, k) that projects onto components and divides by deviations."""
    some = planes[:: -(-len(planes) // _FITTED)]
    rows = np.concatenate([each.reshape(len(each), -1) for each in all_orientations(some)])
    variances, components = np.linalg.eigh(rows.T @ rows / len(rows))
    count = min(COMPONENTS, rows.shape[1] // 2)
    deviations = np.sqrt(variances[-count:].clip(1e-9))
    return np.asarray(components[:, -count:] / deviations, dtype=np.float32)


def _project(planes: Float32, basis: Float32) -> Float32:
    codes = planes.reshape(len(planes), -1) @ basis
    return np.asarray(codes / np.linalg.norm(codes, axis=1, keepdims=True).clip(1e-9))
