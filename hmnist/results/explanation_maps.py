"""Maps that need nothing of a model but its predictions: occlusion and permutation.

A square of the image is replaced, and the map says how much of a probability is lost by that
(Zeiler & Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014). Squares
overlap. A pixel has the mean over the squares that cover it.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hmnist.arrays import Array, Float32, Float64, Indices, Labels, Pixels
from hmnist.features.geometry import border_mask

Predict = Callable[[Pixels, Indices], Float64]
"""From images, and the positions of the images that they were made from, to probabilities."""

SQUARES = 4
"""A square is so many times smaller than the image: 7×7 of 28×28 pixels."""

STEPS = 3
"""A square is moved by its side divided by this: by two pixels, in an image of 28×28."""

PARTNERS = 4
"""Other images whose parts each image gets by permutation."""


def occlude(images: Pixels, labels: Labels, predict: Predict) -> Float32:
    """Return the loss of probability where the image is covered with the colour of its skin.

    Parameters
    ----------
    images : numpy.ndarray of uint8, shape (n, h, w, c)
    labels : numpy.ndarray of int64, shape (n,)
        The diagnosis of each image whose probability counts.
    predict : callable
        Returns probabilities (k, 7) for images (k, h, w, c), each made from the image at its
        position.

    Returns
    -------
    numpy.ndarray of float32, shape (n, h, w)
        In probability, −1 to 1; negative where the image speaks against the diagnosis.
    """
    height, width = images.shape[1:3]
    border = images.reshape(len(images), -1, images.shape[3])[:, border_mask(height, width)]
    skin = np.median(border, axis=1).round().astype(np.uint8)
    covers = np.broadcast_to(skin[:, None, None], images.shape)
    return _measure_losses(images, covers, labels, predict)


def permute(images: Pixels, labels: Labels, predict: Predict, seed: int = 0) -> Float32:
    """Return the loss of probability where parts are exchanged for those of other images.

    The parameters and the result are those of `occlude`; there have to be two images or more. Each
    square comes from up to four other images in turn (permutation importance, by squares, since
    neighbouring pixels tell of each other).
    """
    order = np.random.default_rng(seed).permutation(len(images))
    partners = min(PARTNERS, len(images) - 1)
    losses = np.zeros(images.shape[:3], np.float32)
    for distance in range(1, partners + 1):
        other = np.empty_like(order)
        other[order] = np.roll(order, distance)
        losses += _measure_losses(images, images[other], labels, predict)
    return np.asarray(losses / np.float32(partners))


def permute_groups(
    columns: Float32,
    groups: dict[str, Indices],
    labels: Labels,
    predict: Callable[[Float32], Float64],
    seed: int = 0,
) -> dict[str, float]:
    """Return the mean loss of probability if a group of columns comes from other images.

    Parameters
    ----------
    columns : numpy.ndarray of float32, shape (n, columns)
        What a tabular model reads of the images.
    groups : dict of str to numpy.ndarray of int64
        The positions of the columns of each group.
    labels : numpy.ndarray of int64, shape (n,)
        The diagnosis of each image whose probability counts.
    predict : callable
        Returns probabilities (n, 7) for columns.

    Returns
    -------
    dict of str to float
        By group, the largest first.
    """
    rows = np.arange(len(columns))
    before = predict(columns)[rows, labels]
    order = np.random.default_rng(seed).permutation(len(columns))
    partners = min(PARTNERS, len(columns) - 1)
    losses = {}
    for group, members in groups.items():
        lost = 0.0
        for distance in range(1, partners + 1):
            changed = columns.copy()
            changed[np.ix_(order, members)] = columns[np.ix_(np.roll(order, distance), members)]
            lost += float((before - predict(changed)[rows, labels]).mean())
        losses[group] = lost / partners
    return dict(sorted(losses.items(), key=lambda item: -item[1]))


def _measure_losses(images: Pixels, covers: Array, labels: Labels, predict: Predict) -> Float32:
    height, width = images.shape[1:3]
    squares = list(_squares(height, width))
    covered = np.zeros((height, width))
    for square in squares:
        covered[square] += 1
    losses = np.zeros(images.shape[:3])
    for position, (image, cover, label) in enumerate(zip(images, covers, labels, strict=True)):
        changed = np.repeat(image[None], len(squares) + 1, axis=0)
        for number, square in enumerate(squares):
            changed[number][square] = cover[square]
        # The last one is the image as it is.
        probability = predict(changed, np.full(len(changed), position))[:, label]
        for square, lost in zip(squares, probability[-1] - probability[:-1], strict=True):
            losses[position][square] += lost
    return np.asarray(losses / covered, dtype=np.float32)


def _squares(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield the squares, as rows and columns, that cover an image several times."""
    side = max(1, round(min(height, width) / SQUARES))
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield slice(top, top + side), slice(left, left + side)


def _starts(length: int, side: int) -> Sequence[int]:
    """Return where squares start; the last one ends at the edge."""
    last = length - side
    return sorted({*range(0, last, max(1, side // STEPS)), last})
