import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import TrustError
from hmnist.experiments import stored
from hmnist.experiments.cells import Cell
from hmnist.experiments.stored import StoredData, store_data
from hmnist.experiments.work import make_work
from hmnist.runs.facts import describe_data, describe_split
from hmnist.runs.recipe import Recipe
from hmnist.splits.split import split


@pytest.mark.parametrize("known", ["all", "no lesions", "own split"])
def test_a_stored_data_set_is_the_same(known: str, sample: LesionDataset) -> None:
    data = sample
    if known == "no lesions":
        data = replace(data, lesion_ids=None, metadata=None, name="other")
    if known == "own split":
        own = np.array(["train", "validation", "test", "test"] * 100)
        data = replace(data, lesion_ids=None, metadata=None, own_split=own)
    again = store_data(data).open()
    assert describe_data(again) == describe_data(data)
    np.testing.assert_array_equal(again.images, data.images)
    np.testing.assert_array_equal(again.image_ids, data.image_ids)
    parts = split(data)
    moved = replace(parts, data=again)
    assert describe_split(moved) == describe_split(parts)


def test_a_stored_data_set_knows_its_merged_lesions(sample: LesionDataset) -> None:
    """Runs of another process would else be of other data, and no members of an ensemble."""
    assert sample.metadata is not None
    assert sample.lesion_ids is not None
    first, second = np.unique(sample.lesion_ids)[:2]
    lesion_ids = np.where(sample.lesion_ids == second, first, sample.lesion_ids)
    merged = replace(sample, lesion_ids=lesion_ids)

    opened = store_data(merged).open()

    assert describe_data(opened) == describe_data(merged)
    assert opened.merged_pairs == 1


def test_images_are_mapped_and_not_copied(sample: LesionDataset) -> None:
    data = store_data(sample)
    assert type(data.open().images) is np.ndarray
    assert not data.open().images.flags.owndata
    assert data.open() is data.open()


def test_the_same_pixels_under_another_name_are_other_data(sample: LesionDataset) -> None:
    other = store_data(replace(sample, name="other"))
    assert other.digest == store_data(sample).digest
    assert other.open().name == "other"
    assert store_data(sample).open().name == sample.name


def test_damaged_data_are_refused(sample: LesionDataset) -> None:
    data = store_data(sample)
    path = data.folder / "images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(TrustError, match="missing or damaged"):
        data.open()
    (data.folder / "facts.json").unlink()
    with pytest.raises(TrustError, match="missing or damaged"):
        data.open()


def test_another_machine_finds_the_data_in_its_own_cache(
    sample: LesionDataset, tmp_path: Path
) -> None:
    data = store_data(sample)
    elsewhere = StoredData(folder=tmp_path / "unseen" / data.folder.name, digest=data.digest)
    assert elsewhere.open().digest == sample.digest


def test_the_oldest_are_deleted(sample: LesionDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "ENTRIES", 2)
    monkeypatch.setattr(stored, "LATELY", 0)
    first, second = (store_data(replace(sample, name=name)) for name in "ab")
    store_data(replace(sample, name="a"))  # used again
    third = store_data(replace(sample, name="c"))
    assert first.folder.is_dir()
    assert third.folder.is_dir()
    assert not second.folder.exists()


def test_what_is_needed_is_not_deleted(
    sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "ENTRIES", 1)
    cell = Cell(Recipe(model="majority"), split(sample), tmp_path / "run")
    first, second = (store_data(replace(sample, name=name)) for name in "ab")
    for data in (first, second):
        os.utime(data.folder, (0, 0))  # stored long ago
    make_work(cell, first, side_by_side=False)
    store_data(replace(sample, name="c"))
    assert first.open().name == "a"
    assert not second.folder.exists()


def test_a_folder_that_another_process_deletes_is_no_error(sample: LesionDataset) -> None:
    first = store_data(replace(sample, name="a"))
    # As what is listed and then gone: a link that leads nowhere.
    (first.folder.parent / "gone").symlink_to("nowhere")
    assert store_data(replace(sample, name="b")).open().name == "b"


def test_patient_data_are_stored_and_compared(sample: LesionDataset) -> None:
    assert sample.metadata is not None
    data = store_data(sample)
    np.testing.assert_array_equal(data.open().patients, sample.patients)
    older = replace(sample, metadata=sample.metadata.assign(age=sample.metadata["age"] + 5))
    assert store_data(older).folder != data.folder
    np.testing.assert_array_equal(store_data(older).open().patients, older.patients)
    ages = np.load(data.folder / "age.npy")
    np.save(data.folder / "age.npy", ages + 1)
    stored._open_folder.cache_clear()
    with pytest.raises(TrustError, match="missing or damaged"):
        data.open()
    some = store_data(replace(sample, metadata=sample.metadata[["image_id", "sex"]])).open()
    assert some.metadata is not None
    assert list(some.metadata) == ["image_id", "sex"]


def test_ages_that_are_no_numbers_are_unknown(sample: LesionDataset) -> None:
    assert sample.metadata is not None
    ages = sample.metadata["age"].astype(object).where(sample.metadata.index > 9, "unknown")
    data = replace(sample, metadata=sample.metadata.assign(age=ages))
    assert data.patients is not None
    assert (data.patients[:10, 0] == 0).all()
    np.testing.assert_array_equal(store_data(data).open().patients, data.patients)
