from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.dataset import PARTS, LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.sources.sample import load_sample
from hmnist.splits.split import FRACTIONS, Split, split

quick = settings(max_examples=25, deadline=None)

seeds = st.integers(0, 2**32)


def make(lesions: list[tuple[int, int]], order: int = 0) -> LesionDataset:
    """Return lesions, each with its diagnosis and number of images; their rows in random order."""
    lesion_of_row = np.repeat(np.arange(len(lesions)), [size for _, size in lesions])
    rows = np.random.default_rng(order).permutation(len(lesion_of_row))
    lesion_ids = np.array([f"L_{lesion * 37 % 101:03d}" for lesion in lesion_of_row[rows]])
    return LesionDataset(
        np.zeros((len(rows), 1, 1, 1), np.uint8),
        np.array([lesions[lesion][0] for lesion in lesion_of_row[rows]]),
        lesion_ids,
        pd.DataFrame({"lesion_id": lesion_ids, "image_id": [f"I_{row:04d}" for row in rows]}),
        name="lesions.csv",
    )


lesion_lists = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=30, max_size=100)

data_sets = st.builds(make, lesion_lists, st.integers(0, 9))


def without_lesions(data: LesionDataset) -> LesionDataset:
    return LesionDataset(data.images, data.labels, name="pixels.csv")


def part_of_row(on: Split) -> list[str]:
    """Return the part of each image; it fails if an image is in two parts or in none."""
    part = [""] * len(on.data)
    for name, rows in on.indices.items():
        for row in rows:
            assert part[row] == ""
            part[row] = name
    assert "" not in part
    return part


def part_of_image(on: Split) -> dict[str, str]:
    assert on.data.image_ids is not None
    return dict(zip(on.data.image_ids.tolist(), part_of_row(on), strict=True))


def parts_of_lesions(on: Split) -> dict[str, set[str]]:
    """Return the parts in which each lesion stands, counted row by row."""
    parts = defaultdict(set)
    assert on.data.lesion_ids is not None
    for name, rows in on.indices.items():
        for row in rows:
            parts[str(on.data.lesion_ids[row])].add(name)
    return dict(parts)


# By lesion


@quick
@given(data_sets, seeds)
def test_lesions_stay_whole_and_each_image_is_in_one_part(data: LesionDataset, seed: int) -> None:
    parts = split(data, "lesion", seed)
    part_of_row(parts)
    assert all(len(names) == 1 for names in parts_of_lesions(parts).values())
    assert parts.shared_lesions == parts.shared_test_images == 0
    assert sum(parts.sizes.values()) == len(data)
    for rows in parts.indices.values():
        assert rows.dtype == np.int64
        assert all(first < second for first, second in pairwise(rows.tolist()))


@quick
@given(data_sets, seeds)
def test_shares_are_kept_for_each_diagnosis(data: LesionDataset, seed: int) -> None:
    parts = split(data, "lesion", seed)
    for label in np.unique(data.labels):
        count = int((data.labels == label).sum())
        for name, share in zip(PARTS, FRACTIONS, strict=True):
            held = int((data.labels[parts.indices[name]] == label).sum())
            # A lesion goes to a part that has not too much: so a part is never more than one lesion
            # (6 images) above its share. What one part lacks, the two others have too much.
            assert -12 < held - share * count < 6


def test_parts_have_equal_shares_of_large_lesions() -> None:
    """What the test part shows has to be like what the training part shows."""
    data, drawn = load_sample(), {name: [0, 0] for name in PARTS}
    assert data.lesion_ids is not None
    _, lesion, sizes = np.unique(data.lesion_ids, return_inverse=True, return_counts=True)
    is_large = sizes[lesion] > 1
    for seed in range(20):
        for name, rows in split(data, "lesion", seed).indices.items():
            drawn[name][0] += int(is_large[rows].sum())
            drawn[name][1] += len(rows)
    # Two standard deviations of the smallest part are .03.
    for large, images in drawn.values():
        assert large / images == pytest.approx(is_large.mean(), abs=0.03)


@pytest.mark.parametrize("by", ["lesion", "image"])
def test_shares_of_the_sample(by: str) -> None:
    data = load_sample()
    parts = split(data, by, seed=3)
    for name, share in zip(PARTS, FRACTIONS, strict=True):
        labels = data.labels[parts.indices[name]]
        assert abs(len(labels) / len(data) - share) < 0.01
        for label in range(len(CODES)):
            count = int((data.labels == label).sum())
            assert abs(int((labels == label).sum()) - share * count) < 4


