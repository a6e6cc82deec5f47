"""Values and their names stay together."""

import numpy as np
import pytest

from hmnist.features.columns import Columns


def test_groups_stand_side_by_side() -> None:
    columns = Columns(rows=2)
    columns.add(np.array([1, 2]), ["first"])
    columns.add(np.arange(12.0).reshape(2, 3, 2), "abcdef")
    assert columns.names == ["first", *"abcdef"]
    assert columns.table().dtype == np.float32
    assert columns.table().tolist() == [[1, 0, 1, 2, 3, 4, 5], [2, 6, 7, 8, 9, 10, 11]]


def test_a_name_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="2 columns came with 1 names"):
        Columns(rows=1).add(np.zeros((1, 2)), ["only"])
