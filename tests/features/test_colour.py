"""Colour scales and their distribution, compared with plain formulas."""

import colorsys

import numpy as np
import pytest

from hmnist.arrays import Float32
from hmnist.augmentation import orient
from hmnist.features.colour import add_colours, colour_scales, main_scales, scale_names
from hmnist.features.columns import Columns

RANDOM = np.random.default_rng(0)


def table_of(planes: Float32) -> dict[str, Float32]:
    columns = Columns(len(planes))
    add_colours(columns, colour_scales(planes))
    return dict(zip(columns.names, columns.table().T, strict=True))


def test_scales_of_one_pixel() -> None:
    pixel = np.array([0.6, 0.4, 0.2], np.float32).reshape(1, 3, 1, 1)
    scales = dict(zip(scale_names(9), colour_scales(pixel).ravel().tolist(), strict=True))
    expected = {
        "red": 0.6,
        "green": 0.4,
        "blue": 0.2,
        "grey": 0.4,
        "red-green": 0.2,
        "yellow-blue": 0.3,
        "saturation": 0.4 / 0.62,
        "redness": 0.6 / 1.26,
        "blueness": 0.2 / 1.26,
    }
    assert scales == pytest.approx(expected, rel=1e-5)


def test_saturation_is_nearly_that_of_hsv() -> None:
    colours = RANDOM.uniform(0.3, 1, (50, 3))
    scales = colour_scales(colours.astype(np.float32).reshape(50, 3, 1, 1))
    hsv = [colorsys.rgb_to_hsv(*colour)[1] for colour in colours]
    np.testing.assert_allclose(scales[:, 6].ravel(), hsv, atol=0.05)


def test_moments_and_quantiles_of_random_pixels() -> None:
    planes = RANDOM.random((2, 3, 20, 20), dtype=np.float32) ** 2
    table = table_of(planes)
    assert len(table) == 228
    for channel, name in enumerate(("red", "green", "blue")):
        for image in range(2):
            values = planes[image, channel].astype(float).ravel()
            rest = (values - values.mean()) / values.std()
            expected = {
                "mean": values.mean(),
                "std": values.std(),
                "skew": (rest**3).mean(),
                "kurtosis": (rest**4).mean(),
                "quantile 0.1": np.sort(values)[40],
                "quantile 0.5": np.sort(values)[200],
            }
            computed = {kind: float(table[f"{name} {kind}"][image]) for kind in expected}
            assert computed == pytest.approx(expected, rel=1e-3)


def test_correlation_of_scales() -> None:
    planes = RANDOM.random((1, 3, 30, 30), dtype=np.float32)
    scales = colour_scales(planes)[0].reshape(9, -1)
    expected = np.corrcoef(scales[3], scales[4])[0, 1]
    assert table_of(planes)["grey~red-green"][0] == pytest.approx(expected, abs=0.01)


def test_rings_show_a_bright_centre() -> None:
    y, x = np.mgrid[:28, :28] - 13.5
    planes = np.where(np.hypot(y, x) < 6, 1.0, 0.0).astype(np.float32)[None, None]
    table = table_of(planes)
    mean = planes.mean()
    assert table["grey ring 0 minus mean"][0] == pytest.approx(1 - mean, abs=1e-5)
    assert table["grey ring 1 minus mean"][0] == pytest.approx(1 - mean, abs=1e-5)
    assert table["grey ring 2 minus mean"][0] == pytest.approx(-mean, abs=1e-5)
    assert table["grey ring 5 std"][0] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_more_of_a_colour_raises_its_columns(colour: str) -> None:
    channel = ("red", "green", "blue").index(colour)
    planes = RANDOM.uniform(0.3, 0.5, (2, 3, 12, 12)).astype(np.float32)
    planes[1] = planes[0]
    planes[1, channel] += 0.3
    table = table_of(planes)
    for kind in ("mean", "quantile 0.02", "quantile 0.98"):
        low, high = table[f"{colour} {kind}"]
        assert high == pytest.approx(low + 0.3, abs=1e-5)
        for other in {"red", "green", "blue"} - {colour}:
            assert np.ptp(table[f"{other} {kind}"]) == 0


@pytest.mark.parametrize("way", range(1, 8))
def test_orientation_changes_nothing(way: int) -> None:
    images = RANDOM.random((3, 15, 15, 3), dtype=np.float32)
    straight = table_of(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    turned = table_of(np.ascontiguousarray(orient(images, way).transpose(0, 3, 1, 2)))
    for name, values in straight.items():
        np.testing.assert_allclose(turned[name], values, atol=1e-4, err_msg=name)


def test_grey_images_have_one_scale() -> None:
    table = table_of(RANDOM.random((2, 1, 8, 8), dtype=np.float32))
    assert len(table) == 25
    assert all(name.startswith("grey ") for name in table)
    assert main_scales(np.zeros((1, 1, 8, 8), np.float32))[1] == ("grey",)
