"""Slopes, local binary patterns and the spectrum, compared with loops and definitions."""

import cmath

import numpy as np
import pytest

from hmnist.arrays import Float32
from hmnist.augmentation import orient
from hmnist.features.columns import Columns
from hmnist.features.texture import add_textures, binary_patterns, spectrum_bands

RANDOM = np.random.default_rng(0)


def table_of(images: Float32) -> dict[str, Float32]:
    """Return the columns of grey images (n, h, w)."""
    columns = Columns(len(images))
    add_textures(columns, images[:, None])
    return dict(zip(columns.names, columns.table().T, strict=True))


@pytest.mark.parametrize("radius", [1, 2])
def test_patterns_equal_a_loop_over_pixels(radius: int) -> None:
    image = RANDOM.integers(0, 4, (1, 9, 11)).astype(np.float32)
    codes = binary_patterns(image, radius)
    for row in range(radius, 9 - radius):
        for column in range(radius, 11 - radius):
            circle = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
            bits = [
                bool(image[0, row + radius * y, column + radius * x] > image[0, row, column])
                for y, x in circle
            ]
            changes = sum(bits[k] != bits[k - 1] for k in range(8))
            expected = sum(bits) if changes <= 2 else 9
            assert codes[0, row - radius, column - radius] == expected


def test_pattern_shares_sum_to_one() -> None:
    table = table_of(RANDOM.random((3, 12, 12), dtype=np.float32))
    for radius in (1, 2):
        shares = [values for name, values in table.items() if f"radius {radius}" in name]
        assert len(shares) == 10
        np.testing.assert_allclose(np.sum(shares, axis=0), 1, rtol=1e-5)


def test_gradients_of_a_ramp() -> None:
    ramp = np.broadcast_to(np.arange(10, dtype=np.float32) * 0.03, (1, 10, 10))
    table = table_of(ramp)
    for quantile in (0.1, 0.5, 0.98):
        value = table[f"grey gradient quantile {quantile}"][0]
        assert value == pytest.approx(np.log(0.06 + 1e-3), rel=1e-4)


def test_the_spectrum_follows_its_definition() -> None:
    side = 8
    image = RANDOM.random((side, side))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(side) / (side - 1))
    windowed = (image - image.mean()) * np.outer(hann, hann)
    power: dict[int, list[float]] = {}
    for down in range(-side // 2, side // 2):
        for right in range(side // 2 + 1):
            wave = sum(
                windowed[y, x] * cmath.exp(-2j * cmath.pi * (down * y + right * x) / side)
                for y in range(side)
                for x in range(side)
            )
            band = min(round(float(np.hypot(down, right))), 4)
            power.setdefault(band, []).append(abs(wave) ** 2)
    table = table_of(image.astype(np.float32)[None])
    for band in range(1, 5):
        expected = np.log(np.mean(power[band]) + 1e-5)
        assert table[f"grey spectrum {band}"][0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("waves", [2, 5, 9])
def test_waves_show_in_their_band(waves: int) -> None:
    image = np.sin(2 * np.pi * waves * np.arange(28) / 28).astype(np.float32)
    table = table_of(np.broadcast_to(image, (1, 28, 28)))
    bands = [table[f"grey spectrum {band}"][0] for band in range(1, 15)]
    assert int(np.argmax(bands)) + 1 == waves


@pytest.mark.parametrize("waves", [16, 21, 27])
def test_short_waves_show_in_finer_images(waves: int) -> None:
    image = np.sin(2 * np.pi * waves * np.arange(56) / 56).astype(np.float32)
    columns = Columns(rows=1)
    add_textures(columns, np.broadcast_to(image, (1, 1, 56, 56)), finer=2)
    table = dict(zip(columns.names, columns.table()[0], strict=True))
    bands = {band: table[f"grey fine2 spectrum {band}"] for band in range(8, 15)}
    assert len(table) == 33
    assert max(bands, key=lambda band: bands[band]) == round(waves / 2)


@pytest.mark.parametrize(("height", "width"), [(6, 6), (7, 9), (8, 8), (28, 28), (75, 100)])
def test_bands_average(height: int, width: int) -> None:
    bands = spectrum_bands(height, width)
    assert bands.shape == (height * (width // 2 + 1), min(14, height // 2))
    np.testing.assert_allclose(bands.sum(axis=0, dtype=float), 1, rtol=1e-5)


@pytest.mark.parametrize("way", range(1, 8))
def test_orientation_changes_nothing_but_some_spectra(way: int) -> None:
    images = RANDOM.random((3, 14, 14), dtype=np.float32)
    straight, turned = table_of(images), table_of(orient(images[..., None], way)[..., 0].copy())
    for name, values in straight.items():
        if "spectrum" not in name or way in {2, 4, 6}:  # half turn and the two mirrors
            np.testing.assert_allclose(turned[name], values, atol=1e-3, err_msg=name)