@quick
@given(data_sets, seeds, seeds)
def test_a_seed_fixes_the_split(data: LesionDataset, seed: int, other: int) -> None:
    assert split(data, "lesion", seed).digest == split(data, "lesion", seed).digest
    assert split(data, "image", seed).digest == split(data, "image", seed).digest
    if seed != other:
        assert split(data, "image", seed).digest != split(data, "image", other).digest


@quick
@given(lesion_lists, seeds, st.integers(0, 9))
def test_ids_count_and_the_order_of_rows_does_not(
    lesions: list[tuple[int, int]], seed: int, order: int
) -> None:
    # Both hold the same images under the same ids; `make` shuffles the rows.
    data, shuffled = make(lesions, order), make(lesions, order + 1)
    for by in ("lesion", "image"):
        assert part_of_image(split(data, by, seed)) == part_of_image(split(shuffled, by, seed))


def test_a_lesion_with_two_diagnoses_stays_whole_in_any_order() -> None:
    data = make([(4, 3)] * 20)
    labels = data.labels.copy()
    assert data.lesion_ids is not None
    labels[np.flatnonzero(data.lesion_ids == "L_000")[0]] = 6
    mixed = LesionDataset(data.images, labels, data.lesion_ids, data.metadata)
    backwards = mixed.take(np.arange(len(data))[::-1].copy())
    assert split(mixed).shared_lesions == 0
    assert part_of_image(split(mixed)) == part_of_image(split(backwards))


# By image


@quick
@given(data_sets, seeds)
def test_the_leak_of_an_image_split_is_counted(data: LesionDataset, seed: int) -> None:
    parts = split(data, "image", seed)
    part_of_row(parts)
    shared = sum(len(names) > 1 for names in parts_of_lesions(parts).values())
    assert parts.shared_lesions == shared
    assert data.lesion_ids is not None
    seen = {str(data.lesion_ids[row]) for row in [*parts.train_indices, *parts.validation_indices]}
    leaked = sum(str(data.lesion_ids[row]) in seen for row in parts.test_indices)
    assert parts.shared_test_images == leaked


def test_lesions_that_are_unknown_are_not_counted_as_none_shared() -> None:
    parts = split(without_lesions(make([(4, 2)] * 30)), "image")
    assert parts.shared_lesions is None
    assert parts.shared_test_images is None
    assert "lesions are unknown" in parts.proof()
    assert "HAM10000_metadata.csv" in parts.proof()


def test_lesions_shared_by_training_and_validation_count_too() -> None:
    data = make([(4, 1), (4, 1), (4, 2)])
    lesion_ids = np.array(["a", "b", "c", "c"])
    data = LesionDataset(data.images, data.labels, lesion_ids)
    parts = Split(data, "x", np.array([0, 2]), np.array([3]), np.array([1]))
    assert (parts.shared_lesions, parts.shared_test_images) == (1, 0)


# The proof


def test_the_proof_counts_lesions_or_leaked_images() -> None:
    data = LesionDataset(
        np.zeros((6, 1, 1, 1), np.uint8), np.full(6, 4), np.array(["a", "a", "b", "c", "c", "d"])
    )
    clean = Split(data, "lesion", np.array([0, 1, 2]), np.array([3, 4]), np.array([5]))
    assert clean.proof() == "No lesion is in two parts: 2 / 1 / 1 lesions train / validate / test."
    leaky = Split(data, "image", np.array([0, 3]), np.array([2]), np.array([1, 4, 5]))
    assert "2 lesions are in more than one part: 2 of 3 test images (67%)" in leaky.proof()
    before = Split(data, "mine.csv", np.array([0, 2]), np.array([1, 3]), np.array([5]))
    assert before.proof() == (
        "1 lesion is in more than one part: train and validation share them, and no test image "
        "shows one."
    )


# What the data allow


def test_the_most_honest_split_is_the_default() -> None:
    data = make([(4, 2)] * 30)
    assert split(data).kind == "lesion"
    assert split(without_lesions(data)).kind == "image"
    own = np.resize(["train", "validation", "test"], len(data))
    brings = LesionDataset(data.images, data.labels, own_split=own)
    assert split(brings).kind == "own"
    both = LesionDataset(data.images, data.labels, data.lesion_ids, own_split=own)
    assert split(both).kind == "lesion"


def test_unknown_lesions_cannot_be_split() -> None:
    data = without_lesions(make([(4, 2)] * 30))
    with pytest.raises(UsageError, match=r"pixels\.csv cannot be split by lesion") as caught:
        split(data, "lesion")
    assert "HAM10000_metadata.csv" in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("by", ["lesions", "LESION", "patient"])
def test_an_unknown_kind_is_refused(by: str) -> None:
    with pytest.raises(UsageError, match=f"no split called '{by}'") as caught:
        split(make([(4, 2)] * 30), by)
    assert "lesion, image, own" in caught.value.hint


