"""New views of training images: the eight orientations, shifts, light, mixtures.

Arrays in, arrays out; what is random comes from the generator that is passed in.

A lesion has no top and no left: each of the eight orientations (four quarter turns, with and
without a mirror) is as good a photograph as the first.
"""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = [
    "ORIENTATIONS",
    "all_orientations",
    "mix",
    "orient",
    "orient_each",
    "relight",
    "shift_each",
    "turn_each",
]

ORIENTATIONS = 8

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

    Examples
    --------
    >>> image = np.arange(4).reshape(1, 2, 2, 1)
    >>> orient(image, 1)[0, :, :, 0]
    array([[1, 3],
           [0, 2]])
    """
    if orientation >= 4:
        images = images[:, :, ::-1]
    return np.rot90(images, orientation % 4, axes=(1, 2))


def orient_each(images: npt.NDArray[T], orientations: npt.NDArray[np.integer]) -> npt.NDArray[T]:
    """Turn each image into its own orientation.

    Parameters
    ----------
    images : numpy.ndarray, shape (n, h, w, c)
        For images that are not square only the orientations that keep the shape may occur.
    orientations : numpy.ndarray of int, shape (n,)
        0–7 for each image.

    Returns
    -------
    numpy.ndarray
        A new array of the same shape and dtype.
    """
    oriented = images.copy()
    for orientation in range(1, ORIENTATIONS):
        chosen = orientations == orientation
        if chosen.any():
            oriented[chosen] = orient(images[chosen], orientation)
    return oriented


def turn_each(images: npt.NDArray[T], rng: np.random.Generator) -> npt.NDArray[T]:
    """Turn each image into a random orientation that keeps the shape.

    Returns
    -------
    numpy.ndarray
        A new array of the same shape and dtype.
    """
    return orient_each(images, rng.choice(_kept(images), size=len(images)))


def all_orientations(images: npt.NDArray[T]) -> Iterator[npt.NDArray[T]]:
    """Yield the images in every orientation that keeps the shape: eight of squares, else four."""
    for orientation in _kept(images):
        yield orient(images, orientation)


def _kept(images: npt.NDArray[T]) -> list[int]:
    square = images.shape[1] == images.shape[2]
    return [turn for turn in range(ORIENTATIONS) if square or turn % 2 == 0]


def shift_each(images: npt.NDArray[T], pixels: int, rng: np.random.Generator) -> npt.NDArray[T]:
    """Move each image by up to `pixels` in each direction; edges are mirrored.

    Returns
    -------
    numpy.ndarray
        A new array of the same shape and dtype.
    """
    count, height, width, _ = images.shape
    margins = ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0))
    padded = np.pad(images, margins, mode="reflect" if min(height, width) > pixels else "edge")
    rows = rng.integers(2 * pixels + 1, size=(count, 1)) + np.arange(height)
    columns = rng.integers(2 * pixels + 1, size=(count, 1)) + np.arange(width)
    moved = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return np.asarray(moved)


def relight(
    images: npt.NDArray[np.generic],
    rng: np.random.Generator,
    *,
    gain: float = 0.15,
    offset: float = 8.0,
) -> npt.NDArray[np.float32]:
    """Change brightness and colour cast, as another lamp would.

    Parameters
    ----------
    images : numpy.ndarray, shape (n, h, w, c)
        Pixels 0–255.
    rng : numpy.random.Generator
        What is drawn from.
    gain : float
        Each image is multiplied by 1 ± `gain`, uniformly.
    offset : float
        Standard deviation of what is added to each channel, in grey levels.

    Returns
    -------
    numpy.ndarray of float32
        Not clipped: networks do not mind, and clipping would lose bright skin.
    """
    count, _, _, channels = images.shape
    gains = rng.uniform(1 - gain, 1 + gain, size=(count, 1, 1, 1)).astype(np.float32)
    offsets = rng.normal(0, offset, size=(count, 1, 1, channels)).astype(np.float32)
    return images.astype(np.float32) * gains + offsets


def mix(
    inputs: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float32],
    strength: float,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mix each example with another one of the batch (Zhang et al., *mixup*, ICLR 2018).

    Parameters
    ----------
    inputs : numpy.ndarray of float32, shape (n, …)
        Images or rows of features.
    targets : numpy.ndarray of float32, shape (n, k)
        Their shares of each class; mixed alike.
    strength : float
        Shares are drawn from Beta(strength, strength); the larger one stays with the example. 0
        mixes nothing.
    rng : numpy.random.Generator
        What is drawn from.

    Returns
    -------
    inputs, targets : numpy.ndarray of float32
        New arrays of the same shapes.
    """
    if not strength:
        return inputs, targets
    partner = rng.permutation(len(inputs))
    share = rng.beta(strength, strength, size=len(inputs))
    share = np.maximum(share, 1 - share).astype(np.float32)

    def blend(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        kept = share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(values * kept + values[partner] * (1 - kept))

    return blend(inputs), blend(targets)
