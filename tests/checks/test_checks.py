"""Each check has a case that trips it and one that does not."""

import dataclasses
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hmnist.checks import check, inspect, inspect_file, subject
from hmnist.checks.catalogue import CHECKS
from hmnist.checks.report import Finding
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES, MEDMNIST_CODES
from hmnist.errors import DataError, DataMissingError, DataWarning, UsageError
from hmnist.oversampling import oversample
from hmnist.sources.metadata import SAME_LESION
from hmnist.sources.sample import load_sample, write_sample
from hmnist.splits.folds import split_folds
from hmnist.splits.split import Split, split
from tests.conftest import Command

ROWS = 700


@pytest.fixture(scope="module")
def data() -> LesionDataset:
    """Return generated images, in which nothing is wrong."""
    return load_sample(rows=ROWS)


@pytest.fixture(scope="module")
def sound(data: LesionDataset) -> Split:
    return split(data)


@pytest.fixture(autouse=True)
def _without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the checks of pictures, which take longer and have tests of their own."""
    monkeypatch.setattr(subject, "LEAST_IMAGES", 10**9)


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def sentence(findings: list[Finding], code: str) -> str:
    [only] = [finding.sentence for finding in findings if finding.code == code]
    return only


def without(data: LesionDataset, *fields: str) -> LesionDataset:
    nothing: dict[str, Any] = dict.fromkeys(fields)
    if "lesion_ids" in fields and data.metadata is not None and "metadata" not in fields:
        nothing["metadata"] = data.metadata.drop(columns="lesion_id")  # which tells them, too
    return dataclasses.replace(data, **nothing)


def changed(on: Split, **parts: Any) -> Split:
    return dataclasses.replace(on, **parts)


# All of them


def test_codes_are_in_order_and_names_differ() -> None:
    assert [each.code for each in CHECKS] == [f"HM{101 + row}" for row in range(len(CHECKS))]
    assert len({each.name for each in CHECKS}) == len({each.look for each in CHECKS}) == len(CHECKS)


def test_sound_splits_trip_nothing(data: LesionDataset, sound: Split) -> None:
    assert check(data) == check(data, sound) == []
    larger = load_sample(rows=1500)
    assert not any(check(larger, fold) for fold in split_folds(larger, 3))


def test_every_finding_is_a_sentence(data: LesionDataset, sound: Split) -> None:
    tail = np.arange(500, ROWS)
    leaky = Split(data, "mine", np.repeat(np.arange(600), 2), tail[:0], np.repeat(tail, 2))
    findings = check(data, leaky, features=["dx_type", "dx"])
    assert len(findings) > 5
    for finding in findings:
        assert finding.sentence[0].isupper() or finding.sentence[0].isdigit()
        assert finding.sentence.endswith(".")
        assert str(finding) == f"{finding.code} {finding.name}: {finding.sentence}"


def test_skipped_checks_name_their_needs(data: LesionDataset) -> None:
    skipped = inspect(without(data, "lesion_ids", "metadata")).skipped
    assert skipped["HM101"] == "a split and the lesions"
    assert skipped["HM105"] == "dx_type in the metadata, or features"
    assert skipped["HM107"] == "a split and the names of the images"
    assert "HM104" not in skipped
    small = dataclasses.replace(data, images=np.ascontiguousarray(data.images[:, ::2, ::2]))
    assert "images of 28×28 pixels" in inspect(small).skipped["HM130"]


def test_the_split_that_data_bring_is_checked(data: LesionDataset, sound: Split) -> None:
    own = np.full(ROWS, "train", dtype="U10")
    own[sound.validation_indices] = "validation"
    own[sound.test_indices] = "test"
    brings = dataclasses.replace(data, own_split=own)
    assert inspect(brings).split == "own"
    assert check(brings) == []
    own[sound.train_indices[::4]] = "test"
    assert "HM101" in codes(check(dataclasses.replace(data, own_split=own)))


def test_a_split_of_other_data_is_refused(data: LesionDataset, sound: Split) -> None:
    with pytest.raises(UsageError, match="700 images; the data hold 42"):
        check(load_sample(rows=42), sound)
    # As many images, and as many of each diagnosis.
    other = load_sample(rows=ROWS, seed=1)
    np.testing.assert_array_equal(other.labels, data.labels)
    with pytest.raises(UsageError, match="row 0 is SAMPLE_0_0000000 in its data and") as caught:
        check(other, sound)
    assert caught.value.hint
    nameless = without(other, "metadata")
    with pytest.raises(UsageError, match="other data: row 0 shows the lesion"):
        check(nameless, sound)
    labels = data.labels[::-1].copy()
    with pytest.raises(UsageError, match="other data: row 0 has the label 2 in its data and 0"):
        check(LesionDataset(data.images, labels), sound)


def test_a_split_of_the_same_images_is_taken(data: LesionDataset) -> None:
    parts = split(data, "image")
    expected = codes(check(data, parts))
    smaller = dataclasses.replace(data, images=np.ascontiguousarray(data.images[:, ::4, ::4]))
    for same in (smaller, dataclasses.replace(data)):
        assert codes(check(same, parts)) == expected
    bare = without(data, "metadata", "lesion_ids")
    assert "HM101" not in codes(check(bare, parts))
    # The lesions are those of the data, not those of the split's data.
    assert "HM101" in codes(check(data, split(bare, "image")))


def test_rows_may_be_given_in_any_form(data: LesionDataset) -> None:
    parts = split(data, "image")
    expected = check(data, parts)
    assert expected
    train, validation, test = parts.indices.values()
    masks = [np.isin(np.arange(ROWS), rows) for rows in parts.indices.values()]
    by_hand: list[tuple[Any, Any, Any]] = [
        (train.tolist(), tuple(validation.tolist()), range(0)),
        (train.astype(np.int32), validation.astype(np.uint16), np.array([])),
        (masks[0], masks[1].tolist(), []),
        (pd.Series(masks[0]), pd.Index(validation), np.zeros(ROWS, bool)),
    ]
    none = np.empty(0, np.int64)
    untested = codes(check(data, Split(data, "x", train, validation, none)))
    for rows in by_hand:
        assert codes(check(data, Split(data, "x", *rows))) == untested
    whole: Any = (train.tolist(), masks[1], test.tolist())
    assert check(data, Split(data, "x", *whole)) == expected


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.ones(5, bool), "a mask of 5"),
        ([0, 1.5], "not a list of whole numbers"),
        (["a", "b"], "not a list of whole numbers"),
        ([[0, 1]], "not a list of whole numbers"),
        ([[0], [1, 2]], "not a list of whole numbers"),
        (None, "not a list of whole numbers"),
        ([-1, 2], "row -1"),
        ([2, ROWS], "row 700"),
    ],
)
def test_rows_of_other_kinds_are_refused(data: LesionDataset, rows: Any, said: str) -> None:
    none = np.empty(0, np.int64)
    with pytest.raises(UsageError, match=f"test part.*{said}") as caught:
        check(data, Split(data, "x", none, none, rows))
    assert caught.value.hint


@pytest.mark.parametrize("value", [([0], [1], [2]), {"train": [0]}, 3])
def test_values_that_are_no_split_are_refused(data: LesionDataset, value: Any) -> None:
    with pytest.raises(UsageError, match="Expected a split, not") as caught:
        check(data, value)
    assert caught.value.hint


def test_an_empty_data_set_trips_only_that_it_is_empty(data: LesionDataset) -> None:
    nothing = data.take(np.empty(0, np.int64))
    none = np.empty(0, np.int64)
    assert codes(check(nothing, Split(nothing, "x", none, none, none))) == ["HM114"]


# HM101


def test_shared_lesions(data: LesionDataset) -> None:
    by_image = split(data, "image")
    assert data.lesion_ids is not None
    trains, tests = (data.lesion_ids[by_image.indices[part]] for part in ("train", "test"))
    shared = set(trains.tolist()) & set(tests.tolist())
    images = sum(lesion in shared for lesion in tests.tolist())
    said = sentence(check(data, by_image), "HM101")
    assert f"{len(shared)} lesions stand in train and test ({images} of {len(tests)} test" in said
    assert "HM101" not in codes(check(without(data, "lesion_ids"), by_image))


def test_shared_lesions_are_counted_for_each_pair_of_parts(data: LesionDataset) -> None:
    by_image = split(data, "image")
    assert data.lesion_ids is not None
    lesions = {part: data.lesion_ids[rows] for part, rows in by_image.indices.items()}
    [found] = [each for each in check(data, by_image) if each.code == "HM101"]
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        images = int(np.isin(lesions[second], lesions[first]).sum())
        assert images
        assert found.evidence[f"{second} images of lesions in {first}"] == images


def test_images_that_train_are_no_shared_lesions_as_well(data: LesionDataset) -> None:
    assert data.lesion_ids is not None
    by_image = split(data, "image")
    copied = by_image.train_indices[:30]
    tests = np.append(by_image.test_indices, copied)
    findings = check(data, changed(by_image, test_indices=tests))
    trains = set(data.lesion_ids[by_image.train_indices].tolist())
    images = [row for row in by_image.test_indices if data.lesion_ids[row] in trains]
    lesions = {data.lesion_ids[row] for row in images}
    assert f"30 of {len(tests)} test images" in sentence(findings, "HM102")
    assert (
        f"{len(lesions)} lesions stand in train and test ({len(images)} of {len(tests)} test "
        "images, besides those that are in train themselves)"
    ) in sentence(findings, "HM101")
    rows = np.arange(ROWS)
    assert "HM101" not in codes(check(data, Split(data, "x", rows, rows[:0], rows)))


def test_images_tested_and_validated_are_no_shared_lesions_as_well(sound: Split) -> None:
    same = changed(sound, validation_indices=sound.test_indices)
    assert codes(check(sound.data, same)) == ["HM103"]


# HM102


def test_rows_in_training_and_test(data: LesionDataset, sound: Split) -> None:
    rows = np.append(sound.test_indices, sound.train_indices[0])
    findings = check(data, changed(sound, test_indices=rows))
    assert "1 of" in sentence(findings, "HM102")
    assert "test images is in train" in sentence(findings, "HM102")


def test_resampling_before_the_split(data: LesionDataset) -> None:
    # As notebooks do it: each diagnosis repeated up to the commonest, then a random split by image.
    resampled = data.take(oversample(data, "balanced").indices)
    alone = without(resampled, "lesion_ids", "metadata")
    findings = check(alone, split(alone, "image"))
    assert "HM102" in codes(findings)
    assert "HM110" in codes(findings)


def test_resampling_the_training_part_is_no_mistake(data: LesionDataset, sound: Split) -> None:
    for method in ("random", "balanced"):
        rows = sound.train_indices[oversample(sound.train, method).indices]
        assert check(data, changed(sound, train_indices=rows)) == []


def test_a_photograph_that_is_there_twice_is_no_resampling(data: LesionDataset) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3000, 2, 2, 3), dtype=np.uint8)
    labels = np.arange(3000) % 7
    images[2999], labels[2999] = images[0], labels[0]
    many = LesionDataset(images, labels)
    rows = np.arange(3000)
    assert check(many, Split(many, "x", rows[:1500], rows[1500:2000], rows[2000:])) == []


# HM103


def test_test_used_for_validation(data: LesionDataset, sound: Split) -> None:
    both = np.concatenate([sound.validation_indices, sound.test_indices[:30]])
    findings = check(data, changed(sound, validation_indices=both))
    assert f"30 of {len(sound.test_indices)} test images" in sentence(findings, "HM103")
    assert "HM103" not in codes(check(data, split(data, "image")))


# HM104


def relabelled(data: LesionDataset, order: tuple[str, ...]) -> LesionDataset:
    labels = np.array([order.index(CODES[label]) for label in data.labels])
    return dataclasses.replace(data, labels=labels)


def test_labels_in_medmnists_order(data: LesionDataset) -> None:
    wrong = relabelled(data, MEDMNIST_CODES)
    assert "in MedMNIST's order" in sentence(check(wrong), "HM104")
    by_counts = sentence(check(without(wrong, "metadata")), "HM104")
    assert "label 5, vasc" in by_counts
    assert "MedMNIST" in by_counts


def test_labels_in_some_other_order(data: LesionDataset) -> None:
    wrong = relabelled(data, ("nv", "mel", "bkl", "bcc", "akiec", "vasc", "df"))
    assert "labels contradict the metadata, that of row" in sentence(check(wrong), "HM104")
    by_counts = sentence(check(without(wrong, "metadata")), "HM104")
    assert "label 0, akiec" in by_counts
    assert "MedMNIST" not in by_counts


def test_one_label_that_contradicts_its_metadata(data: LesionDataset) -> None:
    labels = data.labels.copy()
    labels[5] = (labels[5] + 1) % 7
    findings = check(dataclasses.replace(data, labels=labels))
    said = "1 of 700 labels contradict the metadata, that of row 5 first"
    assert said in sentence(findings, "HM104")


def test_a_balanced_file_may_be_in_any_order(data: LesionDataset) -> None:
    even = data.take(
        np.concatenate([np.flatnonzero(data.labels == label)[:6] for label in range(7)])
    )
    assert check(without(even, "metadata", "lesion_ids")) == []


# HM105, HM106


@pytest.mark.parametrize(
    "name", ["dx_type", "DX_TYPE", " dx_type", "dx_type_histo", "dx_type=histo"]
)
def test_dx_type_by_name(data: LesionDataset, name: str) -> None:
    assert codes(check(data, features=["age", name])) == ["HM105"]
    assert repr(name) in sentence(check(data, features=[name]), "HM105")


@pytest.mark.parametrize(
    "name",
    [
        "dx",
        "label",
        "Diagnosis",
        "dx_nv",
        "dx=mel",
        "target",
        "cell_type",
        "cell_type_idx",
        "cell_type_Melanoma",
        "Cell_Type=nv",
        "NV",
        " mel ",
        *CODES,
    ],
)
def test_diagnosis_by_name(data: LesionDataset, name: str) -> None:
    assert codes(check(data, features=["age", name])) == ["HM106"]


def test_other_names_are_features(data: LesionDataset) -> None:
    names = ["age", "sex", "localization", "dx_typed", "dxa", "labels_seen", "target_site"]
    names += ["cell_types", "nevi", "melanin", "nv_area"]
    assert check(data, features=names) == []
    assert data.metadata is not None
    assert check(data, features=data.metadata[["age", "sex", "localization"]]) == []
    noise = np.random.default_rng(0).normal(size=(ROWS, 5))
    assert check(data, features=pd.DataFrame(noise)) == []
    assert check(data, features=pd.DataFrame(np.zeros((ROWS, 2)))) == []
    assert check(data, features=[]) == check(data, features=pd.DataFrame(index=range(ROWS))) == []


def test_dx_type_by_its_values(data: LesionDataset) -> None:
    assert data.metadata is not None
    kinds = data.metadata["dx_type"]
    table = pd.DataFrame({"age": data.metadata["age"], "how": kinds, "sure": kinds == "histo"})
    assert "'how' has one value for each dx_type" in sentence(check(data, features=table), "HM105")
    assert "'sure'" in sentence(check(data, features=table[["age", "sure"]]), "HM105")
    noise = np.random.default_rng(0).normal(size=ROWS)
    nameless = pd.DataFrame(np.column_stack([noise, pd.factorize(kinds)[0]]))
    assert "'1'" in sentence(check(data, features=nameless), "HM105")


def test_diagnosis_by_its_values(data: LesionDataset) -> None:
    table = pd.DataFrame({"number": data.labels * 2.5, "shuffled": np.arange(ROWS) % 7})
    assert "'number'" in sentence(check(data, features=table), "HM106")
    assert check(data, features=table[["shuffled"]]) == []


def test_an_empty_cell_is_a_value_of_its_own(data: LesionDataset) -> None:
    assert data.metadata is not None
    kinds = data.metadata["dx_type"]
    numbers = pd.Series(np.where(data.labels == 4, np.nan, data.labels))
    for column in (
        numbers,
        numbers.astype("Int64"),
        numbers.map(lambda label: "ABCDEFG"[int(label)], na_action="ignore"),
    ):
        table = pd.DataFrame({"age": data.metadata["age"], "number": column})
        assert "'number'" in sentence(check(data, features=table), "HM106")
    nameless = pd.DataFrame(np.column_stack([np.arange(ROWS), numbers]))
    assert "'1'" in sentence(check(data, features=nameless), "HM106")
    how = pd.DataFrame({"how": np.where(kinds == "histo", 1.0, np.nan)})
    assert "'how'" in sentence(check(data, features=how), "HM105")
    # Cells that are empty here and there are errors, those of an empty column tell nothing.
    some = numbers.where(np.arange(ROWS) % 5 > 0)
    assert codes(check(data, features=pd.DataFrame({"some": some}))) == ["HM125"]
    assert check(data, features=pd.DataFrame({"all": np.full(ROWS, np.nan)})) == []


def test_indicators_of_the_diagnosis(data: LesionDataset) -> None:
    assert data.metadata is not None
    table = pd.get_dummies(data.metadata["dx"])
    assert "'akiec'" in sentence(check(data, features=table), "HM106")
    assert (
        codes(check(data, features=list(table.columns)))
        == codes(check(data, features=table))
        == ["HM106"]
    )


def test_names_may_be_a_list_or_a_tuple(data: LesionDataset) -> None:
    for names in (["age", "dx"], ("age", "dx")):
        assert codes(check(data, features=names)) == ["HM106"]


@pytest.mark.parametrize(
    "features",
    [
        "dx",
        ["age", 3],
        [1, 2],
        [[1, 2], [3]],
        {"age": [1, 2, 3]},
        7,
        np.zeros((ROWS, 2)),
        np.array(["age", "dx"]),
        ["male"] * ROWS,
        pd.DataFrame({"age": [[1]] * ROWS}),
        pd.Series(["age", "dx"]),
        pd.Index(["age", "dx"]),
        object(),
    ],
)
def test_values_that_are_no_features_are_refused(data: LesionDataset, features: Any) -> None:
    with pytest.raises(UsageError) as caught:
        check(data, features=features)
    assert caught.value.message.count(".") == 1
    assert "\n" not in caught.value.message
    assert "names" in caught.value.hint


def test_a_pixel_that_tells(data: LesionDataset) -> None:
    assert data.metadata is not None
    for groups, code in [
        (pd.factorize(data.metadata["dx_type"])[0], "HM105"),
        (data.labels, "HM106"),
    ]:
        images = data.images.copy()
        images[:, 0, 1, 2] = groups
        assert "Pixel column 5" in sentence(check(dataclasses.replace(data, images=images)), code)
        images[0, 0, 1, 2] += 1
        assert check(dataclasses.replace(data, images=images)) == []


def test_a_few_images_tell_nothing() -> None:
    few = LesionDataset(np.arange(7, dtype=np.uint8)[:, None, None, None], np.arange(7))
    assert check(few) == []


def test_features_of_other_images_are_refused(data: LesionDataset) -> None:
    with pytest.raises(UsageError, match="3 rows; expected a row for each of the 700 images"):
        check(data, features=pd.DataFrame(np.zeros((3, 2))))


# HM107


def known_pair(data: LesionDataset, *, merged: bool) -> LesionDataset:
    """Give two images of nobody else's the names of a known pair."""
    assert data.metadata is not None
    assert data.lesion_ids is not None
    lesion_ids, counts = np.unique(data.lesion_ids, return_counts=True)
    alone = np.flatnonzero(np.isin(data.lesion_ids, lesion_ids[counts == 1]))[:2]
    metadata = data.metadata.copy()
    metadata.loc[alone, "image_id"] = SAME_LESION[3]
    lesions = data.lesion_ids.copy()
    if merged:
        lesions[alone] = lesions[alone[0]]
    return dataclasses.replace(data, metadata=metadata, lesion_ids=lesions)


