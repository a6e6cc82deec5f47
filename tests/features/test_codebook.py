"""A codebook's weights, compared with distances to each entry in a loop."""

import numpy as np
import pytest

from hmnist.features.codebook import Codebook, add_codes, draw_colours, fit_codebook
from hmnist.features.columns import Columns
from hmnist.features.geometry import zone_weights

RANDOM = np.random.default_rng(0)


def test_weights_equal_an_explicit_loop() -> None:
    codebook = Codebook(
        np.array([0.5, 0.4, 0.3], np.float32),
        RANDOM.normal(size=(3, 3)).astype(np.float32),
        RANDOM.normal(size=(5, 3)).astype(np.float32),
    )
    planes = RANDOM.random((3, 3, 4, 6), dtype=np.float32)
    columns = Columns(3)
    add_codes(columns, planes, codebook, "colour")
    table = dict(zip(columns.names, columns.table().T, strict=True))
    assert len(table) == 5 * 4
    for image in range(3):
        weights = np.empty((5, 24))
        for pixel, colour in enumerate(planes[image].reshape(3, -1).T):
            white = (colour - codebook.mean) @ codebook.whiten
            distance = np.array([np.linalg.norm(white - entry) for entry in codebook.entries])
            weights[:, pixel] = np.maximum(0, 0.6 * distance.mean() - distance)
        for code in range(5):
            for zone, share in zip(
                ("image", "centre", "middle", "rim"), zone_weights(4, 6), strict=True
            ):
                value = table[f"colour code {code:02d} {zone}"][image]
                assert value == pytest.approx(np.sqrt(share @ weights[code]), rel=1e-3, abs=1e-4)


def test_a_codebook_contains_the_colours_of_the_pixels() -> None:
    colours = np.array([[0.8, 0.6, 0.5], [0.3, 0.2, 0.1], [0.6, 0.1, 0.2]], np.float32)
    pixels = colours[RANDOM.integers(3, size=3000)]
    pixels += RANDOM.normal(0, 0.005, pixels.shape).astype(np.float32)
    codebook = fit_codebook(pixels, 3, np.random.default_rng(0))
    entries = codebook.entries @ np.linalg.inv(codebook.whiten) + codebook.mean
    order = np.argsort(entries[:, 1])[::-1]
    np.testing.assert_allclose(entries[order], colours[[0, 1, 2]], atol=0.01)


def test_a_single_colour_is_enough() -> None:
    codebook = fit_codebook(np.full((100, 3), 0.5, np.float32), 4, np.random.default_rng(0))
    assert np.isfinite(codebook.entries).all()


def test_drawn_colours_are_pixels_of_the_view() -> None:
    images = np.zeros((3, 6, 6, 3), np.uint8)
    images[0, ..., 0], images[1, ..., 1], images[2, ..., 2] = 51, 102, 153
    colours = draw_colours(images, "colour", np.random.default_rng(0))
    assert colours.shape == (20_000, 3)
    kinds, counts = np.unique(colours.round(3), axis=0, return_counts=True)
    np.testing.assert_allclose(kinds, [[0, 0, 0.6], [0, 0.4, 0], [0.2, 0, 0]], atol=1e-6)
    assert counts.min() > 6000
