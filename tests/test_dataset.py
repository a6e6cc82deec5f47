import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.dataset import LesionDataset, fingerprint_images
from hmnist.errors import DataError, UsageError
from hmnist.experiments.stored import store_data
from hmnist.oversampling import oversample
from hmnist.results.audit import audit
from hmnist.results.data_figures import (
    plot_ages,
    plot_diagnoses,
    plot_sexes,
    plot_sites,
    save_data_figures,
)
from hmnist.results.data_summary import summarise_data
from hmnist.results.image_figure import plot_images
from hmnist.results.model_scores import score
from hmnist.sources.sample import load_sample
from hmnist.splits.split import split


def make(**changes: Any) -> LesionDataset:
    images = np.arange(4 * 3 * 2 * 3, dtype=np.uint8).reshape(4, 3, 2, 3)
    fields: dict[str, Any] = {
        "images": images,
        "labels": np.array([4, 4, 6, 3]),
        "lesion_ids": np.array(["L_1", "L_1", "L_2", "L_3"]),
        "metadata": pd.DataFrame({"image_id": ["I_1", "I_2", "I_3", "I_4"], "age": [1, 2, 3, 4]}),
        "name": "four",
        "own_split": np.array(["train", "train", "validation", "test"]),
    }
    return LesionDataset(**(fields | changes))


def test_the_names_of_scikit_learn() -> None:
    data = make()
    assert data.X.shape == (4, 18)
    assert data.X.dtype == np.uint8
    # Row-major, channels last: as the pixel file counts.
    assert data.X[1, 7] == data.images[1, 1, 0, 1]
    assert data.y is data.labels
    assert len(data) == 4
    assert data.image_shape == (3, 2, 3)


def test_lesions_and_images_may_be_unknown() -> None:
    data = make()
    assert data.lesion_count == 3
    assert data.image_ids is not None
    assert data.image_ids.tolist() == ["I_1", "I_2", "I_3", "I_4"]
    unknown = make(lesion_ids=None, metadata=None)
    assert unknown.lesion_count is None
    assert unknown.image_ids is None
    assert make(metadata=pd.DataFrame({"age": [1, 2, 3, 4]})).image_ids is None


def test_the_representation_shows_size_and_lesions() -> None:
    assert repr(make()) == "LesionDataset('four', 4 images 3×2×3, lesions: 3)"
    assert "lesions: unknown" in repr(make(lesion_ids=None))
    assert str(make()) == "four: 4 images of 3×2×3, 3 lesions"
    assert str(make(lesion_ids=None)) == "four: 4 images of 3×2×3, lesions unknown"


# The digest


def changed(values: npt.NDArray[Any], index: Any, new: Any) -> npt.NDArray[Any]:
    copy = values.copy()
    copy[index] = new
    return copy


@pytest.mark.parametrize(
    "changes",
    [
        {"images": changed(make().images, (3, 2, 1, 2), 255)},
        {"images": make().images.reshape(4, 2, 3, 3)},
        {"labels": np.array([4, 4, 6, 2])},
        {"lesion_ids": np.array(["L_1", "L_1", "L_2", "L_4"])},
        {"lesion_ids": None},
    ],
    ids=["pixel", "shape", "label", "lesion", "no lesions"],
)
def test_the_digest_depends_on_pixels_labels_and_lesions(changes: dict[str, Any]) -> None:
    assert make(**changes).digest != make().digest


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "another"},
        {"metadata": None},
        {"own_split": None},
        {"synthetic": True},
        {"images": np.asfortranarray(make().images)},
        {"labels": np.array([4, 4, 6, 3], dtype=np.uint8)},
        {"lesion_ids": np.array(["L_1", "L_1", "L_2", "L_3"], dtype="U40")},
    ],
    ids=["name", "metadata", "own split", "synthetic", "memory order", "int width", "text width"],
)
def test_the_digest_depends_on_nothing_else(changes: dict[str, Any]) -> None:
    assert make(**changes).digest == make().digest


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_pixel_changes_the_digest(drawn: st.DataObject) -> None:
    data = make()
    index = tuple(drawn.draw(st.integers(0, size - 1)) for size in data.images.shape)
    images = changed(data.images, index, data.images[index] ^ drawn.draw(st.integers(1, 255)))
    assert make(images=images).digest != data.digest


def test_digests_of_large_images_are_those_of_all_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.large_arrays.CHUNK", 20)
    data = make()
    sha = hashlib.sha256(repr(data.images.shape).encode())
    sha.update(data.images.tobytes() + data.labels.tobytes())
    assert data.image_digest == sha.hexdigest()


