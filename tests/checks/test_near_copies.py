import dataclasses

import numpy as np
import pytest

from hmnist.checks.near_copies import find_near_copies, find_near_images
from hmnist.checks.neighbours import NEAR
from hmnist.checks.subject import Subject
from hmnist.dataset import LesionDataset
from hmnist.sources.sample import load_sample
from hmnist.splits.split import Split, split


@pytest.fixture(scope="module")
def data() -> LesionDataset:
    return load_sample(rows=280)


@pytest.fixture(scope="module")
def pairs() -> LesionDataset:
    """Two photographs of each lesion that are nearly the same."""
    single = load_sample(rows=210, seed=3)
    assert single.lesion_ids is not None
    single = single.take(np.unique(single.lesion_ids, return_index=True)[1])
    twice = single.take(np.repeat(np.arange(len(single)), 2))
    noise = np.random.default_rng(0).integers(0, 4, twice.images.shape, dtype=np.uint8)
    return dataclasses.replace(twice, images=twice.images.clip(0, 250) + noise)


def unknown(data: LesionDataset) -> LesionDataset:
    return dataclasses.replace(data, lesion_ids=None, metadata=None)


def on(data: LesionDataset, of_other: Split) -> Subject:
    return Subject(data, dataclasses.replace(of_other, data=data))


def with_copies(data: LesionDataset, parts: Split, count: int) -> LesionDataset:
    """Replace test images by mirrored, darker copies of training images."""
    images = data.images.copy()
    images[parts.test_indices[:count]] = images[parts.train_indices[:count], :, ::-1] // 4 * 3
    return dataclasses.replace(data, images=images)


def test_a_sound_split_has_none(data: LesionDataset) -> None:
    for each in (data, unknown(data)):
        subject = on(each, split(data))
        assert find_near_copies(subject) is None
        assert find_near_images(subject) is None


def test_copies_in_the_test_part(data: LesionDataset) -> None:
    parts = split(data)
    copied = with_copies(data, parts, 6)
    found = find_near_copies(on(copied, parts))
    assert found is not None
    assert found.sentence.startswith(f"6 of {len(parts.test_indices)} test images")
    assert "of another lesion" in found.sentence
    assert found.evidence["test images"] == 6
    assert find_near_images(on(copied, parts)) is None
    # Two may be chance.
    assert find_near_copies(on(with_copies(data, parts, 2), parts)) is None


def test_small_images_have_to_be_more_alike(data: LesionDataset) -> None:
    blocks = data.images[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3, 3).mean(axis=(2, 4))
    small = dataclasses.replace(data, images=blocks.astype(np.uint8))
    parts = split(small)
    assert find_near_copies(Subject(small, parts)) is None
    assert find_near_copies(on(with_copies(small, parts, 6), parts)) is not None
    # Noise of up to 9 levels: 8 of 56 copies have a likeness of .91 to .947.
    noise = np.random.default_rng(0).integers(-9, 10, small.images.shape)
    copies = (small.images + noise).clip(0, 255)[parts.train_indices[: len(parts.test_indices)]]
    images = small.images.copy()
    images[parts.test_indices] = copies
    subject = on(dataclasses.replace(small, images=images), parts)
    likeness = subject.pictures.near_pairs.likeness[subject.pictures.are_others]
    assert (likeness > NEAR).sum() == 8
    assert find_near_copies(subject) is None


def test_copies_where_lesions_are_unknown(data: LesionDataset) -> None:
    parts = split(data)
    for count in (3, 6, 20):  # fewer than a split by image makes, and more
        subject = on(unknown(with_copies(data, parts, count)), parts)
        found = find_near_copies(subject)
        assert found is not None
        assert found.sentence.startswith(f"{count} of {len(parts.test_indices)} test images")
        assert "other photographs of its lesion" in found.sentence
        assert find_near_images(subject) is None


@pytest.mark.parametrize(("part", "other"), [("test", "validation"), ("validation", "train")])
def test_copies_in_the_validation_part(part: str, other: str, data: LesionDataset) -> None:
    parts = split(data)
    images = data.images.copy()
    images[parts.indices[part][:6]] = images[parts.indices[other][:6], :, ::-1] // 4 * 3
    copied = dataclasses.replace(data, images=images)
    for each in (copied, unknown(copied)):
        found = find_near_copies(on(each, parts))
        assert found is not None
        assert found.sentence.startswith(f"6 of {len(parts.indices[part])} {part} images")
        named = "training" if other == "train" else other
        assert f"near copies of a {named} image" in found.sentence
        assert found.evidence["near images in"] == named


def test_rows_that_train_and_test_are_left_to_other_checks(data: LesionDataset) -> None:
    rows = np.arange(len(data))
    both = Split(data, "x", rows, rows[:0], rows)
    assert find_near_copies(Subject(with_copies(data, split(data), 9), both)) is None


def test_a_split_by_image_of_unknown_lesions(pairs: LesionDataset) -> None:
    bare = unknown(pairs)
    by_image = split(bare, "image")
    found = find_near_images(Subject(bare, by_image))
    assert found is not None
    assert "photographs of one lesion, as in a split by image" in found.sentence
    assert find_near_copies(Subject(bare, by_image)) is None
    assert find_near_images(on(bare, split(pairs))) is None
    # Known lesions are counted, which is another check.
    assert find_near_images(on(pairs, by_image)) is None
    assert find_near_copies(on(pairs, by_image)) is None


def test_fewer_copies_than_a_split_by_image_makes(pairs: LesionDataset) -> None:
    parts = split(pairs)
    subject = on(unknown(with_copies(pairs, parts, 3)), parts)
    found = find_near_images(subject)
    assert found is not None
    assert found.sentence.startswith(f"3 of {len(parts.test_indices)} test images")
    assert "or changed copies" in found.sentence
    assert find_near_copies(subject) is None