def test_a_known_pair_apart(data: LesionDataset) -> None:
    pair = known_pair(data, merged=False)
    assert pair.image_ids is not None
    rows = np.flatnonzero(np.isin(pair.image_ids, SAME_LESION[3]))
    rest = np.setdiff1d(np.arange(ROWS), rows)
    none = np.empty(0, np.int64)
    apart = Split(pair, "x", np.append(rest, rows[0]), none, rows[1:])
    said = sentence(check(pair, apart), "HM107")
    assert "1 pair of images" in said
    assert all(name in said for name in SAME_LESION[3])
    together = Split(pair, "x", rest, none, rows)
    assert "HM107" not in codes(check(pair, together))
    left_out = Split(pair, "x", np.append(rest, rows[0]), none, rest[:50])
    assert "HM107" not in codes(check(pair, left_out))
    # Under one id it is a shared lesion like any other.
    known = known_pair(data, merged=True)
    merged = codes(check(known, changed(apart, data=known)))
    assert "HM101" in merged
    assert "HM107" not in merged


# HM108, HM109


def test_one_image_under_two_lesions(data: LesionDataset) -> None:
    assert data.lesion_ids is not None
    naevi = np.flatnonzero(data.labels == 4)
    other = naevi[data.lesion_ids[naevi] != data.lesion_ids[naevi[0]]][-1]
    images = data.images.copy()
    images[other] = images[naevi[0]]
    twice = dataclasses.replace(data, images=images)
    said = sentence(check(twice), "HM108")
    assert "1 image has the same pixels as an earlier one" in said
    assert f"row {other} as row {naevi[0]} first" in said
    lesion_ids = data.lesion_ids.copy()
    lesion_ids[other] = lesion_ids[naevi[0]]
    assert check(dataclasses.replace(twice, lesion_ids=lesion_ids)) == []


