"""Copies of an image have one number, in any orientation."""

import numpy as np

from hmnist.augmentation import ORIENTATIONS, orient
from hmnist.splits.groups import group_copies


def test_copies_in_all_orientations_have_one_number(rng: np.random.Generator) -> None:
    images = rng.integers(256, size=(5, 4, 4, 3), dtype=np.uint8)
    turned = np.concatenate([orient(images, number) for number in range(ORIENTATIONS)])
    numbers = group_copies(turned).reshape(ORIENTATIONS, 5)
    assert (numbers == numbers[0]).all()
    assert len(set(numbers[0].tolist())) == 5


def test_other_images_have_other_numbers(rng: np.random.Generator) -> None:
    image = rng.integers(255, size=(1, 4, 4, 3), dtype=np.uint8)
    transposed_channels, brighter = image[..., ::-1], image + 1
    assert len(set(group_copies(np.concatenate([image, transposed_channels, brighter])))) == 3


def test_images_that_are_not_square_keep_their_shape(rng: np.random.Generator) -> None:
    image = rng.integers(256, size=(1, 4, 6, 1)).astype(np.float32)
    kept = [image, image[:, ::-1], image[:, :, ::-1], image[:, ::-1, ::-1]]
    assert len(set(group_copies(np.concatenate(kept)))) == 1
