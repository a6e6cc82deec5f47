import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.arrays import Float32, Pixels
from hmnist.augmentation import (
    ORIENTATIONS,
    all_orientations,
    distort_randomly,
    jitter_brightness,
    mixup,
    orient,
    orient_each,
    orient_randomly,
    shift_randomly,
)
from hmnist.errors import UsageError

# One corner is marked, and a neighbour of it: no orientation looks like another.
MARKED = np.array([[1, 2, 0], [0, 0, 0], [0, 0, 0]], np.uint8)


def batch(*images: Pixels) -> Pixels:
    return np.stack(images)[..., None]


def images(count: int = 4, height: int = 5, width: int = 5, channels: int = 3) -> Pixels:
    rng = np.random.default_rng(count + 10 * height)
    return rng.integers(0, 256, (count, height, width, channels), dtype=np.uint8)


# Orientations


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (0, [[1, 2, 0], [0, 0, 0], [0, 0, 0]]),
        (1, [[0, 0, 0], [2, 0, 0], [1, 0, 0]]),
        (2, [[0, 0, 0], [0, 0, 0], [0, 2, 1]]),
        (3, [[0, 0, 1], [0, 0, 2], [0, 0, 0]]),
        (4, [[0, 2, 1], [0, 0, 0], [0, 0, 0]]),
        (5, [[1, 0, 0], [2, 0, 0], [0, 0, 0]]),
        (6, [[0, 0, 0], [0, 0, 0], [1, 2, 0]]),
        (7, [[0, 0, 0], [0, 0, 2], [0, 0, 1]]),
    ],
)
def test_each_orientation_by_hand(orientation: int, expected: list[list[int]]) -> None:
    assert orient(batch(MARKED), orientation)[0, :, :, 0].tolist() == expected


@pytest.mark.parametrize("orientation", [8, -1, 1.5])
def test_there_are_eight_orientations(orientation: int) -> None:
    with pytest.raises(UsageError, match="expected a whole number from 0 to 7"):
        orient(images(), orientation)
    assert np.array_equal(orient(images(), np.array([3])[0]), orient(images(), 3))


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_each_orientation_against_numpy_image_by_image(orientation: int) -> None:
    for image, oriented in zip(images(), orient(images(), orientation), strict=True):
        mirrored = np.flip(image, axis=1) if orientation >= 4 else image
        np.testing.assert_array_equal(oriented, np.rot90(mirrored, k=orientation % 4))


def test_the_eight_are_distinct_and_a_group() -> None:
    seen = {orient(batch(MARKED), each).tobytes(): each for each in range(ORIENTATIONS)}
    assert len(seen) == ORIENTATIONS
    table = [
        [
            seen[orient(orient(batch(MARKED), first), second).tobytes()]
            for second in range(ORIENTATIONS)
        ]
        for first in range(ORIENTATIONS)
    ]
    # Closed, with a neutral element and inverses: a Latin square. And not commutative.
    assert table[0] == list(range(ORIENTATIONS))
    for row in [*table, *zip(*table, strict=True)]:
        assert sorted(row) == list(range(ORIENTATIONS))
    assert any(table[number][1] != table[1][number] for number in range(ORIENTATIONS))


def test_orienting_copies_nothing() -> None:
    original = images()
    assert all(
        np.shares_memory(orient(original, orientation), original)
        for orientation in range(ORIENTATIONS)
    )


def test_quarter_turns_swap_height_and_width() -> None:
    wide = images(height=2, width=6)
    assert orient(wide, 1).shape == (4, 6, 2, 3)
    assert orient(wide, 2).shape == wide.shape


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=12))
def test_each_image_has_its_own_orientation(orientations: list[int]) -> None:
    original = images(len(orientations))
    oriented = orient_each(original, np.array(orientations, np.uint8))
    for row, orientation in enumerate(orientations):
        np.testing.assert_array_equal(
            oriented[row], orient(original[row : row + 1], orientation)[0]
        )
    assert oriented.dtype == np.uint8
    assert not np.shares_memory(oriented, original)


# Shifts


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_a_shift_is_a_window_of_the_mirrored_image(pixels: int, seed: int) -> None:
    original = images()
    shifted = shift_randomly(original, pixels, np.random.default_rng(seed))
    assert shifted.shape == original.shape
    assert shifted.dtype == original.dtype
    for image, moved in zip(original, shifted, strict=True):
        windows = []
        for down, right in itertools.product(range(-pixels, pixels + 1), repeat=2):
            # Mirrored at the edge, without repeating it: row -1 is row 1, row h is row h - 2.
            rows = [abs(row) if row < 5 else 8 - row for row in range(down, down + 5)]
            columns = [
                abs(column) if column < 5 else 8 - column for column in range(right, right + 5)
            ]
            windows.append(image[np.ix_(rows, columns)])
        assert any(np.array_equal(moved, window) for window in windows)


def test_every_shift_occurs_in_both_directions() -> None:
    # Rows and columns count up by 10 and 1, so the middle pixel tells where it came from.
    image = np.add.outer(10 * np.arange(5), np.arange(5)).astype(np.uint8)[None, :, :, None]
    many = np.repeat(image, 400, axis=0)
    shifted = shift_randomly(many, 1, np.random.default_rng(0))
    middles = {int(middle) for middle in shifted[:, 2, 2, 0]}
    assert middles == {11, 12, 13, 21, 22, 23, 31, 32, 33}


def test_an_image_smaller_than_the_shift_repeats_its_edge() -> None:
    tiny = np.full((3, 2, 2, 1), 7, np.uint8)
    np.testing.assert_array_equal(shift_randomly(tiny, 4, np.random.default_rng(0)), tiny)


