import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from hmnist.arrays import Pixels
from hmnist.augmentation import orient_randomly
from hmnist.checks import inspect
from hmnist.checks.pixels import (
    find_cast_pixels,
    find_even_images,
    find_grey_as_colour,
    find_other_channel_order,
    find_other_pixel_order,
)
from hmnist.checks.subject import Found, Subject
from hmnist.dataset import LesionDataset
from hmnist.sources.sample import load_sample

Find = Callable[[Subject], Found | None]

ALL: tuple[Find, ...] = (
    find_other_pixel_order,
    find_other_channel_order,
    find_cast_pixels,
    find_grey_as_colour,
    find_even_images,
)

RGB = 28 * 28 * 3


@pytest.fixture(scope="module")
def data() -> LesionDataset:
    return load_sample(rows=210)


def changed(data: LesionDataset, change: Callable[[Pixels], Pixels], every: int = 1) -> Subject:
    """Return data of which every n-th image is changed."""
    images = data.images.copy()
    images[::every] = change(images[::every])
    return Subject(dataclasses.replace(data, images=images))


def tripped(subject: Subject) -> list[Find]:
    return [find for find in ALL if find(subject) is not None]


def channels_first(images: Pixels) -> Pixels:
    return images.transpose(0, 3, 1, 2).reshape(images.shape)


def sorted_by_name(images: Pixels) -> Pixels:
    order = np.argsort([f"pixel{number}" for number in range(RGB)])
    return images.reshape(-1, RGB)[:, order].reshape(images.shape)


def shuffled(images: Pixels) -> Pixels:
    order = np.random.default_rng(0).permutation(RGB)
    return images.reshape(-1, RGB)[:, order].reshape(images.shape)


def grey(images: Pixels) -> Pixels:
    return np.repeat(images.mean(axis=3, keepdims=True).astype(np.uint8), 3, axis=3)


CHANGES: list[tuple[Callable[[Pixels], Pixels], str, str]] = [
    (channels_first, "HM117", "all of the first channel comes first"),
    (sorted_by_name, "HM117", "sorted by name"),
    (shuffled, "HM117", "no order of an image"),
    (lambda images: images[..., ::-1], "HM118", "blue, green, red"),
    (lambda images: images // 255, "HM119", "multiply by 255"),
    (grey, "HM120", "three channels are the same"),
]


def test_right_images_trip_nothing(data: LesionDataset) -> None:
    blocks = data.images.reshape(-1, 7, 4, 7, 4, 3).mean(axis=(2, 4)).astype(np.uint8)
    small = dataclasses.replace(data, images=blocks)
    one = dataclasses.replace(data, images=data.images.mean(axis=3, keepdims=True).astype(np.uint8))
    assert tripped(Subject(data)) == []
    assert find_other_pixel_order(Subject(small)) is None
    assert find_other_pixel_order(Subject(one)) is None
    assert find_even_images(Subject(one)) is None


def test_names_in_tens_are_nearly_rows_of_ten() -> None:
    data = load_sample(rows=1400)
    small = [Image.fromarray(image).resize((10, 10), 1) for image in data.images]
    images = np.stack([np.asarray(image) for image in small])
    right = dataclasses.replace(data, images=images)
    assert find_other_pixel_order(Subject(right)) is None
    order = np.argsort([f"pixel{number}" for number in range(300)])
    wrong = changed(right, lambda images: images.reshape(-1, 300)[:, order].reshape(images.shape))
    found = find_other_pixel_order(wrong)
    assert found is not None
    assert "sorted by name" in found.sentence


@pytest.mark.parametrize(("change", "code", "words"), CHANGES)
@pytest.mark.parametrize("every", [1, 5])
def test_the_cause_is_named_and_nothing_else(
    data: LesionDataset, change: Callable[[Pixels], Pixels], code: str, words: str, every: int
) -> None:
    report = inspect(changed(data, change, every).data)
    assert [finding.code for finding in report.findings] == [code]
    assert words in report.findings[0].sentence
    if code in {"HM117", "HM118", "HM119"}:
        assert report.skipped["HM127"] == f"images without {code}"


def test_rows_and_columns_exchanged(data: LesionDataset) -> None:
    found = find_other_pixel_order(changed(data, lambda images: images.transpose(0, 2, 1, 3)))
    assert found is not None
    assert "rows and columns are exchanged" in found.sentence
    # Photographs that were cut to a square are as rough in both directions.
    half = changed(data, lambda images: images.transpose(0, 2, 1, 3), every=2)
    assert find_other_pixel_order(half) is None


def test_rows_and_columns_exchanged_in_images_that_are_not_square(data: LesionDataset) -> None:
    wide = np.ascontiguousarray(data.images[:, 3:24])
    assert find_other_pixel_order(Subject(dataclasses.replace(data, images=wide))) is None
    columns_first = wide.transpose(0, 2, 1, 3).reshape(wide.shape)
    other_shape = wide.reshape(-1, *wide.shape[2:0:-1], 3)
    for images in (columns_first, other_shape):
        found = find_other_pixel_order(Subject(dataclasses.replace(data, images=images)))
        assert found is not None
        assert "read from top to bottom first" in found.sentence


def test_rows_and_columns_exchanged_in_some_images(data: LesionDataset) -> None:
    shifted = data.images.clip(0, 250) + np.uint8(3)
    twice = dataclasses.replace(
        data.take(np.tile(np.arange(len(data)), 2)), images=np.concatenate([data.images, shifted])
    )
    assert find_other_pixel_order(Subject(twice)) is None
    some = changed(twice, lambda images: images.transpose(0, 2, 1, 3), every=9)
    found = find_other_pixel_order(some)
    assert found is not None
    # 210 is not a multiple of 9, so both images of a pair are never exchanged together.
    assert "47 do so only if rows and columns of one are exchanged" in found.sentence
    turned = twice.images.copy()
    rng = np.random.default_rng(0)
    turned[210:] = orient_randomly(turned[210:], rng)
    assert find_other_pixel_order(Subject(dataclasses.replace(twice, images=turned))) is None


def test_images_of_one_colour(data: LesionDataset) -> None:
    images = data.images.copy()
    images[7] = 90, 80, 70
    found = find_even_images(Subject(dataclasses.replace(data, images=images)))
    assert found is not None
    assert found.sentence.startswith("1 image shows nothing")
    assert "Row 7 " in found.sentence
    images[9] = 0
    found = find_even_images(Subject(dataclasses.replace(data, images=images)))
    assert found is not None
    assert found.evidence == {"images": 2, "of": 210}
    all_even = np.zeros_like(images) + np.arange(2, 212, dtype=np.uint8)[:, None, None, None]
    assert tripped(Subject(dataclasses.replace(data, images=all_even))) == [find_even_images]
