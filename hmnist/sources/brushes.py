"""Structures on a lesion (clouds, a mesh, spots, lines) and the `Canvas` that they are drawn on.

Each function returns an array of shape (n, 28, 28), float32. The random numbers belong to the
lesion, so that all its images show the same structures.
"""

from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Float32, Indices
from hmnist.sources.random_numbers import normal, uniform

SIZE = 28  # height and width of an image in pixels


@dataclass(frozen=True)
class Canvas:
    """The pixels of n images in the coordinates of the lesions that they show.

    `across` and `down`, shape (n, 28, 28), are the position of each pixel on its lesion: the centre
    is 0, 0; the edges of the image are at about 1. `lesions` (n,) are the lesions of the images.
    """

    across: Float32
    down: Float32
    lesions: Indices
    seed: int

    def uniform(self, purpose: str, count: int) -> Float32:
        """Draw `count` numbers in [0, 1) for each lesion, shape (count, n, 1, 1)."""
        drawn = uniform(self.seed, purpose, self.lesions, count)
        return drawn.astype(np.float32).T[:, :, None, None]

    def normal(self, purpose: str, count: int) -> Float32:
        """Draw `count` normal numbers for each lesion, shape (count, n, 1, 1)."""
        return normal(self.seed, purpose, self.lesions, count).T[:, :, None, None]


def cloud(canvas: Canvas, purpose: str, frequency: float) -> Float32:
    """Add six waves of random directions: mean about 0, standard deviation about 1.

    `frequency` is the mean number of radians in half an image height.
    """
    waves = 6
    total = np.zeros_like(canvas.across)
    for angle, phase, pitch in zip(*np.split(canvas.uniform(purpose, 3 * waves), 3), strict=True):
        total += _wave(canvas, angle, phase, np.float32(frequency) * (0.5 + pitch))
    return total * np.float32((2 / waves) ** 0.5)


def mesh(canvas: Canvas) -> Float32:
    """Add three waves at 120 degrees, the pigment network: standard deviation about 1."""
    angle, pitch, *phases = canvas.uniform("mesh", 5)
    total = np.zeros_like(canvas.across)
    for third, phase in enumerate(phases):
        total += _wave(canvas, angle + np.float32(third / 3), phase, 20 + 10 * pitch)
    return total * np.float32((2 / 3) ** 0.5)


def spots(canvas: Canvas, purpose: str, reach: Float32, width: float) -> Float32:
    """Draw six round spots within `reach` (n, 1, 1) of the centre: 1 in their middle at most."""
    total = np.zeros_like(canvas.across)
    for distance, turn, size in zip(*np.split(canvas.uniform(purpose, 18), 3), strict=True):
        radius, angle = reach * np.sqrt(distance), 2 * np.pi * turn
        spread = np.float32(width) * (0.6 + size)
        beside = canvas.across - radius * np.cos(angle)
        below = canvas.down - radius * np.sin(angle)
        total += np.exp(-(beside * beside + below * below) / (spread * spread))
    return np.minimum(total, np.float32(1))


def lines(canvas: Canvas, purpose: str, width: float) -> Float32:
    """Draw three bent lines, 1 in their middle, 1/e at `width` from it."""
    total = np.zeros_like(canvas.across)
    for turn, offset, bend in zip(*np.split(canvas.uniform(purpose, 9), 3), strict=True):
        cosine, sine = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
        along = cosine * canvas.across + sine * canvas.down
        aside = cosine * canvas.down - sine * canvas.across
        gap = aside - 1.5 * (offset - 0.5) - (bend - 0.5) * along * along
        gap /= np.float32(width)
        total = np.maximum(total, np.exp(-np.minimum(gap * gap, np.float32(40))))
    return total


def _wave(canvas: Canvas, turn: Float32, phase: Float32, pitch: Float32) -> Float32:
    angle = 2 * np.pi * turn
    across, down = pitch * np.cos(angle), pitch * np.sin(angle)
    return np.asarray(np.cos(across * canvas.across + down * canvas.down + 2 * np.pi * phase))
