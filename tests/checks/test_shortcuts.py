import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from hmnist.arrays import Array
from hmnist.checks.shortcuts import (
    find_other_pictures_in_test,
    find_telling_border,
    find_telling_colours,
)
from hmnist.checks.subject import Found, Subject, TooFew
from hmnist.dataset import LesionDataset
from hmnist.sources.sample import load_sample
from hmnist.splits.split import Split, split


@pytest.fixture(scope="module")
def data() -> LesionDataset:
    return load_sample(rows=700)


def changed(data: LesionDataset, change: Callable[[Array], Array]) -> LesionDataset:
    images = change(data.images.astype(np.int64))
    return dataclasses.replace(data, images=images.clip(0, 255).astype(np.uint8))


def test_sound_data_have_no_shortcut(data: LesionDataset) -> None:
    subject = Subject(data, split(data))
    assert find_telling_border(subject) is None
    assert find_telling_colours(subject) is None
    assert find_other_pictures_in_test(subject) is None


def test_a_mark_on_the_border(data: LesionDataset) -> None:
    def mark(images: Array) -> Array:
        images[data.labels == 6, :2, :4] -= 120
        return images

    subject = Subject(changed(data, mark))
    found = find_telling_border(subject)
    assert isinstance(found, Found)
    assert "mel (AUC" in found.sentence
    assert float(found.evidence["mel low"]) > 0.8
    assert find_telling_colours(subject) is None


def test_a_lamp_for_a_diagnosis(data: LesionDataset) -> None:
    def tint(images: Array) -> Array:
        images[data.labels == 2] += [40, 0, -40]
        return images

    found = find_telling_colours(Subject(changed(data, tint)))
    assert isinstance(found, Found)
    assert "bkl (AUC" in found.sentence


def test_grey_images_have_borders_and_brightness(data: LesionDataset) -> None:
    grey = dataclasses.replace(
        data, images=data.images.mean(axis=3, keepdims=True).astype(np.uint8)
    )
    assert find_telling_border(Subject(grey)) is None
    assert find_telling_colours(Subject(grey)) is None


def test_brighter_test_images(data: LesionDataset) -> None:
    parts = split(data)

    def brighten(images: Array) -> Array:
        images[parts.test_indices] = images[parts.test_indices] * 12 // 10
        return images

    brighter = changed(data, brighten)
    found = find_other_pictures_in_test(
        Subject(brighter, dataclasses.replace(parts, data=brighter))
    )
    assert isinstance(found, Found)
    assert float(found.evidence["low"]) > 0.65


def test_another_mix_is_no_other_picture(data: LesionDataset) -> None:
    naevi, others = np.flatnonzero(data.labels == 4), np.flatnonzero(data.labels != 4)
    train, test = np.append(naevi[:100], others[:150]), np.append(naevi[100:], others[150:170])
    mixed = Split(data, "x", train, train[:0], test)
    assert find_other_pictures_in_test(Subject(data, mixed)) is None


def test_parts_without_a_diagnosis_in_common(data: LesionDataset) -> None:
    naevi, others = np.flatnonzero(data.labels == 4), np.flatnonzero(data.labels != 4)
    apart = Split(data, "x", naevi, naevi[:0], others)
    assert isinstance(find_other_pictures_in_test(Subject(data, apart)), TooFew)
    few = Split(data, "x", naevi, naevi[:0], others[:5])
    assert isinstance(find_other_pictures_in_test(Subject(data, few)), TooFew)
