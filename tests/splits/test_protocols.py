from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.checks import check
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import DataError, UsageError
from hmnist.oversampling.methods import METHODS
from hmnist.splits.protocols import divide, find_protocol, resample_training, target_of
from hmnist.splits.split import split
from hmnist.systems import SYSTEMS
from hmnist.systems.protocol import Resampling

quick = settings(max_examples=20, deadline=None)

IMAGES = {"akiec": 327, "bcc": 514, "bkl": 1099, "df": 115, "nv": 6705, "vasc": 142, "mel": 1113}
"""HAM10000: images of each diagnosis."""

REPEATED = {2: 1423, 3: 490, 4: 34, 5: 5, 6: 4}
"""HAM10000: lesions that have so many images."""

RESAMPLED = ("small-cnn", "pixel-mlp", "vgg16")

PROTOCOLS = {name: system.protocol for name, system in SYSTEMS.items()}

names = st.sampled_from(sorted(PROTOCOLS))


def make(seed: int = 0) -> LesionDataset:
    """Return data with the counts of HAM10000, and images of one pixel."""
    rng = np.random.default_rng(seed)
    sizes = rng.permutation(np.repeat(list(REPEATED), list(REPEATED.values()))).tolist()
    labels, lesions = [], []
    for label, code in enumerate(CODES):
        left = IMAGES[code]
        # Some 45 % of the images show lesions with more than one; nv takes what is over.
        while sizes and (left > 0.55 * IMAGES[code] or code == "vasc") and left > 6:
            size = sizes.pop()
            labels += [label] * size
            lesions += [f"M{len(sizes)}"] * size
            left -= size
        labels += [label] * left
        lesions += [f"S{code}{number}" for number in range(left)]
    order = rng.permutation(len(labels))
    lesion_ids = np.array(lesions)[order]
    # No two images alike, so that rows and pixels tell the same.
    pixels = np.arange(len(labels)).reshape(-1, 1, 1, 1) // 256 ** np.arange(3) % 256
    return LesionDataset(
        pixels.astype(np.uint8),
        np.array(labels)[order],
        lesion_ids,
        pd.DataFrame({"lesion_id": lesion_ids, "image_id": [f"I_{row:05d}" for row in order]}),
        name="pixels.csv",
    )


@pytest.fixture(scope="module")
def ham() -> LesionDataset:
    data = make()
    assert len(data) == 10_015
    assert data.lesion_ids is not None
    sizes = Counter(Counter(data.lesion_ids.tolist()).values())
    assert sizes == {**REPEATED, 1: 5514}
    return data


def counts(data: LesionDataset, rows: Any) -> dict[str, int]:
    return Counter(CODES[label] for label in data.labels[rows].tolist())


def test_every_protocol_can_be_executed() -> None:
    for protocol in PROTOCOLS.values():
        assert protocol.training.method in METHODS
        assert set(protocol.training.diagnoses) <= set(CODES)
        assert all(
            note.startswith(("Ours: ", "Different from the source: ")) for note in protocol.notes
        )
    # What is not stated is marked as chosen here.
    chosen = {name for name, protocol in PROTOCOLS.items() if "; here " in protocol.description}
    ours = {
        name
        for name, protocol in PROTOCOLS.items()
        if any("Ours" in note for note in protocol.notes)
    }
    assert chosen == {"deep-cnn", "deep-cnn-bn", "skin-pamper", "mobilenet"}
    assert ours == {*chosen, "inception-resnet", "lenet"}


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("lenet", (9013, 1002, 1002)),
        ("deep-cnn", (9013, 1002, 1002)),
        ("deep-cnn-bn", (9013, 1002, 1002)),
        ("skin-pamper", (7010, 3005, 3005)),
        ("mobilenet", (8011, 1002, 1002)),
        ("inception-resnet", (9077, 938, 938)),
        ("oversample-first", (37548, 9387, 9387)),
        *((name, (2800, 700, 700)) for name in RESAMPLED),
    ],
)
def test_sizes_on_the_counts_of_ham10000(
    name: str, sizes: tuple[int, ...], ham: LesionDataset
) -> None:
    on = split(ham, f"published:{name}", seed=1)
    assert tuple(on.sizes.values()) == sizes
    assert on.protocol is PROTOCOLS[name]
    assert on.kind == f"published:{name}"
    same = np.array_equal(on.validation_indices, on.test_indices)
    assert same == (name != "mobilenet")
    assert ("HM103" in on.proof()) == same


