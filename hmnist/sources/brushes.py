"""Brushes: a canvas that lies on a lesion, and what the painter strokes on it.

Every brush returns one map per image, float32 of shape (n, 28, 28), and draws its random numbers
for the lesion, so that all images of a lesion show the same strokes, each from its own side.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from hmnist.sources.chance import normal, uniform

__all__ = ["SIZE", "Canvas", "cloud", "lines", "mesh", "spots"]

SIZE = 28
"""Height and width of an image in pixels."""

Floats = npt.NDArray[np.float32]
Keys = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Canvas:
    """The pixels of n images, each in the coordinates of the lesion that it shows.

    Attributes
    ----------
    across, down : numpy.ndarray of float32, shape (n, 28, 28)
        Where each pixel lies on its lesion: the centre is 0, 0; the edges of the image are about
        1 away.
    lesions : numpy.ndarray of int, shape (n,)
        Which lesion each image shows.
    seed : int
        0 or more.
    """

    across: Floats
    down: Floats
    lesions: Keys
    seed: int

    def uniform(self, purpose: str, count: int) -> Floats:
        """Draw `count` numbers in [0, 1) for each lesion, shape (count, n, 1, 1)."""
        drawn = uniform(self.seed, purpose, self.lesions, count)
        return drawn.astype(np.float32).T[:, :, None, None]

    def normal(self, purpose: str, count: int) -> Floats:
        """Draw `count` normal numbers for each lesion, shape (count, n, 1, 1)."""
        return normal(self.seed, purpose, self.lesions, count).T[:, :, None, None]

    def take(self, chosen: npt.NDArray[np.bool_]) -> Self:
        """Return the canvas of the chosen images."""
        return type(self)(self.across[chosen], self.down[chosen], self.lesions[chosen], self.seed)


def cloud(canvas: Canvas, purpose: str, frequency: float) -> Floats:
    """Lay waves of all directions over each other.

    Parameters
    ----------
    canvas : Canvas
    purpose : str
        What the cloud is for: other purposes get other clouds.
    frequency : float
        Mean number of radians in half an image height.

    Returns
    -------
    numpy.ndarray of float32, shape (n, 28, 28)
        About 0, with a standard deviation of about 1.
    """
    waves = 6
    chance = canvas.uniform(purpose, 3 * waves)
    total = np.zeros_like(canvas.across)
    for angle, phase, pitch in zip(*np.split(chance, 3), strict=True):
        total += _wave(canvas, angle, phase, np.float32(frequency) * (0.5 + pitch))
    return total * np.float32((2 / waves) ** 0.5)


def mesh(canvas: Canvas) -> Floats:
    """Weave a honeycomb, the pigment network: three waves at 120 degrees, deviation about 1."""
    angle, pitch, *phases = canvas.uniform("mesh", 5)
    total = np.zeros_like(canvas.across)
    for third, phase in enumerate(phases):
        total += _wave(canvas, angle + np.float32(third / 3), phase, 20 + 10 * pitch)
    return total * np.float32((2 / 3) ** 0.5)


def spots(canvas: Canvas, purpose: str, reach: Floats, width: float) -> Floats:
    """Scatter six round spots within `reach` (n, 1, 1) of the centre, each at most 1 high."""
    total = np.zeros_like(canvas.across)
    for place, turn, size in zip(*np.split(canvas.uniform(purpose, 18), 3), strict=True):
        radius, angle = reach * np.sqrt(place), 2 * np.pi * turn
        spread = np.float32(width) * (0.6 + size)
        beside = canvas.across - radius * np.cos(angle)
        below = canvas.down - radius * np.sin(angle)
        total += np.exp(-(beside * beside + below * below) / (spread * spread))
    return np.minimum(total, np.float32(1))


def lines(canvas: Canvas, purpose: str, width: float) -> Floats:
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


def _wave(canvas: Canvas, turn: Floats, phase: Floats, pitch: Floats) -> Floats:
    angle = 2 * np.pi * turn
    across, down = pitch * np.cos(angle), pitch * np.sin(angle)
    wave: Floats = np.cos(across * canvas.across + down * canvas.down + 2 * np.pi * phase)
    return wave