def test_fingerprints_are_hashes_of_the_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.large_arrays.CHUNK", 20)
    images = make().images
    expected = [hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images]
    assert fingerprint_images(images).tobytes() == b"".join(expected)


# take


@pytest.mark.parametrize("rows", [[3, 0, 0], []])
def test_large_images_are_taken_into_a_file(
    rows: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.large_arrays.LARGE", 1)
    monkeypatch.setattr("hmnist.large_arrays.CHUNK", 20)
    images = make().take(np.array(rows, dtype=np.int64)).images
    np.testing.assert_array_equal(images, make().images[rows])
    owner: Any = images
    while getattr(owner, "base", None) is not None:
        owner = owner.base
    assert isinstance(owner, np.ndarray) == (not rows)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=9))
def test_take_selects_from_every_field(rows: list[int]) -> None:
    data = make()
    taken = data.take(np.array(rows, dtype=np.int64))
    assert len(taken) == len(rows)
    np.testing.assert_array_equal(taken.images, [data.images[row] for row in rows] or taken.images)
    assert taken.labels.tolist() == [data.labels[row] for row in rows]
    assert taken.lesion_ids is not None
    assert data.lesion_ids is not None
    assert taken.lesion_ids.tolist() == [data.lesion_ids[row] for row in rows]
    assert taken.own_split is not None
    assert data.own_split is not None
    assert taken.own_split.tolist() == [data.own_split[row] for row in rows]
    assert taken.metadata is not None
    assert taken.metadata["age"].tolist() == [row + 1 for row in rows]
    assert taken.metadata.index.tolist() == list(range(len(rows)))
    assert taken.name == data.name


def test_taking_no_image_keeps_the_shape() -> None:
    nothing = make().take(np.array([], dtype=np.int64))
    assert nothing.X.shape == (0, 18)
    assert nothing.image_shape == (3, 2, 3)
    assert len(nothing.digest) == 64


def test_unknown_fields_stay_unknown_when_taken() -> None:
    taken = make(lesion_ids=None, metadata=None, own_split=None, synthetic=True).take(np.array([0]))
    assert taken.lesion_ids is None
    assert taken.metadata is None
    assert taken.own_split is None
    assert taken.synthetic


# Refused fields


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": make().images.reshape(4, -1)}, r"shape \(4, 18\).*expected uint8"),
        ({"images": make().images / 255}, "type float64; expected uint8"),
        ({"labels": np.array([4, 4, 6])}, "3 labels for 4 images"),
        ({"lesion_ids": np.array(["L_1"])}, "1 lesion_ids for 4 images"),
        ({"metadata": pd.DataFrame({"age": [1]})}, "1 metadata for 4 images"),
        ({"own_split": np.array(["train"] * 5)}, "5 own_split for 4 images"),
        (
            {"own_split": ["train", "training", "test", "test"]},
            "'training' is not a part",
        ),
        ({"own_split": [["train"]] * 4}, r"own_split have shape \(4, 1\)"),
        ({"lesion_ids": ["L_1", None, "L_2", "L_3"]}, "the lesion id of row 1 is missing"),
        ({"lesion_ids": [1.0, 2.0, np.nan, 3.0]}, "the lesion id of row 2 is missing"),
        ({"images": [[1], [2, 3]]}, r"images have shape \(0,\)"),
        ({"labels": np.array([4, 4, 7, 3])}, "0–6"),
        ({"labels": np.array([4, -1, 6, 3])}, "0–6"),
        ({"labels": np.array([4.0, 4.5, 6.0, 3.0])}, "labels have .* float64; expected"),
        ({"labels": np.array([[4], [4], [6], [3]])}, r"labels have shape \(4, 1\)"),
        ({"labels": np.array(["nv", "nv", "mel", "df"])}, "labels have .*; expected"),
        ({"lesion_ids": np.array(["L_1", "L_2", "L_3", "L" * 256])}, "one lesion id has more than"),
        (
            {"metadata": pd.DataFrame({"image_id": [*"abc", "d" * 256]})},
            "one image id has more than",
        ),
    ],
)
def test_fields_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        make(**changes)
    assert caught.value.message.startswith("four: ")


def test_a_data_set_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        make().name = "other"  # type: ignore[misc] # that is what is tested


