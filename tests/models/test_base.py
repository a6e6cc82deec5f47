"""The base class of models: shapes, labels, the refusal of unsuitable pixels."""

import numpy as np
import pytest

from hmnist.errors import UsageError
from hmnist.models.majority import Majority


@pytest.mark.parametrize("side", [1, 2, 5])
def test_float_pixels_are_judged_by_their_range(side: int) -> None:
    row = np.zeros((2, side))
    with pytest.raises(UsageError, match="expected 0–255"):
        Majority().fit(row, [0, 1])
    row[0, 0] = 1.5
    assert Majority().fit(row, [0, 1]).n_features_in_ == side
    assert Majority().fit(np.zeros((2, side), dtype=int), [0, 1]).n_features_in_ == side


def test_pixels_that_are_no_numbers_are_refused() -> None:
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
