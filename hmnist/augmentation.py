"""Augmented training images: the eight orientations, shifts, distortions, brightness, mixup.

Arrays in, arrays out; random draws use the generator `rng`.

A lesion has no top and no left: each of the eight orientations (four quarter turns, with and
without a mirror) is as good a photograph as the first.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hmnist.arrays import USUAL_SIDE, Float32
from hmnist.errors import UsageError

ORIENTATIONS = 8

TRANSPOSED = 5
"""The orientation that exchanges rows and columns."""

T = TypeVar("T", bound=np.generic)


def orient(images: npt.NDArray[T], orientation: int) -> npt.NDArray[T]:
    """Turn images by quarter turns and mirror them: one of the eight orientations.

    Parameters
    ----------
    images : numpy.ndarray, shape (n, h, w, c)
        Images of any dtype; quarter turns of images that are not square swap height and width.
    orientation : int
        0–7. 0 leaves the images as they are; 0–3 are quarter turns counter-clockwise, 4–7 the same
        after a left–right mirror.

    Returns
    -------
    numpy.ndarray
        A view, no copy.

    Raises
    ------
    UsageError
        If there is no such orientation, or one image is given instead of several.

    Examples
    --------
    >>> image = np.arange(4).reshape(1, 2, 2, 1)
    >>> orient(image, 1)[0, :, :, 0]
    array([[1, 3],
           [0, 2]])
    """
    if images.ndim != 4:
        raise UsageError(
            f"Images of shape {images.shape} were given; expected (n, height, width, channels).",
            "Of one image: image[None].",
        )
    if orientation not in range(ORIENTATIONS):
        raise UsageError(
            f"The orientation is {orientation}; expected a whole number from 0 to "
            f"{ORIENTATIONS - 1}."
        )
    if orientation >= 4:
        images = images[:, :, ::-1]
    return np.rot90(images, orientation % 4, axes=(1, 2))


def orient_each(images: npt.NDArray[T], orientations: npt.NDArray[np.integer]) -> npt.NDArray[T]:
    """Return a copy of the images, each in its own orientation, 0–7.

    For images that are not square only the orientations that keep the shape may occur.
    """
    oriented = images.copy()
    for orientation in range(1, ORIENTATIONS):
        chosen = orientations == orientation
        if chosen.any():
            oriented[chosen] = orient(images[chosen], orientation)
    return oriented


def orient_randomly(images: npt.NDArray[T], rng: np.random.Generator) -> npt.NDArray[T]:
    """Return a copy of the images, each in a random orientation that keeps the shape."""
    return orient_each(images, rng.choice(orientations_of(images), size=len(images)))


def all_orientations(images: npt.NDArray[T]) -> Iterator[npt.NDArray[T]]:
    """Yield the images in every orientation that keeps the shape: eight of squares, else four."""
    for orientation in orientations_of(images):
        yield orient(images, orientation)


def orientations_of(images: npt.NDArray[T]) -> list[int]:
    """Return the orientations that keep the shape of the images."""
    is_square = images.shape[1] == images.shape[2]
    return [number for number in range(ORIENTATIONS) if is_square or number % 2 == 0]


def shift_randomly(images: npt.NDArray[T], pixels: int, rng: np.random.Generator) -> npt.NDArray[T]:
    """Return a copy of the images, each moved by up to `pixels` in each direction.

    Edges are mirrored; those of images that are smaller than the shift are repeated.
    """
    count, height, width, _ = images.shape
    margins = ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0))
    padded = np.pad(images, margins, mode="reflect" if min(height, width) > pixels else "edge")
    rows = rng.integers(2 * pixels + 1, size=(count, 1)) + np.arange(height)
    columns = rng.integers(2 * pixels + 1, size=(count, 1)) + np.arange(width)
    moved = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return np.asarray(moved)


def distort_randomly(
    images: npt.NDArray[np.uint8], rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return a copy of the images, each rotated, shifted, zoomed and mirrored at random.

    Rotations are by any angle, shifts by up to a tenth of height and width, zooms by up to a tenth
    in each direction, mirrors left–right and up–down. Pixels are interpolated linearly; beyond the
    edge, those of the edge are repeated.
    """
    from scipy.ndimage import affine_transform

    count, height, width, _ = images.shape
    centre = np.array([height - 1, width - 1]) / 2
    angles = rng.uniform(-math.pi, math.pi, (count,))
    zooms = rng.uniform(0.9, 1.1, (count, 2)) * rng.choice([-1, 1], (count, 2))
    shifts = rng.uniform(-0.1, 0.1, (count, 2)) * [height, width]
    distorted = np.empty_like(images)
    matrix = np.eye(3)
    for number, image in enumerate(images):
        sine, cosine = math.sin(angles[number]), math.cos(angles[number])
        matrix[:2, :2] = np.array([[cosine, sine], [-sine, cosine]]) * zooms[number]
        offset = centre - matrix[:2, :2] @ (centre + shifts[number])
        moved = affine_transform(
            image.astype(np.float32), matrix, (*offset, 0), order=1, mode="nearest"
        )
        distorted[number] = np.rint(moved)
    return distorted


def jitter_brightness(
    images: npt.NDArray[np.generic],
    rng: np.random.Generator,
    *,
    gain: float = 0.15,
    offset: float = 8.0,
) -> Float32:
    """Change brightness and colour cast of pixels 0–255 at random, as another lamp would.

    Each image is multiplied by 1 ± `gain`, uniformly; to each channel a number is added whose
    standard deviation is `offset`, in grey levels. Clipping would lose bright skin, so nothing is
    clipped.
    """
    count, _, _, channels = images.shape
    gains = rng.uniform(1 - gain, 1 + gain, size=(count, 1, 1, 1)).astype(np.float32)
    offsets = rng.normal(0, offset, size=(count, 1, 1, channels)).astype(np.float32)
    return images.astype(np.float32) * gains + offsets


def view_anew(images: npt.NDArray[T], rng: np.random.Generator, *, shift: int) -> Float32:
    """Return images (n, h, w, c) of 0–255 in random orientations, shifted, and in another light.

    They are shifted by up to `shift` pixels of 28 in each direction.
    """
    pixels = round(shift * min(images.shape[1:3]) / USUAL_SIDE)
    return jitter_brightness(shift_randomly(orient_randomly(images, rng), pixels, rng), rng)


def mixup(arrays: Sequence[Float32], strength: float, rng: np.random.Generator) -> list[Float32]:
    """Mix each example with another example of the batch (Zhang et al., *mixup*, ICLR 2018).

    The arrays, shape (n, …), are what is known of the same examples, and are mixed in the same way:
    images or rows of features, shares of each class, patient data. Shares are drawn from
    Beta(strength, strength); the larger one stays with the example. A strength of 0 mixes nothing.
    """
    if not strength:
        return list(arrays)
    count = len(arrays[0])
    partner = rng.permutation(count)
    share = rng.beta(strength, strength, size=count)
    share = np.maximum(share, 1 - share).astype(np.float32)

    def blend(values: Float32) -> Float32:
        kept = share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(values * kept + values[partner] * (1 - kept))

    return [blend(values) for values in arrays]