@pytest.mark.parametrize("name", ["images", "X", "labels", "y", "lesion_ids", "own_split"])
def test_the_arrays_of_a_data_set_cannot_be_changed(name: str) -> None:
    for data in (make(), make().take(np.arange(3)), replace(make(), name="other")):
        with pytest.raises(ValueError, match="read-only"):
            getattr(data, name)[0] = getattr(data, name)[1]


def test_the_array_that_was_given_stays_writable() -> None:
    images = make().images.copy()
    data = make(images=images)
    assert np.shares_memory(data.images, images)
    assert images.flags.writeable


def test_patient_data_have_a_digest_of_their_own(sample: LesionDataset) -> None:
    assert sample.metadata is not None
    older = replace(sample, metadata=sample.metadata.assign(age=sample.metadata["age"] + 5))
    assert older.digest == sample.digest
    assert older.patient_digest != sample.patient_digest
    without = replace(sample, metadata=sample.metadata.drop(columns=["age", "sex", "localization"]))
    assert without.patients is None
    assert without.patient_digest is None
    assert replace(sample, metadata=None).patients is None


# What becomes an array


def test_lists_and_columns_become_arrays() -> None:
    data = make()
    table = pd.DataFrame({"lesion": [7, 7, 8, 9], "label": data.labels})
    by_hand: Any = LesionDataset  # the types name what lists and columns become
    made = by_hand(
        list(data.images),
        table["label"],
        table["lesion"],
        own_split=["train", "val", "test", ""],
    )
    np.testing.assert_array_equal(made.images, data.images)
    assert made.lesion_ids is not None
    assert made.lesion_ids.tolist() == ["7", "7", "8", "9"]
    assert made.lesion_count == 3
    assert made.own_split is not None
    assert made.own_split.tolist() == ["train", "validation", "test", ""]
    assert len(made.digest) == 64


def test_lesions_of_the_metadata_are_known() -> None:
    metadata = pd.DataFrame({"lesion_id": ["L_1", "L_1", "L_2", "L_3"]})
    known = make(lesion_ids=None, metadata=metadata)
    assert known.lesion_count == 3
    some = make(lesion_ids=None, metadata=metadata.replace("L_2", None))
    assert some.lesion_ids is None
    # Nor are they in a part of the rows, whose ids are not missing.
    assert some.take([0, 1, 3]).lesion_ids is None
    assert store_data(some).open().lesion_ids is None


@pytest.mark.parametrize(
    "mask", [[True] * 4, [True, False, True, False], [False] * 4], ids=["all", "some", "none"]
)
def test_a_mask_takes_its_rows(mask: list[bool]) -> None:
    data, rows = make(), np.flatnonzero(mask)
    for selection in (mask, np.array(mask), pd.Series(mask), rows, rows.tolist()):
        taken = data.take(selection)
        np.testing.assert_array_equal(taken.images, data.images[rows])
        np.testing.assert_array_equal(taken.labels, data.labels[rows])


@pytest.mark.parametrize("selection", [[True], [4], [-1], 2, slice(2), ["a"]], ids=str)
def test_what_is_not_rows_is_refused(selection: Any) -> None:
    with pytest.raises(UsageError, match="The selection") as caught:
        make().take(selection)
    assert caught.value.hint


@pytest.mark.parametrize(
    "function",
    [
        summarise_data,
        audit,
        oversample,
        plot_diagnoses,
        plot_ages,
        plot_sexes,
        plot_sites,
        lambda data: plot_images(data, "nv"),
        lambda data: save_data_figures(data, "figures"),
        lambda data: score(None, data),
    ],
)
def test_what_is_not_a_data_set_is_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises(UsageError, match=r"Load it first: hmnist.load\('sample'\)"):
        function("sample")
    with pytest.raises(UsageError, match=r"are a Split; .*has train, validation and test"):
        function(split(load_sample(rows=100)))


def test_names_are_text_and_labels_whole_numbers() -> None:
    data = make(name=Path("four.csv"), labels=np.array([4, 4, 6, 3], np.uint64))
    assert data.name == "four.csv"
    assert data.labels.dtype == np.int64


def test_lesions_that_are_more_than_those_of_the_metadata_are_not_merged() -> None:
    table = pd.DataFrame({"lesion_id": ["L_1", "L_1", "L_2", "L_2"]})
    assert make(metadata=table, lesion_ids=np.array(["A", "B", "C", "D"])).merged_pairs == 0
    assert make(metadata=table, lesion_ids=np.array(["A", "A", "A", "A"])).merged_pairs == 1
