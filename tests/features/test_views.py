"""The views, compared with plain sums."""

import numpy as np
import pytest

from hmnist.arrays import Array, Float32
from hmnist.augmentation import orient
from hmnist.features import views
from hmnist.features.geometry import border_mask
from hmnist.features.views import (
    chunk_size,
    codebook_views,
    cut_patches,
    finer_views,
    make_view,
    to_planes,
    view_halvings,
    view_size,
)

RANDOM = np.random.default_rng(0)


def test_planes_are_brightness_from_0_to_1() -> None:
    images = RANDOM.integers(0, 256, (2, 6, 7, 3), dtype=np.uint8)
    planes = to_planes(images)
    assert planes.shape == (2, 3, 6, 7)
    assert planes.dtype == np.float32
    np.testing.assert_allclose(planes[1, 2, 3, 4], images[1, 3, 4, 2] / 255, rtol=1e-6)


def test_half_averages_blocks() -> None:
    planes = RANDOM.random((2, 3, 8, 6), dtype=np.float32)
    blocks = planes.reshape(2, 3, 4, 2, 3, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(make_view(planes, "half"), blocks, rtol=1e-5)


def test_half_of_odd_sides_shares_the_middle() -> None:
    planes = np.arange(5, dtype=np.float32).reshape(1, 1, 1, 5).repeat(5, axis=2)
    halves = [(0 + 1 + 2 / 2) / 2.5, (2 / 2 + 3 + 4) / 2.5]
    np.testing.assert_allclose(make_view(planes, "half")[0, 0], [halves] * 2, rtol=1e-6)


@pytest.mark.parametrize("way", range(8))
def test_half_turns_with_the_image(way: int) -> None:
    images = RANDOM.integers(0, 256, (1, 9, 9, 3), dtype=np.uint8)
    turned = make_view(to_planes(orient(images, way)), "half")
    half = make_view(to_planes(images), "half").transpose(0, 2, 3, 1)
    np.testing.assert_allclose(turned, orient(half, way).transpose(0, 3, 1, 2), rtol=1e-5)


def test_relative_subtracts_the_median_of_the_border() -> None:
    planes = RANDOM.random((2, 3, 28, 28), dtype=np.float32)
    light = np.log(planes.astype(float) + 0.05)
    skin = np.median(light.reshape(2, 3, -1)[..., border_mask(28, 28)], axis=2)
    relative = make_view(planes, "relative")
    np.testing.assert_allclose(relative, light - skin[..., None, None], atol=1e-5)


def test_relative_removes_the_colour_of_the_lamp() -> None:
    planes = RANDOM.uniform(0.4, 0.5, (1, 3, 28, 28)).astype(np.float32)
    brighter = planes * np.array([1.9, 1.5, 1.2], np.float32).reshape(3, 1, 1)
    change = make_view(brighter, "relative") - make_view(planes, "relative")
    assert np.abs(change).max() < 0.03


def test_patches_of_all_chunks_come_from_their_image() -> None:
    images = RANDOM.integers(0, 256, (5, 300, 300, 1), dtype=np.uint8)
    assert chunk_size(300, 300) == 2
    assert view_halvings((300, 300, 1))["fine8"] == 0
    image, row, column = np.array([4, 0, 3, 2, 1, 4]), np.arange(6) * 50, np.arange(6)[::-1] * 59
    patches = cut_patches(images, "fine8", 5, (image, row, column)).reshape(6, 1, 5, 5)
    planes = to_planes(images)
    for patch, i, y, x in zip(patches, image, row, column, strict=True):
        np.testing.assert_array_equal(patch, planes[i, :, y : y + 5, x : x + 5])


def test_chunks_shrink_as_images_grow() -> None:
    assert chunk_size(28, 28) == 256
    assert chunk_size(2000, 2000) == 1


def test_names_and_sizes() -> None:
    assert view_halvings((28, 28, 3)) == {"colour": 0, "half": 1, "relative": 0}
    assert next(iter(view_halvings((28, 28, 1)))) == "grey"
    assert finer_views((55, 60, 3)) == {}
    assert codebook_views(1) == ()
    sizes = {view: view_size((75, 100, 3), view) for view in view_halvings((75, 100, 3))}
    assert sizes == {"colour": (37, 50), "half": (18, 25), "relative": (37, 50), "fine2": (75, 100)}


@pytest.mark.parametrize("view", ["colour", "half", "relative", "fine2"])
def test_views_have_their_size(view: str) -> None:
    planes = RANDOM.random((2, 3, 75, 100), dtype=np.float32)
    assert make_view(planes, view).shape == (2, 3, *view_size((75, 100, 3), view))


def test_a_large_image_is_averaged_to_its_usual_size() -> None:
    planes = RANDOM.random((2, 3, 112, 112), dtype=np.float32)
    blocks = planes.reshape(2, 3, 28, 4, 28, 4).mean(axis=(3, 5))
    np.testing.assert_allclose(make_view(planes, "colour"), blocks, rtol=1e-4)
    np.testing.assert_allclose(
        make_view(planes, "relative"), make_view(blocks, "relative"), atol=1e-4
    )
    np.testing.assert_array_equal(make_view(planes, "fine4"), planes)


def test_only_the_images_of_the_patches_are_read(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = rng.integers(0, 256, (1000, 6, 6, 1), dtype=np.uint8)
    read: list[int] = []

    def note(chosen: Array) -> Float32:
        read.append(len(chosen))
        return to_planes(chosen)

    monkeypatch.setattr(views, "to_planes", note)
    monkeypatch.setattr(views, "CHUNK_PIXELS", 36)
    image = np.array([7, 999, 7, 0])
    patches = cut_patches(images, "grey", 2, (image, *np.array([[0, 4, 1, 2], [3, 4, 0, 1]])))
    assert read == [1, 1, 1]
    expected = [
        images[7, 0:2, 3:5],
        images[999, 4:6, 4:6],
        images[7, 1:3, 0:2],
        images[0, 2:4, 1:3],
    ]
    np.testing.assert_allclose(patches, np.reshape(expected, (4, 4)) / 255, rtol=1e-6)
