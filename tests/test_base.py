"""What all models share: shapes, labels, the refusal of unsuitable pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmnist.errors import UsageError
from hmnist.models.base import infer_shape
from hmnist.models.linear import Majority


@given(side=st.integers(1, 300), channels=st.sampled_from([1, 3]))
def test_a_square_is_found(side: int, channels: int) -> None:
    assert infer_shape(side * side * channels) == (side, side, channels)


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


@pytest.mark.parametrize("side", [1, 2, 5])
def test_float_pixels_are_judged_by_their_range(side: int) -> None:
    row = np.zeros((2, side))
    with pytest.raises(UsageError, match="expected 0–255"):
        Majority().fit(row, [0, 1])
    row[0, 0] = 1.5
    assert Majority().fit(row, [0, 1]).n_features_in_ == side
    assert Majority().fit(np.zeros((2, side), dtype=int), [0, 1]).n_features_in_ == side


def test_what_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        Majority().fit([[np.nan, 2.0], [3.0, 4.0]], [0, 1])
    with pytest.raises(ValueError, match="infinity"):
        Majority().fit([[np.inf, 2.0], [3.0, 4.0]], [0, 1])


def test_negative_weights_and_continuous_labels_are_refused() -> None:
    X = np.array([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        Majority().fit(X, [0, 1], sample_weight=[1, -1])
    with pytest.raises(ValueError, match="continuous"):
        Majority().fit(X, [0.5, 1.25])


def test_the_number_of_pixels_is_that_of_training() -> None:
    model = Majority().fit(np.full((2, 12), 9), [0, 1])
    with pytest.raises(ValueError, match="12 features"):
        model.predict(np.full((2, 11), 9))
    assert model.predict(np.full((2, 2, 2, 3), 9)).tolist() == [0, 0]


def test_a_stack_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match="minimum of 1"):
        Majority().fit(np.zeros((0, 2, 2, 3), np.uint8), [])
