"""Images that look as each diagnosis does in HAM10000, as far as checks measure it."""

import dataclasses

import numpy as np

from hmnist.arrays import Float64, Labels
from hmnist.checks.labels import LOOKS
from hmnist.dataset import LesionDataset

SIDE = 28


def paint(labels: Labels, seed: int = 0) -> LesionDataset:
    """Return photographs of one lesion each: a square on skin, two halves, a chequered grain."""
    rng = np.random.default_rng(seed)
    middle, border = (_unmix(LOOKS[labels, part]) for part in (slice(0, 3), slice(3, 6)))
    deviation, difference = LOOKS[labels, 6], LOOKS[labels, 7]
    grain = difference / 4
    images = np.repeat(border[:, None, None], SIDE, axis=1).repeat(SIDE, axis=2)
    images[:, 4:24, 4:24] += middle[:, None, None]
    halves = np.sqrt(deviation**2 - grain**2)[:, None, None, None]
    images[:, 4:24, 4:14] += halves
    images[:, 4:24, 14:24] -= halves
    chequers = (np.indices((SIDE, SIDE)).sum(axis=0) % 2 * 2 - 1)[None, :, :, None]
    images += grain[:, None, None, None] * chequers
    images += rng.normal(0, 6, (len(labels), 1, 1, 3)) + rng.normal(0, 2, images.shape)
    return LesionDataset(images.clip(0, 255).astype(np.uint8), labels, name="painted")


def paint_evenly(count: int, seed: int = 0) -> LesionDataset:
    """Return `count` images of each diagnosis."""
    return paint(np.repeat(np.arange(7), count), seed)


def relabel(data: LesionDataset, labels: Labels) -> LesionDataset:
    return dataclasses.replace(data, labels=labels)


def _unmix(opposed: Float64) -> Float64:
    """Return red, green and blue from brightness, red minus green and blue minus green."""
    brightness, redness, blueness = opposed.T
    green = brightness - (redness + blueness) / 3
    return np.column_stack([green + redness, green, green + blueness])