def test_too_few_images_are_refused() -> None:
    with pytest.raises(UsageError, match="leaves no image to test"):
        split(make([(4, 1)]), "image")


@pytest.mark.parametrize("seed", [-1, -(2**40), 1.5, "0", None])
def test_a_seed_that_is_none_is_refused(seed: int) -> None:
    data = make([(4, 2)] * 30)
    with pytest.raises(UsageError, match="seed is a whole number from 0"):
        split(data, seed=seed)


# The file's own


def test_the_own_split_is_taken_as_it_is() -> None:
    data = make([(4, 2)] * 30)
    own = np.resize(["test", "train", "validation", "train"], len(data))
    parts = split(LesionDataset(data.images, data.labels, data.lesion_ids, own_split=own), "own")
    assert part_of_row(parts) == own.tolist()
    assert parts.seed is None
    shared = sum(len(names) > 1 for names in parts_of_lesions(parts).values())
    assert parts.shared_lesions == shared
    assert shared > 0


def test_no_own_split_is_refused() -> None:
    with pytest.raises(UsageError, match="brings no split of its own"):
        split(make([(4, 2)] * 30), "own")


# A split file


def test_a_split_file_assigns_images(tmp_path: Path) -> None:
    data = make([(4, 2)] * 5)
    assert data.image_ids is not None
    parts_of_ids = dict(zip(data.image_ids.tolist(), ["train", "test", "val"] * 4, strict=False))
    path = tmp_path / "mine.csv"
    lines = [f"{image},{part}" for image, part in list(parts_of_ids.items())[:9]]
    path.write_text("\n".join(["image_id,part", *lines]))
    for by in (path, str(path)):
        parts = split(data, by)
        assert parts.kind == "mine.csv"
        assert parts.sizes == {"train": 3, "validation": 3, "test": 3}
        assert data.image_ids[parts.test_indices].tolist() == [
            image for image, part in list(parts_of_ids.items())[:9] if part == "test"
        ]
        assert parts.shared_lesions == sum(
            len(names) > 1 for names in parts_of_lesions(parts).values()
        )


def test_a_split_file_may_lie_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.csv").write_text("row,part\n0,train\n1,test\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert split(make([(4, 2)]), "~/mine.csv").kind == "mine.csv"


def test_a_path_is_a_file_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "lesion"
    path.write_text("row,part\n0,train\n1,test\n2,test\n")
    data = LesionDataset(np.zeros((3, 1, 1, 1), np.uint8), np.full(3, 4), np.array(["a", "a", "b"]))
    parts = split(data, path)
    # It shares a lesion, so it must not be taken for a split by lesion.
    assert parts.kind == "./lesion"
    assert parts.shared_lesions == 1


def test_errors_of_a_split_file_keep_their_exit_codes(tmp_path: Path) -> None:
    data = make([(4, 2)] * 5)
    with pytest.raises(DataMissingError) as caught:
        split(data, tmp_path / "none.csv")
    assert caught.value.exit_code == 3
    path = tmp_path / "mine.csv"
    path.write_text("image_id,part\nI_0000,train\nI_9999,test\n")
    with pytest.raises(DataError, match="line 3, column image_id: found 'I_9999'"):
        split(data, path)
    path.write_text("image_id,part\nI_0000,train\nI_0001,val\n")
    with pytest.raises(UsageError, match=r"\(mine\.csv\) leaves no image to test"):
        split(data, path)
    with pytest.raises(UsageError, match="ids are unknown"):
        split(without_lesions(data), path)


# Parts and digest


def test_parts_are_the_rows_they_name() -> None:
    data = load_sample(rows=200)
    parts = split(data, "lesion", 4)
    for name in PARTS:
        rows = parts.indices[name]
        taken = getattr(parts, name)
        np.testing.assert_array_equal(taken.images, data.images[rows])
        np.testing.assert_array_equal(taken.labels, data.labels[rows])
        assert parts.sizes[name] == len(taken)


def test_a_split_without_its_test_part_has_none_of_its_images() -> None:
    parts = split(load_sample(rows=200))
    seen = parts.without_test()
    for name in ("train", "validation"):
        expected, part = getattr(parts, name), getattr(seen, name)
        np.testing.assert_array_equal(part.images, expected.images)
        np.testing.assert_array_equal(part.image_ids, expected.image_ids)
    assert len(seen.data) == parts.sizes["train"] + parts.sizes["validation"]
    assert (len(seen.test), seen.kind, seen.seed) == (0, parts.kind, parts.seed)
    assert seen.shared_lesions == 0


