"""Reliability against bins filled one image at a time, and against the score made of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.errors import UsageError
from hmnist.scores.predictions import Predictions
from hmnist.scores.reliability import measure_reliability, pooled_calibration_error
from hmnist.scores.scoring import score_predictions


def draw(seed: int, n: int, fold: int = 0, *, grid: bool = False) -> Predictions:
    """Answers of a middling model; on a grid, some confidences are edges of bins."""
    random = np.random.default_rng(seed)
    labels = random.integers(7, size=n)
    probabilities = random.dirichlet(np.full(7, 0.5), n) + np.eye(7)[labels]
    probabilities /= probabilities.sum(1, keepdims=True)
    if grid:
        places = random.integers(4, 16, size=n)
        probabilities = np.repeat((1 - places / 15)[:, None] / 6, 7, axis=1)
        probabilities[np.arange(n), random.integers(7, size=n)] = places / 15
    return Predictions(labels, probabilities, random.integers(7, size=n), fold=fold)


def fill_one_by_one(cells: list[Predictions]) -> list[list[tuple[float, bool]]]:
    """Return (confidence, right) of each image by bin, found by trying bin after bin."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(15)]
    for cell in cells:
        for row, label in zip(cell.probabilities.tolist(), cell.labels.tolist(), strict=True):
            place = next(place for place in range(15) if max(row) <= (place + 1) / 15)
            bins[place].append((max(row), row.index(max(row)) == label))
    return bins


@pytest.mark.parametrize("grid", [False, True])
def test_bins_are_those_filled_one_by_one(grid: bool) -> None:
    cells = [draw(1, 200, grid=grid), draw(2, 150, 1, grid=grid)]

    found = measure_reliability(cells)

    assert [(one.low, one.high) for one in found] == [
        (place / 15, (place + 1) / 15) for place in range(15)
    ]
    for one, members in zip(found, fill_one_by_one(cells), strict=True):
        assert one.images == len(members)
        if members:
            confidences, right = zip(*members, strict=True)
            assert one.confidence == pytest.approx(np.mean(confidences))
            assert one.accuracy == pytest.approx(np.mean(right))
        else:
            assert one.confidence is None
            assert one.accuracy is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 120), st.booleans())
def test_counts_add_up_and_gaps_are_the_score(seed: int, n: int, grid: bool) -> None:
    cell = draw(seed, n, grid=grid)

    found = measure_reliability([cell])

    assert sum(one.images for one in found) == n
    expected = score_predictions(cell.labels, cell.probabilities).calibration_error
    assert pooled_calibration_error([cell]) == pytest.approx(expected, rel=1e-12, abs=1e-14)
    for one in found:
        if one.confidence is not None and one.accuracy is not None:
            assert one.low - 1e-12 < one.confidence <= one.high + 1e-12
            assert 0 <= one.accuracy <= 1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_pooled_is_the_score_of_all_images_and_no_more_than_the_folds(seed: int) -> None:
    cells = [draw(seed + fold, 100, fold) for fold in range(3)]
    labels, probabilities = (
        np.concatenate([getattr(cell, what) for cell in cells])
        for what in ("labels", "probabilities")
    )

    pooled = pooled_calibration_error(cells)

    assert pooled == pytest.approx(score_predictions(labels, probabilities).calibration_error)
    # Equal folds: gaps of opposite sign cancel in a bin, they never grow.
    assert pooled <= np.mean([pooled_calibration_error([cell]) for cell in cells]) + 1e-12


def test_noise_alone_makes_folds_look_worse_than_their_pool() -> None:
    random = np.random.default_rng(0)
    cells = []
    for fold in range(10):
        probabilities = random.dirichlet(np.full(7, 0.3), 400)
        drawn = (probabilities.cumsum(1) < random.random((400, 1))).sum(1).clip(max=6)
        cells.append(Predictions(drawn, probabilities, drawn, fold=fold))

    folds = np.mean([pooled_calibration_error([cell]) for cell in cells])

    # Ten times the images, a third of the noise.
    assert pooled_calibration_error(cells) < folds / 2


def test_what_was_decided_does_not_matter() -> None:
    cell = draw(3, 50)
    other = Predictions(cell.labels, cell.probabilities, (cell.decisions + 1) % 7)
    assert measure_reliability([cell]) == measure_reliability([other])


def test_no_predictions_are_refused() -> None:
    with pytest.raises(UsageError, match="no predictions"):
        pooled_calibration_error([])
