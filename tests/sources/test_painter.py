"""The painter: an image depends on its row and the seed, and lesions look like their diagnosis."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.diagnoses import CODES, label_of
from hmnist.sources.painter import paint
from hmnist.sources.random_numbers import normal, uniform


def _paint_lesions(
    code: str, count: int, number: int = 0, seed: int = 0
) -> npt.NDArray[np.float64]:
    labels = np.full(count, label_of(code))
    lesions = np.arange(count) + 1000 * label_of(code)
    return paint(labels, lesions, np.full(count, number), seed).astype(float)


def test_images_are_rgb_of_28_by_28() -> None:
    images = paint(np.arange(7), np.arange(7), np.zeros(7, np.int64), seed=0)
    assert images.shape == (7, 28, 28, 3)
    assert images.dtype == np.uint8


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**70), rows=st.lists(st.integers(0, 299), min_size=1, max_size=5))
def test_an_image_does_not_depend_on_the_others(seed: int, rows: list[int]) -> None:
    labels, lesions, numbers = np.arange(300) % 7, np.arange(300) // 2, np.arange(300) % 2
    together = paint(labels, lesions, numbers, seed)
    alone = paint(labels[rows], lesions[rows], numbers[rows], seed)
    np.testing.assert_array_equal(alone, together[rows])


def test_another_seed_gives_other_lesions() -> None:
    difference = np.abs(_paint_lesions("nv", 50) - _paint_lesions("nv", 50, seed=1))
    assert difference.mean() > 10


@pytest.mark.parametrize("code", CODES)
def test_images_of_a_lesion_are_nearer_to_each_other_than_to_other_lesions(code: str) -> None:
    count = 100
    first, second = _paint_lesions(code, count), _paint_lesions(code, count, number=1)
    same = np.abs(first - second).mean(axis=(1, 2, 3))
    different = np.abs(first - np.roll(second, 1, axis=0)).mean(axis=(1, 2, 3))
    assert same.mean() < 0.7 * different.mean()
    assert same.min() > 0.5, "a second image is another photograph, not a copy"


def test_lesions_are_darker_than_the_skin_around_them() -> None:
    images = np.concatenate([_paint_lesions(code, 60) for code in CODES])
    centre = images[:, 10:18, 10:18].mean(axis=(1, 2, 3))
    # The middles of the edges: the corners may lie outside the dermatoscope's circle.
    edge = np.concatenate([images[:, 2:4, 10:18], images[:, 24:26, 10:18]], axis=1)
    assert np.mean(centre < edge.mean(axis=(1, 2, 3))) > 0.85


def test_diagnoses_have_typical_colours() -> None:
    naevus, melanoma, vascular, scar = (
        _paint_lesions(code, 200)[:, 9:19, 9:19].mean(axis=(0, 1, 2))
        for code in ("nv", "mel", "vasc", "df")
    )
    assert melanoma.sum() < naevus.sum() < scar.sum()
    # Blood takes most of the green, melanin most of the blue.
    assert vascular[0] / vascular[1] > naevus[0] / naevus[1]
    assert vascular[2] / vascular[1] > naevus[2] / naevus[1]


@pytest.mark.parametrize("purpose", ["skin", "hair"])
def test_uniform_numbers_are_uniform_and_unrelated(purpose: str) -> None:
    drawn = uniform(3, purpose, np.arange(20_000), 4)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts = np.stack([np.histogram(column, 10, (0, 1))[0] for column in drawn.T])
    # 2,000 expected in each of ten bins, with a standard deviation of 42.
    assert np.abs(counts - 2000).max() < 5 * 42
    related = np.corrcoef(np.vstack([drawn.T, np.roll(drawn, 1, axis=0).T]))
    assert np.abs(related - np.eye(8)).max() < 5 / np.sqrt(20_000)


def test_normal_numbers_have_the_moments_of_the_normal_distribution() -> None:
    drawn = normal(0, "looks", np.arange(40_000), 1).astype(float)
    assert abs(drawn.mean()) < 0.025
    assert abs(drawn.std() - 1) < 0.02
    assert abs((drawn**4).mean() - 3) < 0.25


def test_purpose_and_seed_change_the_numbers() -> None:
    keys = np.arange(100)
    drawn = [uniform(0, "skin", keys, 1), uniform(1, "skin", keys, 1), uniform(0, "hair", keys, 1)]
    assert len(np.unique(np.concatenate(drawn))) == 300