@quick
@given(names, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_seed_fixes_the_split(name: str, seed: int, other: int) -> None:
    data = make(seed=3).take(np.arange(0, 10_015, 20))
    first = divide(data, PROTOCOLS[name], seed)
    assert all(map(np.array_equal, first, divide(data, PROTOCOLS[name], seed)))
    if seed != other:
        assert not all(map(np.array_equal, first, divide(data, PROTOCOLS[name], other)))
    for rows in first:
        assert rows.dtype == np.int64
        assert (np.diff(rows) >= 0).all()


@quick
@given(names, st.integers(0, 9))
def test_ids_count_and_the_order_of_rows_does_not(name: str, seed: int) -> None:
    data = make(seed=3).take(np.arange(0, 10_015, 20))
    order = np.random.default_rng(seed).permutation(len(data))
    shuffled = data.take(order)
    assert data.image_ids is not None
    assert shuffled.image_ids is not None
    protocol = PROTOCOLS[name]
    parts, parts_of_shuffled = divide(data, protocol, 5), divide(shuffled, protocol, 5)
    for rows, shuffled_rows in zip(parts, parts_of_shuffled, strict=True):
        expected = sorted(data.image_ids[rows].tolist())
        assert sorted(shuffled.image_ids[shuffled_rows].tolist()) == expected


@pytest.mark.parametrize("name", ["lenet", "skin-pamper", "mobilenet", "inception-resnet"])
def test_without_resampling_each_image_stands_in_one_part(name: str, ham: LesionDataset) -> None:
    train, validation, test = divide(ham, PROTOCOLS[name], 2)
    apart = [train, test] if name != "mobilenet" else [train, validation, test]
    assert sorted(np.concatenate(apart).tolist()) == list(range(len(ham)))


@pytest.mark.parametrize("seed", [0, 7])
def test_lenet_is_divided_as_in_the_code_of_its_source(seed: int, ham: LesionDataset) -> None:
    from sklearn.model_selection import train_test_split

    train, validation, test = divide(ham, PROTOCOLS["lenet"], seed)
    assert ham.image_ids is not None
    order = np.argsort(ham.image_ids)
    _, expected = train_test_split(
        order, test_size=0.1, random_state=100 + seed, stratify=ham.labels[order]
    )
    assert sorted(expected) == test.tolist() == validation.tolist()
    for code, count in counts(ham, test).items():
        assert abs(count - 0.1 * IMAGES[code]) < 1
    assert len(train) == 9013


def test_a_diagnosis_of_one_image_cannot_be_divided_by_diagnosis() -> None:
    data = make(seed=3)
    rows = [np.flatnonzero(data.labels == label)[:count] for label, count in ((4, 30), (3, 1))]
    few = data.take(np.concatenate(rows))
    with pytest.raises(UsageError, match="cannot be divided by diagnosis"):
        split(few, "published:lenet")


@pytest.mark.parametrize("name", RESAMPLED)
def test_every_diagnosis_is_drawn_to_500(name: str, ham: LesionDataset) -> None:
    train, _, test = divide(ham, PROTOCOLS[name], 2)
    assert counts(ham, np.concatenate([train, test])) == dict.fromkeys(CODES, 500)
    drawn = Counter(np.concatenate([train, test]).tolist())
    assert max(drawn.values()) > 1
    # With replacement also where there are more than 500: some of 6,705 are drawn twice.
    naevi = [row for row in drawn if ham.labels[row] == CODES.index("nv")]
    assert 450 < len(naevi) < 500


def test_oversampling_first_keeps_every_image(ham: LesionDataset) -> None:
    train, _, test = divide(ham, PROTOCOLS["oversample-first"], 2)
    rows = np.concatenate([train, test])
    assert counts(ham, rows) == dict.fromkeys(CODES, IMAGES["nv"])
    assert set(rows.tolist()) == set(range(len(ham)))


@pytest.mark.parametrize("seed", range(3))
def test_single_lesions_are_drawn_by_diagnosis(seed: int, ham: LesionDataset) -> None:
    from sklearn.model_selection import train_test_split

    assert ham.lesion_ids is not None
    sizes = Counter(ham.lesion_ids.tolist())
    single = [row for row, lesion in enumerate(ham.lesion_ids.tolist()) if sizes[lesion] == 1]
    train, _, test = divide(ham, PROTOCOLS["inception-resnet"], seed)
    assert len(single) == 5514
    assert set(test.tolist()) <= set(single)
    assert len(set(test.tolist())) == len(test) == 938
    _, reference = train_test_split(
        single, test_size=0.17, random_state=seed, stratify=ham.labels[single]
    )
    expected = counts(ham, np.array(reference))
    assert len(reference) == 938
    for code, count in counts(ham, test).items():
        assert abs(count - expected[code]) <= 1
        assert abs(count - 0.17 * counts(ham, np.array(single))[code]) < 1.1
    # No lesion of the test part trains: they have one image only.
    assert not set(ham.lesion_ids[test].tolist()) & set(ham.lesion_ids[train].tolist())


def test_lesions_under_two_ids_are_divided_as_the_source_had_them_and_counted(
    ham: LesionDataset,
) -> None:
    # As the loader does: one id for both in `lesion_ids`, the file's own in the metadata.
    assert ham.lesion_ids is not None
    merged = ham.lesion_ids.copy()
    names, counted = np.unique(merged, return_counts=True)
    single = names[counted == 1]
    for kept_id, second_id in zip(single[:60:2], single[1:60:2], strict=True):
        merged[merged == second_id] = kept_id
    on = split(replace(ham, lesion_ids=merged), "published:inception-resnet", seed=0)
    assert len(on.test_indices) == 938
    np.testing.assert_array_equal(
        on.test_indices, split(ham, "published:inception-resnet", seed=0).test_indices
    )
    [leak] = [leak for leak in on.leaks if leak.code == "HM101"]
    train = set(merged[on.train_indices].tolist())
    assert leak.images == sum(lesion in train for lesion in merged[on.test_indices].tolist()) > 0


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_leaks_are_counted_by_brute_force(name: str, ham: LesionDataset) -> None:
    on = split(ham, f"published:{name}", seed=4)
    assert ham.lesion_ids is not None
    train, validation, test = (rows.tolist() for rows in on.indices.values())
    trained, validated = set(train), set(validation)
    lesions = ham.lesion_ids.tolist()
    seen = {lesions[row] for row in trained | (validated - set(test))}
    expected = {
        "HM103": sum(row in validated for row in test),
        "HM102": sum(row in trained for row in test),
        "HM101": sum(lesions[row] in seen and row not in trained for row in test),
    }
    counted = {leak.code: leak.images for leak in on.leaks}
    assert counted == {code: count for code, count in expected.items() if count}
    assert ("HM102" in counted) == PROTOCOLS[name].balanced
    for leak in on.leaks:
        assert f"{leak.code} {leak.name}: {leak.sentence}." in on.proof()
    # The checks find the same in the split, whoever made it.
    assert set(counted) <= {finding.code for finding in check(ham, on)}


@pytest.mark.parametrize(("name", "trains"), [("lenet", 0.9), ("skin-pamper", 0.7)])
def test_a_random_division_shares_as_many_lesions_as_chance_says(
    name: str, trains: float, ham: LesionDataset
) -> None:
    # Of an image of a lesion with k, the others all stay out of training by (1 - trains)^(k - 1).
    expected = sum(k * n * (1 - (1 - trains) ** (k - 1)) for k, n in REPEATED.items()) / len(ham)
    shares = []
    for seed in range(6):
        on = split(ham, f"published:{name}", seed)
        [images] = [leak.images for leak in on.leaks if leak.code == "HM101"]
        shares.append(images / len(on.test_indices))
    assert np.mean(shares) == pytest.approx(expected, abs=0.025)


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_the_training_part_alone_is_resampled_as_all_images_are(
    name: str, ham: LesionDataset
) -> None:
    train = split(ham, "lesion", seed=1).train_indices
    rows = resample_training(ham, train, PROTOCOLS[name], 1)
    assert set(rows.tolist()) <= set(train.tolist())
    assert (np.diff(rows) >= 0).all()
    np.testing.assert_array_equal(rows, resample_training(ham, train, PROTOCOLS[name], 1))
    if name in RESAMPLED:
        # As many as in the training part of the protocol: four fifths of 500.
        assert counts(ham, rows) == dict.fromkeys(CODES, 400)
    elif name == "oversample-first":
        assert counts(ham, rows) == dict.fromkeys(CODES, counts(ham, train)["nv"])
        assert set(rows.tolist()) == set(train.tolist())
    else:
        np.testing.assert_array_equal(rows, train)


def test_diagnoses_are_raised_to_the_commonest_at_most() -> None:
    labels = np.repeat([0, 4], [3, 50])
    assert target_of(Resampling("augment", target=40), labels) == 40
    assert target_of(Resampling("augment", target=60), labels) == 50
    assert target_of(Resampling("augment"), labels) is None


def test_only_published_splits_have_a_protocol(ham: LesionDataset) -> None:
    assert split(ham, "lesion").protocol is None
    assert split(ham, "image").protocol is None


# Bad choices.


def test_an_unknown_system_is_refused(ham: LesionDataset) -> None:
    with pytest.raises(UsageError, match="no published protocol called 'alexnet'") as caught:
        split(ham, "published:alexnet")
    assert "lenet" in caught.value.hint


def test_lesions_that_a_protocol_needs_must_be_known(ham: LesionDataset) -> None:
    unknown = replace(ham, lesion_ids=None, metadata=None)
    with pytest.raises(DataError, match=r"pixels\.csv does not say") as caught:
        split(unknown, "published:inception-resnet")
    assert caught.value.exit_code == 3
    assert "HAM10000_metadata.csv" in caught.value.hint
    on = split(unknown, "published:lenet")
    assert [leak.code for leak in on.leaks] == ["HM103"]
    assert "not counted" in on.proof()
    assert "HAM10000_metadata.csv" in on.proof()


def test_data_without_lesions_of_one_image_are_refused() -> None:
    data = LesionDataset(
        np.zeros((4, 1, 1, 1), np.uint8), np.full(4, 4), np.array(["a", "a", "b", "b"])
    )
    with pytest.raises(UsageError, match="leaves no image to test"):
        split(data, "published:inception-resnet")


def test_protocols_are_found_with_and_without_their_prefix() -> None:
    assert find_protocol("published:lenet") is find_protocol("lenet")
