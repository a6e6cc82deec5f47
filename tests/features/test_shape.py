"""The lesion's outline on discs and ellipses, and Otsu's threshold by brute force."""

import numpy as np
import pytest

from hmnist.arrays import Float32
from hmnist.augmentation import orient
from hmnist.features.colour import colour_scales
from hmnist.features.columns import Columns
from hmnist.features.shape import add_shapes, smooth, split_by_otsu
from hmnist.features.views import make_view

RANDOM = np.random.default_rng(0)


def table_of(planes: Float32) -> dict[str, Float32]:
    columns = Columns(len(planes))
    add_shapes(columns, colour_scales(planes), make_view(planes, "relative"))
    return dict(zip(columns.names, columns.table().T, strict=True))


def lesion(
    radius: tuple[float, float] = (7, 7),
    middle: tuple[float, float] = (0, 0),
    dark: float = 0.3,
    light: float = 0.8,
    side: int = 28,
) -> Float32:
    """Return one colour image of an ellipse on skin, channels first."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = ((y - middle[0]) / radius[0]) ** 2 + ((x - middle[1]) / radius[1]) ** 2 < 1
    grey = np.where(inside, dark, light)
    return np.repeat(grey[None, None], 3, axis=1).astype(np.float32)


def test_otsu_equals_a_search_over_all_thresholds() -> None:
    bimodal = np.concatenate([RANDOM.normal(0, 1, (20, 60)), RANDOM.normal(5, 2, (20, 40))], axis=1)
    values = bimodal.astype(np.float32)
    thresholds, separations = split_by_otsu(values)
    for row, threshold, separation in zip(values, thresholds, separations, strict=True):
        low, high = float(row.min()), float(row.max())
        bins = np.minimum((row - low) / (high - low) * 64, 63).astype(int)
        between = np.zeros(63)
        for last in range(63):
            lower, upper = bins[bins <= last], bins[bins > last]
            share = len(lower) / len(bins)
            between[last] = share * (1 - share) * (upper.mean() - lower.mean()) ** 2
        assert separation == pytest.approx(between.max(), rel=1e-4)
        assert threshold == pytest.approx(low + (high - low) * (between.argmax() + 1) / 64)


def test_smoothing_averages_nine() -> None:
    image = RANDOM.random((1, 5, 6), dtype=np.float32)
    even = smooth(image)
    assert even[0, 2, 3] == pytest.approx(image[0, 1:4, 2:5].mean(), rel=1e-5)
    corner = (4 * image[0, 0, 0] + 2 * image[0, 0, 1] + 2 * image[0, 1, 0] + image[0, 1, 1]) / 9
    assert even[0, 0, 0] == pytest.approx(corner, rel=1e-5)


def test_a_disc() -> None:
    table = table_of(lesion())
    assert len(table) == 113
    for mask in ("dark", "contrast"):
        columns = {name: float(values[0]) for name, values in table.items() if mask in name}
        assert columns[f"{mask} lesion area"] == pytest.approx(np.pi * 49 / 784, rel=0.05)
        assert columns[f"{mask} lesion share of border"] == 0
        assert columns[f"{mask} lesion off centre"] == pytest.approx(0, abs=1e-4)
        assert columns[f"{mask} lesion roundness"] == pytest.approx(1, abs=1e-3)
        # A disc's mean squared radius is r²/2, its mean radius 2r/3.
        assert columns[f"{mask} lesion spread"] == pytest.approx(7 / np.sqrt(2), rel=0.03)
        wobble = np.sqrt(1 / 2 - 4 / 9) / (2 / 3)
        assert columns[f"{mask} lesion radial variation"] == pytest.approx(wobble, rel=0.05)
        assert columns[f"{mask} lesion mirror asymmetry"] == 0
        assert columns[f"{mask} lesion half-turn asymmetry"] == 0
        assert columns[f"{mask} lesion grey inside"] == pytest.approx(0.3, abs=0.05)
        difference = columns[f"{mask} lesion grey inside minus outside"]
        assert difference == pytest.approx(-0.5, abs=0.05)
    assert table["grey asymmetry axis most"][0] == pytest.approx(0, abs=1e-6)


def test_an_ellipse_is_less_round() -> None:
    table = table_of(lesion(radius=(10, 5)))
    assert table["dark lesion roundness"][0] == pytest.approx((5 / 10) ** 2, rel=0.1)
    assert table["grey asymmetry axis most"][0] == pytest.approx(0, abs=1e-6)
    assert table["grey asymmetry diagonal least"][0] > 0.05


def test_a_lesion_beside_the_centre() -> None:
    table = table_of(lesion(middle=(3, 4), radius=(5, 5)))
    assert table["dark lesion off centre"][0] == pytest.approx(5, abs=0.3)
    assert table["dark lesion half-turn asymmetry"][0] > 0.2


def test_a_pale_lesion_is_found_by_contrast() -> None:
    table = table_of(lesion(dark=0.9, light=0.5))
    assert table["contrast lesion area"][0] == pytest.approx(np.pi * 49 / 784, rel=0.05)
    assert table["contrast lesion grey inside minus outside"][0] > 0.3


def test_a_sharp_edge_is_steeper() -> None:
    sharp = lesion()
    soft = sharp[0]  # its channels, as if they were three images
    for _ in range(4):
        soft = smooth(soft)
    kind = "dark lesion edge slope"
    assert table_of(sharp)[kind][0] > 1.5 * table_of(soft[None])[kind][0]


@pytest.mark.parametrize("way", range(1, 8))
def test_orientation_changes_nothing_but_the_edge(way: int) -> None:
    planes = np.concatenate(
        [
            lesion(radius=(RANDOM.uniform(4, 9), RANDOM.uniform(4, 9)), middle=(1.3, -2.1))
            for _ in range(6)
        ]
    )
    planes += RANDOM.normal(0, 0.02, planes.shape).astype(np.float32)
    straight = table_of(planes)
    turned_images = orient(planes.transpose(0, 2, 3, 1), way)
    turned = table_of(np.ascontiguousarray(turned_images.transpose(0, 3, 1, 2)))
    for name, values in straight.items():
        if " edge " not in name:
            np.testing.assert_allclose(turned[name], values, rtol=1e-3, atol=1e-3, err_msg=name)


def test_only_square_images_have_diagonals() -> None:
    wide = RANDOM.random((1, 3, 8, 10), dtype=np.float32)
    assert not any("diagonal" in name for name in table_of(wide))
    assert any("diagonal" in name for name in table_of(wide[..., :8]))
    assert len(table_of(wide[:, :1, :, :8])) == 39


@pytest.mark.parametrize("channels", [1, 3])
def test_an_even_image_gives_finite_numbers(channels: int) -> None:
    table = table_of(np.full((2, channels, 10, 12), 0.4, np.float32))
    assert all(np.isfinite(values).all() for values in table.values())