def test_one_image_with_two_diagnoses(data: LesionDataset) -> None:
    alone = without(data, "metadata", "lesion_ids")
    images = data.images.copy()
    mel, nv = (int(np.flatnonzero(data.labels == label)[0]) for label in (6, 4))
    images[mel] = images[nv]
    said = sentence(check(dataclasses.replace(alone, images=images)), "HM109")
    assert f"row {max(mel, nv)} as row {min(mel, nv)} first" in said
    images[mel] = data.images[mel]
    images[nv] = images[nv + 1]
    assert data.labels[nv + 1] == 4
    assert check(dataclasses.replace(alone, images=images)) == []


# HM110


def test_test_images_that_are_scored_twice(data: LesionDataset, sound: Split) -> None:
    rows = np.append(sound.test_indices, sound.test_indices[0])
    findings = check(data, changed(sound, test_indices=rows))
    assert codes(findings) == ["HM110"]
    assert f"1 of {len(rows)} test images repeat" in findings[0].sentence


# HM111


def test_a_resampled_test_part_has_other_shares(data: LesionDataset, sound: Split) -> None:
    labels = data.labels[sound.train_indices]
    rows = sound.test_indices[oversample(sound.test, "balanced").indices]
    said = sentence(check(data, changed(sound, test_indices=rows)), "HM111")
    assert f"nv is 14% of the test part and {(labels == 4).mean():.0%}" in said


