from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.sources.sample import load_sample
from hmnist.splits.folds import split_folds
from tests.splits.test_split import (
    data_sets,
    lesion_lists,
    make,
    part_of_image,
    part_of_row,
    parts_of_lesions,
    quick,
    seeds,
    without_lesions,
)


@quick
@given(data_sets, st.integers(2, 6), seeds)
def test_each_image_is_tested_once_and_no_lesion_is_cut(
    data: LesionDataset, folds: int, seed: int
) -> None:
    splits = split_folds(data, folds, seed)
    assert [(each.fold, each.folds, each.seed) for each in splits] == [
        (fold, folds, seed) for fold in range(folds)
    ]
    tested = np.concatenate([each.test_indices for each in splits])
    assert sorted(tested.tolist()) == list(range(len(data)))
    for each in splits:
        part_of_row(each)
        assert all(len(names) == 1 for names in parts_of_lesions(each).values())
        assert each.kind == "lesion"


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_folds_of_the_sample_have_one_size_and_a_tenth_validates(folds: int) -> None:
    data = load_sample(rows=1500)
    counts = np.bincount(data.labels, minlength=7)
    for each in split_folds(data, folds, seed=1):
        assert abs(each.sizes["test"] - len(data) / folds) <= 15
        assert abs(each.sizes["validation"] - len(data) / 10) <= 15
        tested = np.bincount(data.labels[each.test_indices], minlength=7)
        assert np.abs(tested - counts / folds).max() <= 6


def test_an_integer_of_numpy_makes_the_same_folds(sample: LesionDataset) -> None:
    three: Any = np.int64(3)
    of_numpy = split_folds(sample, three)
    assert [each.digest for each in of_numpy] == [each.digest for each in split_folds(sample, 3)]
    assert {type(each.folds) for each in of_numpy} == {int}


def test_few_lesions_are_spread_over_all_folds() -> None:
    # One lesion of each of five diagnoses: each diagnosis begins with the fold that has least.
    splits = split_folds(make([(label, 1) for label in range(5)]), 5)
    assert [each.sizes["test"] for each in splits] == [1] * 5
    sizes = [each.sizes["test"] for each in split_folds(load_sample(rows=42), 5)]
    assert max(sizes) - min(sizes) <= 6


@pytest.mark.parametrize("folds", [-1, 0, 1, 31, 2.5])
def test_folds_that_cannot_be_made(folds: int) -> None:
    with pytest.raises(UsageError, match=f"{folds} folds cannot be made of 30 lesions") as caught:
        split_folds(make([(4, 2)] * 30), folds)
    assert "Ask for 2 to 30" in caught.value.hint


@quick
@given(lesion_lists, seeds, st.integers(0, 9))
def test_ids_count_and_the_order_of_rows_does_not(
    lesions: list[tuple[int, int]], seed: int, order: int
) -> None:
    data, shuffled = make(lesions, order), make(lesions, order + 1)
    for fold, same in zip(split_folds(data, 3, seed), split_folds(shuffled, 3, seed), strict=True):
        assert part_of_image(fold) == part_of_image(same)


def test_unknown_lesions_have_no_folds() -> None:
    with pytest.raises(UsageError, match=r"pixels\.csv cannot be split by lesion") as caught:
        split_folds(without_lesions(make([(4, 2)] * 30)), 5)
    assert "HAM10000_metadata.csv" in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("seed", [-1, -(2**40), 1.5, "0"])
def test_a_seed_that_is_none_is_refused(seed: int) -> None:
    with pytest.raises(UsageError, match="seed is a whole number from 0"):
        split_folds(make([(4, 2)] * 30), seed=seed)