# Brightness


def test_brightness_is_one_gain_for_an_image_and_one_offset_for_each_channel() -> None:
    original = images(6)
    jittered = jitter_brightness(original, np.random.default_rng(1))
    assert jittered.dtype == np.float32
    assert jittered.shape == original.shape
    for before, after in zip(original.astype(np.float64), jittered, strict=True):
        fits = [
            np.polyfit(before[..., channel].ravel(), after[..., channel].ravel(), 1, full=True)
            for channel in range(3)
        ]
        gains = [fit[0][0] for fit in fits]
        assert np.ptp(gains) < 1e-4
        assert 0.85 <= gains[0] <= 1.15
        assert all(fit[1].max() < 1e-3 for fit in fits)


def test_gains_and_offsets_have_the_spread_asked_for() -> None:
    black = np.zeros((4000, 1, 1, 3), np.uint8)
    offsets = jitter_brightness(black, np.random.default_rng(2), offset=8.0)
    assert abs(offsets.mean()) < 0.3
    assert 7.7 < offsets.std() < 8.3
    white = np.full((4000, 1, 1, 1), 100, np.uint8)
    gains = jitter_brightness(white, np.random.default_rng(3), gain=0.2, offset=0.0) / 100
    assert 0.8 <= gains.min() < 0.81
    assert 1.19 < gains.max() <= 1.2


def test_distorted_images_are_those_of_an_affine_map_found_by_hand() -> None:
    """The plane a·row + b·column keeps its form under every affine map."""
    rows, columns = np.mgrid[:41, :41]
    plane = np.clip(100 + 1.5 * (rows - 20) + 0.5 * (columns - 20), 0, 255)
    image = plane[None, ..., None].astype(np.uint8)
    inner = slice(14, 27)
    slopes = []
    for seed in range(200):
        [distorted] = distort_randomly(image, np.random.default_rng(seed))
        values = distorted[inner, inner, 0].astype(float)
        design = np.stack([rows, columns, np.ones_like(rows)], axis=-1)[inner, inner].reshape(-1, 3)
        fitted, *_ = np.linalg.lstsq(design, values.ravel(), rcond=None)
        assert np.abs(design @ fitted - values.ravel()).max() < 1.5  # rounding
        centre = fitted @ [20, 20, 1]
        slopes.append([*fitted[:2], centre])
    slope, steepest = np.array(slopes), np.hypot(1.5, 0.5)
    lengths = np.hypot(slope[:, 0], slope[:, 1])
    assert 0.88 * steepest < lengths.min() < 0.93 * steepest
    assert 1.07 * steepest < lengths.max() < 1.12 * steepest
    # All directions, and shifts of up to a tenth of 41 pixels each way.
    angles = np.arctan2(slope[:, 0], slope[:, 1])
    assert (np.histogram(angles, 8, (-np.pi, np.pi))[0] > 10).all()
    assert 3 < np.abs(slope[:, 2] - 100).max() < 1.1 * 4.1 * 2 + 1


def test_distorted_images_keep_shape_and_colour_and_follow_the_seed() -> None:
    given = images(count=6, height=7, width=9)
    first, again = (distort_randomly(given, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == given.shape
    assert first.dtype == np.uint8
    flat = np.full((3, 6, 5, 3), [10, 20, 30], np.uint8)
    np.testing.assert_array_equal(distort_randomly(flat, np.random.default_rng(0)), flat)


def test_no_gain_and_no_offset_change_nothing() -> None:
    unchanged = jitter_brightness(images(), np.random.default_rng(0), gain=0.0, offset=0.0)
    np.testing.assert_array_equal(unchanged, images().astype(np.float32))


def test_the_same_seed_gives_the_same_images() -> None:
    def augmented(seed: int) -> tuple[Pixels, Float32]:
        rng = np.random.default_rng(seed)
        return shift_randomly(images(), 2, rng), jitter_brightness(images(), rng)

    for first, second in zip(augmented(5), augmented(5), strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(augmented(5)[1], augmented(6)[1])


# Sets of orientations


@pytest.mark.parametrize(("width", "count"), [(5, 8), (7, 4)])
def test_all_orientations_keep_the_shape_and_differ(width: int, count: int) -> None:
    original = images(1, 5, width)
    views = list(all_orientations(original))
    assert {view.shape for view in views} == {original.shape}
    assert len({view.tobytes() for view in views}) == count


@pytest.mark.parametrize("width", [5, 7])
def test_turned_images_are_among_their_orientations(width: int) -> None:
    original = images(40, 5, width)
    turned = orient_randomly(original, np.random.default_rng(1))
    for before, after in zip(original, turned, strict=True):
        views = {view.tobytes() for view in all_orientations(before[None])}
        assert after.tobytes() in views
    assert (turned != original).any()


# Mixup


def test_mixtures_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(6, 3, 3, 1)).astype(np.float32)
    targets = np.eye(6, dtype=np.float32)
    mixed, shares = mixup([inputs, targets], 0.2, np.random.default_rng(5))
    # With the identity as targets, the shares tell which examples were mixed.
    for row in range(6):
        expected = sum(shares[row, other] * inputs[other] for other in range(6))
        np.testing.assert_allclose(mixed[row], expected, rtol=1e-5, atol=1e-6)
        assert shares[row, row] >= 0.5
        assert shares[row].sum() == pytest.approx(1)


def test_a_strength_of_zero_mixes_nothing() -> None:
    inputs, targets = np.ones((2, 1), np.float32), np.eye(2, dtype=np.float32)
    mixed, shares = mixup([inputs, targets], 0, np.random.default_rng(0))
    assert mixed is inputs
    assert shares is targets