def test_a_small_test_part_may_differ_by_chance() -> None:
    images = np.random.default_rng(0).integers(0, 256, (200, 2, 2, 1), dtype=np.uint8)
    labels = np.where(np.arange(200) % 2, 4, 6)
    small = LesionDataset(images, labels)
    rows = np.arange(200)
    test = np.array([0, 1, 3, 5, 7, 9, 11, 13])
    parts = Split(small, "x", np.setdiff1d(rows, test)[20:], rows[180:], test)
    assert "HM111" not in codes(check(small, parts))


# HM112


def test_an_unshuffled_tail(data: LesionDataset) -> None:
    rows = np.arange(ROWS)
    tail = Split(data, "x", rows[:500], rows[500:600], rows[600:])
    assert "rows 600 to 699" in sentence(check(data, tail), "HM112")


def test_the_tail_that_data_bring_as_their_test_part_is_no_fault(data: LesionDataset) -> None:
    """As in the files of MedMNIST, whose parts stand one behind the other."""
    own = np.repeat(["train", "validation", "test"], [500, 100, ROWS - 600])
    found = inspect(dataclasses.replace(data, own_split=own))
    assert found.split == "own"
    assert "HM112" not in codes([*found.findings])


def test_the_tail_of_a_shuffled_file_is_a_sample(data: LesionDataset) -> None:
    rows = np.random.default_rng(0).permutation(ROWS)
    shuffled = data.take(rows)
    rows = np.arange(ROWS)
    findings = check(shuffled, Split(shuffled, "x", rows[:500], rows[500:600], rows[600:]))
    assert "HM112" not in codes(findings)


