"""Pixels: which numbers are taken for them, the square that a row is; weights by area; softmax."""

from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import assume, given
from hypothesis import strategies as st

from hmnist.arrays import area_weights, check_pixels, infer_shape, softmax
from hmnist.errors import UsageError


@given(side=st.integers(1, 300), channels=st.sampled_from([1, 3]))
def test_a_square_is_found(side: int, channels: int) -> None:
    assume((side, channels) not in {(50, 3), (150, 1)})
    assert infer_shape(side * side * channels) == (side, side, channels)


@pytest.mark.parametrize("count", [22500, 7500])
def test_a_square_that_may_be_the_oblong_of_photographs_is_not_guessed(count: int) -> None:
    with pytest.raises(UsageError, match="a square image or one of 75×100"):
        infer_shape(count)


@given(before=st.integers(1, 40), after=st.integers(1, 40))
def test_a_new_pixel_is_the_mean_of_what_it_covers(before: int, after: int) -> None:
    old = np.random.default_rng(before).random(before)
    # Each old pixel becomes `after` equal ones, of which whole ones are averaged.
    expected = np.repeat(old, after).reshape(after, before).mean(axis=1)
    np.testing.assert_allclose(area_weights(before, after) @ old, expected)


@given(
    count=st.integers(1, 50),
    classes=st.integers(1, 20),
    scale=st.sampled_from([0.1, 3, 800]),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_softmax_is_scipys_bit_for_bit(
    kind: type[np.floating], count: int, classes: int, scale: float, seed: int
) -> None:
    logits = np.random.default_rng(seed).normal(0, scale, (count, classes)).astype(kind)
    expected = scipy.special.softmax(logits.astype(np.float64), axis=1)
    np.testing.assert_array_equal(softmax(logits), expected)


@given(pixels=st.integers(1, 100_000))
def test_an_inferred_shape_is_a_square_of_these_pixels(pixels: int) -> None:
    root = np.sqrt([pixels, pixels / 3])
    if (root == root.round()).any():
        height, width, channels = infer_shape(pixels)
        assert height == width
        assert channels in {1, 3}
        assert height * width * channels == pixels
    else:
        with pytest.raises(UsageError, match="image_shape"):
            infer_shape(pixels)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 3), np.uint8),
        np.zeros((2, 3), np.int64),
        np.array([0, 255], np.uint16),
        np.array([[0.0, 1.5]], np.float32),
        np.array([[0, 255.0]]),
    ],
)
def test_numbers_up_to_255_are_pixels(pixels: np.ndarray) -> None:
    check_pixels(pixels)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.array([0.0, 1.0]), "floats between 0 and 1; expected 0–255.*Leave out scalers"),
        (np.zeros(2, np.float32), "floats between 0 and 0"),
        (np.array([-1, 3]), "Negative values in data: pixels from -1 on"),
        (np.array([-np.inf, 3]), "Negative values"),
        (np.array([1, 256]), "between 1 and 256"),
        (np.array([1, np.inf]), "between 1 and inf"),
        (np.array([1, np.nan]), "expected 0–255"),
        (np.array([True]), "of type bool"),
        (np.array(["a"]), "of type <U1"),
        (np.array([3], object), "of type object"),
    ],
)
def test_other_things_are_refused(pixels: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_pixels(pixels)
