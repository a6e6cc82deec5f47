"""Misspelt keywords of the functions that forward settings, and data that are not loaded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hmnist
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError

FORWARDING = [hmnist.train, hmnist.benchmark, hmnist.tune]


@pytest.mark.parametrize("function", FORWARDING)
@pytest.mark.parametrize(
    ("keyword", "meant"), [("oversampel", "oversample"), ("efort", "effort"), ("outt", "out")]
)
def test_a_misspelt_keyword_is_named_with_the_right_one(
    function: Callable[..., Any], keyword: str, meant: str, sample: LesionDataset
) -> None:
    with pytest.raises(UsageError, match=f"takes no keyword '{keyword}'") as caught:
        function(sample, "majority", **{keyword: "none"})
    assert f"hmnist.{function.__name__}" in caught.value.message
    assert caught.value.hint.startswith(f"Did you mean {meant}")


@pytest.mark.parametrize("function", [*FORWARDING, hmnist.split, hmnist.split_folds, hmnist.check])
@pytest.mark.parametrize("data", ["x.csv", Path("x.csv")], ids=["text", "path"])
def test_data_that_are_not_loaded_are_refused(function: Callable[..., Any], data: Any) -> None:
    model = {"model": "logistic"} if function in {hmnist.train, hmnist.tune} else {}
    with pytest.raises(UsageError) as caught:
        function(data, **model)
    assert caught.value.hint == "Load it first: hmnist.load('x.csv')"


def test_what_is_no_data_set_is_named_by_its_type() -> None:
    with pytest.raises(UsageError, match="The data are a ndarray; expected a LesionDataset"):
        hmnist.split(np.zeros((2, 28, 28, 3), np.uint8))  # type: ignore[arg-type]  # it is refused
