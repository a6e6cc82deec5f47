import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hmnist.arrays import Pixels
from hmnist.sources.resizing import resize

sides = st.integers(1, 12)


def draw(height: int, width: int, seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(sides, sides, sides, sides, st.integers(0, 99))
def test_area_is_the_mean_of_what_a_pixel_covers(
    height: int, width: int, rows: int, columns: int, seed: int
) -> None:
    pixels = draw(height, width, seed)
    found = resize(Image.fromarray(pixels), (rows, columns), "area")
    # Every old pixel becomes rows × columns equal ones, of which whole ones are averaged.
    fine = np.repeat(np.repeat(pixels.astype(float), rows, axis=0), columns, axis=1)
    expected = fine.reshape(rows, height, columns, width, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(found, expected, atol=0.5 + 1e-9)


@given(sides, sides, sides, sides, st.integers(0, 99))
def test_linear_looks_at_four_pixels(
    height: int, width: int, rows: int, columns: int, seed: int
) -> None:
    pixels = draw(height, width, seed)
    found = resize(Image.fromarray(pixels), (rows, columns), "linear")
    for row in range(rows):
        for column in range(columns):
            y = min(max((row + 0.5) * height / rows - 0.5, 0), height - 1)
            x = min(max((column + 0.5) * width / columns - 0.5, 0), width - 1)
            top, left = int(y), int(x)
            bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
            above = pixels[top, left] * (left + 1 - x) + pixels[top, right] * (x - left)
            below = pixels[bottom, left] * (left + 1 - x) + pixels[bottom, right] * (x - left)
            expected = above * (top + 1 - y) + below * (y - top)
            np.testing.assert_allclose(found[row, column], expected, atol=0.5 + 1e-9)


@pytest.mark.parametrize("size", [(28, 28), (7, 9)])
def test_lanczos_is_pillows(size: tuple[int, int]) -> None:
    photograph = Image.fromarray(draw(45, 60, 0))
    expected = photograph.resize(size[::-1], Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(resize(photograph, size, "lanczos"), np.asarray(expected))
