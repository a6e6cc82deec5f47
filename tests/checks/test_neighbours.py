import numpy as np
import pytest
from PIL import Image

from hmnist.arrays import Pixels
from hmnist.augmentation import ORIENTATIONS, TRANSPOSED, orient
from hmnist.checks.neighbours import NEAR, find_near_pairs
from hmnist.dataset import LesionDataset
from hmnist.sources.sample import load_sample


@pytest.fixture(scope="module")
def data() -> LesionDataset:
    """One image of each lesion."""
    data = load_sample(rows=140, seed=2)
    assert data.lesion_ids is not None
    return data.take(np.unique(data.lesion_ids, return_index=True)[1])


def with_copies(images: Pixels, copies: Pixels) -> list[tuple[int, int]]:
    """Return the near pairs of images and changed copies of their first ones."""
    pairs = find_near_pairs(np.concatenate([images, copies]), NEAR)
    assert (np.diff(pairs.likeness) <= 0).all()
    assert (pairs.first < pairs.second).all()
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def test_different_lesions_are_not_near(data: LesionDataset) -> None:
    assert len(find_near_pairs(data.images, NEAR).first) == 0


def test_turned_and_mirrored_copies_are_near(data: LesionDataset) -> None:
    copies = [orient(data.images[[way]], way)[0] for way in range(1, ORIENTATIONS)]
    found = with_copies(data.images, np.stack(copies))
    assert set(found) == {(way, len(data) + way - 1) for way in range(1, ORIENTATIONS)}


def test_the_orientation_is_told(data: LesionDataset) -> None:
    copies = np.concatenate([orient(data.images[[way]], way) for way in range(ORIENTATIONS)]) // 2
    pairs = find_near_pairs(np.concatenate([data.images, copies]), NEAR)
    told = dict(zip(pairs.first.tolist(), pairs.orientation.tolist(), strict=True))
    assert told == {way: way for way in range(ORIENTATIONS)}
    assert (orient(data.images, TRANSPOSED) == data.images.transpose(0, 2, 1, 3)).all()


def test_orientations_that_keep_the_shape() -> None:
    images = np.random.default_rng(0).integers(0, 200, (60, 12, 18, 3), dtype=np.uint8)
    copies = np.concatenate([orient(images[[way]], way) for way in (0, 2, 4, 6)]) + np.uint8(9)
    pairs = find_near_pairs(np.concatenate([images, copies]), NEAR)
    assert sorted(pairs.orientation.tolist()) == [0, 2, 4, 6]


def test_changed_copies_are_near(data: LesionDataset) -> None:
    few, rng = data.images[:9], np.random.default_rng(0)
    noisy = (few.astype(int) + rng.integers(-1, 2, few.shape)).clip(0, 255).astype(np.uint8)
    resampled = [Image.fromarray(image).resize((20, 20), 2).resize((28, 28), 3) for image in few]
    for copies in (few // 2 + 10, noisy, np.stack([np.asarray(image) for image in resampled])):
        assert set(with_copies(data.images, copies)) == {(row, len(data) + row) for row in range(9)}


@pytest.mark.parametrize("shape", [(8, 8, 3), (16, 16, 1), (28, 28, 1), (12, 18, 3), (56, 60, 1)])
def test_other_shapes(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, *shape), dtype=np.uint8)
    assert set(with_copies(images, images[:2, ::-1, ::-1])) == {(0, 60), (1, 61)}


def test_even_images_are_near_nothing() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 14, 14, 3), dtype=np.uint8)
    even = np.full((2, 14, 14, 3), [[[[10]]], [[[200]]]], np.uint8)
    assert with_copies(images, even) == []


def test_the_nearest_eight_of_many_are_kept() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(30, 200, (40, 14, 14, 3), dtype=np.uint8)
    copies = images[:1] + np.arange(1, 13, dtype=np.uint8)[:, None, None, None]
    found = with_copies(images, copies)
    assert len([pair for pair in found if pair[0] == 0]) == 8