# HM113, HM114


def test_a_diagnosis_that_is_missing(data: LesionDataset, sound: Split) -> None:
    few = {
        "test_indices": sound.test_indices[data.labels[sound.test_indices] != 3],
        "validation_indices": sound.validation_indices[
            ~np.isin(data.labels[sound.validation_indices], [3, 5])
        ],
    }
    findings = check(data, changed(sound, **few))
    assert codes(findings) == ["HM113"]
    assert findings[0].sentence == "Validation lacks df, vasc; test lacks df."


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_an_empty_part(data: LesionDataset, sound: Split, part: str) -> None:
    none = np.empty(0, np.int64)
    findings = check(data, changed(sound, **{f"{part}_indices": none}))
    assert codes(findings) == ["HM114"]
    assert findings[0].sentence.startswith(f"{part.capitalize()} is empty")


# Files


@pytest.fixture
def pixel_file(tmp_path: Path) -> Path:
    pixels, _ = write_sample(tmp_path / "data" / "pixels.csv", rows=210)
    return pixels


def rewrite(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    # As one block of memory: pandas warns of thousands of columns that are joined to.
    change(pd.read_csv(path).copy()).to_csv(path, index=False)


def test_a_split_file_may_lie_in_the_home_folder(
    data: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.csv").write_text("row,part\n0,train\n0,test\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert codes(check(data, "~/mine.csv")) == codes(check(data, tmp_path / "mine.csv"))


def test_a_split_file_that_a_benchmark_would_refuse(pixel_file: Path, tmp_path: Path) -> None:
    lines = [f"{row},{part}" for row in range(210) for part in ("train", "test")]
    (tmp_path / "mine.csv").write_text("\n".join(["row,part", *lines]))
    report = inspect_file(pixel_file, split_file=tmp_path / "mine.csv")
    assert (report.data, report.split) == ("pixels.csv", "mine.csv")
    assert {"HM102", "HM114"} <= set(codes(list(report.findings)))
    with pytest.raises(DataMissingError):
        inspect_file(pixel_file, split_file=tmp_path / "none.csv")


def test_a_feature_file(pixel_file: Path, tmp_path: Path) -> None:
    metadata = pixel_file.with_name("HAM10000_metadata.csv")
    report = inspect_file(pixel_file, feature_file=metadata)
    assert codes(list(report.findings)) == ["HM105", "HM106", "HM126"]
    (tmp_path / "few.csv").write_text("age\n40\n")
    with pytest.raises(UsageError, match="have 1 row; expected a row for each of the 210 images"):
        inspect_file(pixel_file, feature_file=tmp_path / "few.csv")


@pytest.mark.parametrize(("column", "code"), [("dx_type", "HM105"), ("dx", "HM106")])
def test_a_pixel_file_with_a_column_that_tells(pixel_file: Path, column: str, code: str) -> None:
    metadata = pd.read_csv(pixel_file.with_name("HAM10000_metadata.csv"))
    rewrite(pixel_file, lambda table: table.assign(**{column: metadata[column]}))
    report = inspect_file(pixel_file)
    assert codes(list(report.findings)) == [code]
    assert "HM101" in report.skipped
    packed = pixel_file.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(pixel_file.read_bytes()))
    assert codes(list(inspect_file(packed).findings)) == [code]


def test_an_index_that_pandas_saved_is_read_over(pixel_file: Path) -> None:
    rewrite(pixel_file, lambda table: table.rename_axis("index").reset_index())
    with pytest.warns(DataWarning):
        report = inspect_file(pixel_file)
    assert "HM126" not in codes(list(report.findings))
    assert "HM104" not in report.skipped


def test_a_pixel_file_with_another_column_is_the_readers_matter(pixel_file: Path) -> None:
    rewrite(pixel_file, lambda table: table.assign(age=50))
    with pytest.raises(DataError, match="'age', neither a pixel nor the label"):
        inspect_file(pixel_file)


def test_a_pixel_file_in_another_label_order(pixel_file: Path) -> None:
    def relabel(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(label=[MEDMNIST_CODES.index(CODES[label]) for label in table["label"]])

    rewrite(pixel_file, relabel)
    assert codes(list(inspect_file(pixel_file).findings)) == ["HM104"]
    assert codes(list(inspect_file(pixel_file, metadata="none").findings)) == ["HM104"]
    moved = pixel_file.with_name("HAM10000_metadata.csv").rename(pixel_file.with_name("m.csv"))
    assert codes(list(inspect_file(pixel_file, metadata=moved).findings)) == ["HM104"]


def test_metadata_of_other_images_are_an_error(pixel_file: Path) -> None:
    rewrite(pixel_file, lambda table: table.iloc[::-1])
    with pytest.raises(DataError, match="does not belong to"):
        inspect_file(pixel_file)
    rewrite(pixel_file, lambda table: table.iloc[::-1].iloc[:-1])
    with pytest.raises(DataError, match="209"):
        inspect_file(pixel_file)


# Causes, and what follows from them


def test_checks_that_explain_others_come_first() -> None:
    order = [each.code for each in sorted(CHECKS, key=lambda each: len(each.unless))]
    for each in CHECKS:
        assert all(order.index(code) < order.index(each.code) for code in each.unless)


# The command


def test_the_command_finds_nothing(command: Command) -> None:
    called = command("data", "check", "sample")
    assert called.code == 0, called.err
    assert "nothing was found" in called.out
    assert "HM104 label order of another file" in " ".join(called.out.split())
    assert "HM101" in called.out.split("Not looked at")[1]
    assert command("data", "check", "sample", "--quiet").err == ""


def test_the_command_ends_with_1_where_it_finds_something(
    command: Command, pixel_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lines = [f"{row},{'train' if row % 3 else 'test'}" for row in range(210)]
    (tmp_path / "mine.csv").write_text("\n".join(["row,part", *lines]))
    words = ["data", "check", pixel_file, "--split-file", "mine.csv"]
    called = command(*words)
    assert called.code == 1
    assert "HM101" in called.out
    assert "HM114" in called.out
    assert max(map(len, called.out.splitlines())) <= 100
    printed = json.loads(command(*words, "--format", "json").out)
    report = inspect_file(pixel_file, split_file=tmp_path / "mine.csv")
    assert printed["findings"] == [dataclasses.asdict(finding) for finding in report.findings]
    assert (printed["data"], printed["split"]) == ("pixels.csv", "mine.csv")
    assert all(finding["evidence"] for finding in printed["findings"])
    markdown = command(*words, "--format", "markdown")
    assert markdown.code == 1
    assert "| check | name | finding | evidence |" in markdown.out
    assert f"| HM114 | empty part | {report.findings[-1].sentence} | empty validation |" in (
        markdown.out
    )
    assert printed["looked"].keys() | printed["skipped"].keys() == {each.code for each in CHECKS}
