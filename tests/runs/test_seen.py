"""Images that a model has seen are known again: the same, near copies, others of their lesions."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hmnist.arrays import Array, Pixels
from hmnist.dataset import LesionDataset
from hmnist.errors import TrustError
from hmnist.guarded import write_arrays
from hmnist.runs.run import Run
from hmnist.runs.seen import find_seen, write_seen
from hmnist.sources.sample import load_sample

RANDOM = np.random.default_rng(4)
TRAINED = load_sample(rows=120, seed=2)
OTHERS = load_sample(rows=120, seed=3)

Change = Callable[[Pixels], Pixels]


def add(levels: int) -> Change:
    return lambda images: np.clip(images.astype(int) + levels, 0, 255).astype(np.uint8)


def add_noise(images: Pixels) -> Pixels:
    noisy = images.astype(int) + RANDOM.integers(-1, 2, images.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def turn(images: Pixels) -> Pixels:
    return np.rot90(images, axes=(1, 2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_seen(tmp_path, [TRAINED.take(np.arange(80)), TRAINED.take(np.arange(80, 120))])
    return tmp_path


def without_lesions(images: Pixels) -> LesionDataset:
    return LesionDataset(images, np.zeros(len(images), np.int64))


def test_the_images_of_all_parts_are_the_same(folder: Path) -> None:
    seen = find_seen(folder, TRAINED)
    assert seen.same.all()
    assert seen.counts() == {"same": 120, "near": 0, "lesion": 0}


@pytest.mark.parametrize(
    "change",
    [
        turn,
        lambda images: images[:, ::-1],
        lambda images: turn(images[:, :, ::-1]),
        add(1),
        add(-1),
        add_noise,
        lambda images: turn(add(1)(images)),
        lambda images: add_noise(images[:, ::-1]),
        add(4),
    ],
)
def test_changed_copies_are_near(folder: Path, change: Change) -> None:
    seen = find_seen(folder, without_lesions(np.ascontiguousarray(change(TRAINED.images))))
    assert seen.counts() == {"same": 0, "near": 120, "lesion": 0}


def test_images_of_other_lesions_are_not_seen(folder: Path) -> None:
    seen = find_seen(folder, OTHERS)
    assert not seen.any.any()
    assert seen.knows_lesions
    assert not str(seen)


def test_an_even_image_is_a_near_copy_of_none(tmp_path: Path) -> None:
    levels = np.arange(100, 104, dtype=np.uint8)
    even = np.ones((4, 8, 8, 3), np.uint8) * levels[:, None, None, None]
    write_seen(tmp_path, [without_lesions(even[:1])])
    assert find_seen(tmp_path, without_lesions(even)).counts() == {
        "same": 1, "near": 0, "lesion": 0,
    }  # fmt: skip


def test_other_images_of_a_lesion_are_known_by_its_id(folder: Path) -> None:
    assert TRAINED.lesion_ids is not None
    assert OTHERS.lesion_ids is not None
    lesion_ids = OTHERS.lesion_ids.copy()
    lesion_ids[[5, 50, 90]] = TRAINED.lesion_ids[[0, 100, 7]]
    seen = find_seen(folder, replace(OTHERS, lesion_ids=lesion_ids, metadata=None))
    assert np.flatnonzero(seen.lesion).tolist() == [5, 50, 90]
    assert seen.counts() == {"same": 0, "near": 0, "lesion": 3}
    assert str(seen).endswith("the model: 3 other images of the same lesions.")


@pytest.mark.parametrize("knows_ids", [True, False])
def test_other_images_of_the_lesion_of_a_copy_are_known(tmp_path: Path, knows_ids: bool) -> None:
    trained = TRAINED if knows_ids else replace(TRAINED, lesion_ids=None, metadata=None)
    write_seen(tmp_path, [trained])
    images = np.concatenate([TRAINED.images[:1], turn(TRAINED.images[1:2]), OTHERS.images[:4]])
    lesion_ids = np.array(["x", "y", "x", "y", "y", "z"])
    data = LesionDataset(images, np.zeros(6, np.int64), lesion_ids)
    seen = find_seen(tmp_path, data)
    assert seen.same.tolist() == [True, *[False] * 5]
    assert seen.near.tolist() == [False, True, *[False] * 4]
    assert seen.lesion.tolist() == [False, False, True, True, True, False]
    assert seen.knows_lesions == knows_ids
    assert str(seen) == (
        "Left out because of what trained or validated the model: 1 same image, 1 near copy, "
        "3 other images of the same lesions."
    )


@pytest.mark.parametrize("is_first", [True, False])
def test_a_lesion_of_two_ids_is_known_by_both(tmp_path: Path, is_first: bool) -> None:
    def make(images: Pixels, ids: list[str], own_ids: list[str]) -> LesionDataset:
        labels, metadata = np.zeros(len(ids), np.int64), pd.DataFrame({"lesion_id": own_ids})
        return LesionDataset(images, labels, np.array(ids), metadata)

    merged = make(OTHERS.images[:3], ["a", "a", "c"], ["a", "b", "c"])
    single = make(OTHERS.images[5:7], ["b", "d"], ["b", "d"])
    first, second = (merged, single) if is_first else (single, merged)
    write_seen(tmp_path, [first])
    expected = [True, False] if is_first else [True, True, False]
    assert find_seen(tmp_path, second).lesion.tolist() == expected


def test_the_file_is_small_and_holds_no_ids(folder: Path) -> None:
    content = (folder / "seen.npz").read_bytes()
    assert len(content) < 120 * 65 + 1000
    assert TRAINED.lesion_ids is not None
    assert not any(name.encode() in content for name in TRAINED.lesion_ids)


def test_sketches_of_another_size_are_refused(folder: Path) -> None:
    arrays: dict[str, Array] = {
        "fingerprints": np.zeros(2, np.uint64),
        "sketches": np.zeros((2, 6, 7), np.int8),
        "lesions": np.zeros(0, np.uint64),
    }
    write_arrays(folder / "seen.npz", arrays)
    with pytest.raises(TrustError, match="sketches"):
        find_seen(folder, OTHERS)


def test_a_run_has_seen_what_was_not_its_test_part(run: Run, sample: LesionDataset) -> None:
    seen, test = run.find_seen(sample), run.predictions["test"].rows
    assert np.flatnonzero(~seen.any).tolist() == sorted(test)
    assert not seen.near.any()
    assert not seen.lesion.any()
