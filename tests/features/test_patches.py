"""Whitened patches, compared with loops over positions, filters and orientations."""

import itertools

import numpy as np
import pytest

from hmnist.arrays import Float32
from hmnist.augmentation import orient
from hmnist.features.columns import Columns
from hmnist.features.geometry import patch_orientations, zone_weights
from hmnist.features.patches import (
    PatchFilters,
    add_patches,
    draw_patches,
    fit_filters,
    patch_side,
)

RANDOM = np.random.default_rng(0)


def random_filters(count: int, side: int, channels: int) -> PatchFilters:
    permutations = patch_orientations((side, side, channels))
    upright = RANDOM.normal(size=(count, side * side * channels))
    weights = upright[:, permutations].swapaxes(0, 1).reshape(8 * count, -1)
    offset = np.tile(RANDOM.normal(size=count), 8)
    return PatchFilters(weights.astype(np.float32), offset.astype(np.float32), side)


def table_of(planes: Float32, filters: PatchFilters) -> dict[str, Float32]:
    columns = Columns(len(planes))
    add_patches(columns, planes, filters, "colour")
    return dict(zip(columns.names, columns.table().T, strict=True))


def test_responses_equal_an_explicit_loop() -> None:
    planes, filters = RANDOM.random((2, 3, 7, 9), dtype=np.float32), random_filters(2, 3, 3)
    table = table_of(planes, filters)
    zones = zone_weights(5, 7)
    assert len(table) == 20 * 2
    for image, number, sign in itertools.product(range(2), range(2), (1, -1)):
        responses = np.empty((8, 35))
        for way, (position, (row, column)) in itertools.product(
            range(8), enumerate(itertools.product(range(5), range(7)))
        ):
            patch = planes[image, :, row : row + 3, column : column + 3].ravel()
            weights = filters.weights[way * 2 + number]
            responses[way, position] = patch @ weights - filters.offset[number]
        rectified = np.maximum(sign * responses, 0)
        name = f"colour patch {number:02d} {'positive' if sign == 1 else 'negative'}"
        for zone, weight in zip(("image", "centre", "middle", "rim"), zones, strict=True):
            any_way = np.sqrt((rectified.mean(axis=0) * weight).sum())
            best_way = np.sqrt((rectified.max(axis=0) * weight).sum())
            assert table[f"{name} any way {zone}"][image] == pytest.approx(any_way, rel=1e-4)
            assert table[f"{name} best way {zone}"][image] == pytest.approx(best_way, rel=1e-4)
        any_way, best_way = rectified.std(), rectified.max(axis=0).std()
        deviation = table[f"{name} any way deviation"][image]
        assert deviation == pytest.approx(np.sqrt(any_way), rel=1e-3)
        deviation = table[f"{name} best way deviation"][image]
        assert deviation == pytest.approx(np.sqrt(best_way), rel=1e-3)


@pytest.mark.parametrize("way", range(1, 8))
def test_orientation_changes_nothing(way: int) -> None:
    images = RANDOM.random((3, 12, 12, 3), dtype=np.float32)
    filters = random_filters(3, 4, 3)
    straight = table_of(np.ascontiguousarray(images.transpose(0, 3, 1, 2)), filters)
    turned = table_of(np.ascontiguousarray(orient(images, way).transpose(0, 3, 1, 2)), filters)
    for name, values in straight.items():
        np.testing.assert_allclose(turned[name], values, rtol=1e-4, err_msg=name)


def test_patches_come_from_the_images() -> None:
    # Each pixel tells its image, row and column, so each patch tells its position.
    image, row, column = np.meshgrid(range(3), range(8), range(8), indexing="ij")
    images = (image * 64 + row * 8 + column).astype(np.uint8)[..., None]
    patches, side = draw_patches(images, "grey", 3, np.random.default_rng(1))
    assert side == 3
    cut = np.round(patches * 255).astype(int).reshape(-1, 3, 3)
    steps = np.add.outer(8 * np.arange(3), np.arange(3))
    np.testing.assert_array_equal(cut - cut[:, :1, :1], np.broadcast_to(steps, cut.shape))
    assert len(np.unique(cut[:, 0, 0])) == 3 * 6 * 6  # every position in every image


def test_whitening_makes_all_directions_equal() -> None:
    # Patches of a steep spectrum in all orientations: whitened, no pair of numbers is correlated.
    mix = RANDOM.normal(size=(9, 9)) * np.geomspace(1, 0.1, 9)
    patches = (RANDOM.normal(size=(4000, 9)) @ mix.T).astype(np.float32)
    filters = fit_filters(patches, 3, 60, ridge=1e-9)
    turned = patches[:, patch_orientations((3, 3, 1))].reshape(-1, 9).astype(float)
    covariance = np.cov(turned, rowvar=False)
    spread = np.sqrt(np.einsum("fi,ij,fj->f", filters.weights, covariance, filters.weights))
    # A filter is a unit vector times the whitening, so its response has a variance of one.
    np.testing.assert_allclose(spread, 1, rtol=1e-3)
    np.testing.assert_allclose(filters.offset, filters.weights @ turned.mean(axis=0), atol=1e-4)


def test_filters_come_in_eight_orientations() -> None:
    patches = RANDOM.random((500, 27), dtype=np.float32)
    filters = fit_filters(patches, 3, 5, ridge=1e-3)
    assert filters.count == 5
    ways = filters.weights.reshape(8, 5, 27)
    for way, permutation in enumerate(patch_orientations((3, 3, 3))):
        np.testing.assert_allclose(ways[way], ways[0][:, permutation], rtol=1e-3, atol=1e-4)


def test_a_pattern_and_its_turned_copies_are_one_filter() -> None:
    permutations = patch_orientations((3, 3, 1))
    patterns = np.array([[1, 0, 0, 1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0]], float)
    kind = np.arange(800) % 2
    drawn = permutations[RANDOM.integers(8, size=800)]
    patches = np.take_along_axis(patterns[kind], drawn, axis=1)
    patches += RANDOM.normal(0, 0.02, patches.shape)
    filters = fit_filters(patches.astype(np.float32), 3, 2, ridge=0.1)
    responses = (patches @ filters.weights.T - filters.offset).reshape(800, 8, 2).max(axis=1)
    assert (responses.argmax(axis=1) == kind).all()


def test_identical_patches_give_finite_filters() -> None:
    filters = fit_filters(np.full((50, 4), 0.5, np.float32), 2, 3, ridge=1e-3)
    assert np.isfinite(filters.weights).all()
    assert np.isfinite(filters.offset).all()


@pytest.mark.parametrize(("side", "expected"), [(3, 2), (4, 2), (8, 4), (12, 6), (28, 6)])
def test_patches_shrink_with_the_image(side: int, expected: int) -> None:
    assert patch_side(6, side, side + 3) == expected
