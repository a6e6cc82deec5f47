"""Rings, border and orientations, compared with explicit counting."""

import numpy as np
import pytest

from hmnist.augmentation import orient
from hmnist.features.geometry import (
    border_mask,
    centre_distances,
    patch_orientations,
    ring_weights,
    zone_weights,
)

SIDES = [(6, 6), (7, 7), (8, 8), (9, 13), (28, 28), (37, 50), (6, 40), (2, 2), (1, 1), (1, 3)]


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_zones_average(height: int, width: int) -> None:
    weights = zone_weights(height, width)
    assert weights.shape == (4, height * width)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    assert np.unique(weights[0]).size == 1


def test_no_zone_is_empty() -> None:
    for height in range(1, 41):
        for width in (height, height + 1, 40):
            assert np.isfinite(zone_weights(height, width)).all()


def test_zones_hold_a_third_each() -> None:
    shares = (zone_weights(28, 28)[1:] > 0).sum(axis=1) / 784
    np.testing.assert_allclose(shares, 1 / 3, atol=0.04)


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_rings_average(height: int, width: int) -> None:
    weights = ring_weights(height, width, (0, 0.2, 0.5, 1, 2))
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)


def test_rings_of_three_pixels() -> None:
    weights = ring_weights(28, 28, (0, 3 / 14, 6 / 14))
    y, x = np.mgrid[:28, :28] - 13.5
    radius = np.sqrt(y**2 + x**2).ravel()
    assert ((weights[0] > 0) == (radius < 3)).all()
    assert ((weights[1] > 0) == ((radius >= 3) & (radius < 6))).all()


@pytest.mark.parametrize(("side", "width"), [(28, 2), (8, 1), (6, 1), (75, 5)])
def test_border_width_follows_the_size(side: int, width: int) -> None:
    border = border_mask(side, side).reshape(side, side)
    assert border.sum() == side**2 - (side - 2 * width) ** 2
    assert border[width - 1].all()
    assert not border[width, width:-width].any()


def test_distances_are_relative_to_each_side() -> None:
    distance = centre_distances(3, 101)
    assert distance[1, 50] == 0
    assert distance[0, 50] == pytest.approx(2 / 3)
    assert distance[1, 0] == pytest.approx(100 / 101)


def test_permutations_are_the_eight_orientations() -> None:
    patch = np.random.default_rng(0).normal(size=(1, 3, 3, 2))
    flat = patch.transpose(0, 3, 1, 2).ravel()
    for orientation, permutation in enumerate(patch_orientations((3, 3, 2))):
        oriented = orient(patch, orientation).transpose(0, 3, 1, 2).ravel()
        np.testing.assert_array_equal(flat[permutation], oriented)
