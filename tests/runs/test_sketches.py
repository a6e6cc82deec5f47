"""Sketches, against means that are computed block by block."""

import numpy as np

from hmnist.augmentation import all_orientations, orient
from hmnist.runs.sketches import NEAR, SIDE, are_near, sketch_images


def test_values_are_means_of_blocks(rng: np.random.Generator) -> None:
    images = rng.integers(256, size=(3, 28, 14, 3), dtype=np.uint8)
    grey = images.mean(axis=3)
    for row in range(SIDE):
        for column in range(SIDE):
            block = grey[:, 4 * row : 4 * row + 4, 2 * column : 2 * column + 2]
            expected = block.mean(axis=(1, 2)) - grey.mean(axis=(1, 2))
            found = sketch_images(images)[:, row, column]
            np.testing.assert_allclose(found, expected, atol=0.501)


def test_values_are_cut_off_at_what_a_byte_holds() -> None:
    image = np.zeros((1, 28, 28, 1), np.uint8)
    image[:, :4] = 255
    assert sketch_images(image)[0, 0, 0] == 127


def test_near_is_every_value_in_some_orientation(rng: np.random.Generator) -> None:
    others = rng.integers(-12, 12, size=(40, SIDE, SIDE)).astype(np.int8)
    turned = orient(others[:30, ..., None], 5)[..., 0]
    changes = rng.integers(-NEAR - 1, NEAR + 2, size=(30, SIDE, SIDE))
    changes[:15] = changes[:15].clip(-NEAR, NEAR)
    sketches = np.concatenate([(turned + changes).astype(np.int8), others[30:] // 2])
    expected = [
        any(
            np.abs(each.astype(int) - other).max() <= NEAR
            for each in all_orientations(sketch[None, ..., None])
            for other in others[..., None].astype(int)
        )
        for sketch in sketches
    ]
    assert are_near(sketches, others).tolist() == expected
    assert sum(expected) == 15


def test_of_none_there_is_no_near_copy() -> None:
    sketches = np.full((2, SIDE, SIDE), 9, np.int8)
    assert not are_near(sketches, sketches[:0]).any()
    assert not len(are_near(sketches[:0], sketches))
