"""Pixels that are accepted as images, and others that are refused."""

import numpy as np
import pytest

from hmnist.errors import UsageError
from hmnist.features.pixels import as_images


@pytest.mark.parametrize("shape", [(28, 28, 3), (28, 28, 1), (8, 8, 3), (8, 8, 1), (32, 32, 3)])
def test_squares_are_inferred_from_rows(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    np.testing.assert_array_equal(as_images(images.reshape(2, -1), None), images)
    assert as_images(images, None) is not None
    assert as_images(images, shape).shape == images.shape


def test_other_shapes_are_named() -> None:
    assert as_images(np.zeros((1, 7500 * 3), np.uint8), (75, 100, 3)).shape == (1, 75, 100, 3)


@pytest.mark.parametrize(
    ("pixels", "shape", "message"),
    [
        (np.zeros((2, 50), np.uint8), None, "not a square image"),
        (np.zeros((2, 192), np.uint8), (8, 8, 1), "not images of 8×8×1"),
        (np.zeros((2, 8, 6, 1), np.uint8), (6, 8, 1), "not images of 6×8×1"),
        (np.zeros((2, 5, 8, 1), np.uint8), None, "at least 6×6"),
        (np.zeros((2, 8, 8, 4), np.uint8), None, "one or three channels"),
        (np.zeros((2, 8, 8), np.uint8), None, "shape"),
        (np.zeros((0, 192), np.uint8), None, "at least one"),
        (np.full((2, 192), 0.5), None, "floats between 0.5 and 0.5"),
        (np.full((2, 192), -1), None, "pixels from -1 on"),
        (np.full((2, 192), 256.0), None, "expected 0–255"),
        (np.full((2, 192), np.nan), None, "expected 0–255"),
        (np.full((2, 192), "a"), None, "of type"),
    ],
)
def test_other_pixels_are_refused(
    pixels: np.ndarray, shape: tuple[int, int, int] | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        as_images(pixels, shape)