def test_a_part_may_be_empty() -> None:
    data = make([(4, 1)] * 4)
    nothing = np.array([], dtype=np.int64)
    parts = Split(data, "mine.csv", np.array([0, 1]), nothing, np.array([2, 3]))
    assert parts.validation.X.shape == (0, 1)
    assert parts.shared_lesions == 0


def test_the_digest_tells_parts_apart() -> None:
    data = make([(4, 1)] * 4)
    digests = {
        Split(data, "x", np.array(train), np.array(validation), np.array(test)).digest
        for train, validation, test in ([[0, 1], [2], [3]], [[0, 1], [3], [2]], [[0], [1, 2], [3]])
    }
    assert len(digests) == 3


by_hand: Any = Split
"""Lists and masks are taken, too; the types name what they become."""


def test_a_split_of_the_data_stays_as_it_is() -> None:
    data = load_sample(rows=100)
    for made in (
        split(data, "image", seed=3),
        by_hand(data, "mine", range(60), [70, 71], [80, 81]),
    ):
        again = split(load_sample(rows=100), made, seed=9)
        assert (again.kind, again.seed, again.digest) == (made.kind, made.seed, made.digest)
    with pytest.raises(UsageError, match="The split is one of 100 images; the data hold 42"):
        split(load_sample(rows=42), made)
    with pytest.raises(UsageError, match="leaves no image to test"):
        split(data, by_hand(data, "mine", range(60), [70], []))


def test_a_seed_of_numpy_is_a_number_of_python() -> None:
    seed: Any = np.int64(3)
    assert type(split(load_sample(rows=60), seed=seed).seed) is int


def test_numbers_of_a_split_are_checked_when_it_is_made() -> None:
    numpys: dict[str, Any] = {"fold": np.int64(1), "folds": np.int64(3)}
    made = replace(by_hand(load_sample(rows=60), "mine", [0], [], [1]), **numpys)
    assert (type(made.fold), type(made.folds)) == (int, int)
    wrong: list[dict[str, Any]] = [
        {"seed": -1}, {"seed": 1.5}, {"seed": "x"}, {"fold": 1}, {"folds": 3},
        {"fold": 3, "folds": 3},
    ]  # fmt: skip
    for numbers in wrong:
        with pytest.raises(UsageError):
            replace(made, **{"fold": None, "folds": None, **numbers})


@pytest.mark.parametrize(
    "parts",
    [
        (range(40), [40, 41], [50, 50]),
        (range(40), [40, 40], [50, 51]),
        (range(40), [40, 50], [50, 51]),
        (range(40), [40, 41], [39, 51]),
        (range(40), [0, 41], [50, 51]),
    ],
    ids=[
        "test twice",
        "validation twice",
        "validation tests",
        "training tests",
        "validation trains",
    ],
)
def test_no_model_is_trained_on_rows_that_are_tested_otherwise(parts: Any) -> None:
    data = load_sample(rows=60)
    made = by_hand(data, "mine", *parts)
    with pytest.raises(UsageError, match=r"Row \d+ stands more than once") as caught:
        split(data, made)
    assert "one part" in caught.value.hint
    # Training rows may repeat, as weights.
    assert split(data, by_hand(data, "mine", [0, 0, 1, 2], [40], [50])).sizes["train"] == 4


@pytest.mark.parametrize("value", [3, [0, 1], np.arange(4), {"train": [0]}], ids=str)
def test_values_that_are_no_split_are_refused(value: Any) -> None:
    with pytest.raises(UsageError, match="Expected a split, not") as caught:
        split(load_sample(rows=42), value)
    assert "hmnist.split" in caught.value.hint


def test_masks_and_lists_are_rows() -> None:
    data = load_sample(rows=60)
    test = np.arange(60) >= 50
    by_mask = by_hand(data, "mine", ~test, [], test.tolist())
    assert by_mask.sizes == {"train": 50, "validation": 0, "test": 10}
    np.testing.assert_array_equal(by_mask.test_indices, np.arange(50, 60))
    np.testing.assert_array_equal(by_mask.test.images, data.images[50:])
    assert "60" not in by_mask.proof()
    with pytest.raises(UsageError, match="The test part is a mask of 9 rows; the data hold 60"):
        by_hand(data, "mine", [0], [], test[:9])


def test_a_split_keeps_its_rows_when_the_caller_goes_on_with_the_array() -> None:
    rows = np.arange(60)
    parts = Split(make([(4, 2)] * 30), Path("mine.csv"), rows[:40], rows[40:50], rows[50:])  # type: ignore[arg-type]  # as a user may give it
    rows[:] = 0
    assert parts.kind == "mine.csv"
    assert parts.train_indices.tolist() == list(range(40))
    with pytest.raises(UsageError, match="seed cannot be"):
        replace(parts, seed=10**12 + 1)
