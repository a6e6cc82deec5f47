"""Reliability against bins filled one image at a time, and against the score made of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.errors import UsageError
from hmnist.scores.predictions import Predictions
from hmnist.scores.reliability import measure_reliability, pooled_calibration_error
from hmnist.scores.scoring import score_predictions


def draw(seed: int, n: int, fold: int = 0, *, grid: bool = False) -> Predictions:
    """Predictions of a fair model; on a grid, some confidences are edges of bins."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(7, size=n)
    probabilities = rng.dirichlet(np.full(7, 0.5), n) + np.eye(7)[labels]
    probabilities /= probabilities.sum(1, keepdims=True)
    if grid:
        numbers = rng.integers(4, 16, size=n)
        probabilities = np.repeat((1 - numbers / 15)[:, None] / 6, 7, axis=1)
        probabilities[np.arange(n), rng.integers(7, size=n)] = numbers / 15
    return Predictions(labels, probabilities, rng.integers(7, size=n), fold=fold)


def fill_one_by_one(parts: list[Predictions]) -> list[list[tuple[float, bool]]]:
    """Return (confidence, right) of each image by bin, found by trying bin after bin."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(15)]
    for predictions in parts:
        for row, label in zip(
            predictions.probabilities.tolist(), predictions.labels.tolist(), strict=True
        ):
            number = next(number for number in range(15) if max(row) <= (number + 1) / 15)
            bins[number].append((max(row), row.index(max(row)) == label))
    return bins


@pytest.mark.parametrize("grid", [False, True])
def test_bins_are_those_filled_one_by_one(grid: bool) -> None:
    parts = [draw(1, 200, grid=grid), draw(2, 150, 1, grid=grid)]

    bins = measure_reliability(parts)

    assert [(each.low, each.high) for each in bins] == [
        (number / 15, (number + 1) / 15) for number in range(15)
    ]
    for each, members in zip(bins, fill_one_by_one(parts), strict=True):
        assert each.images == len(members)
        if members:
            confidences, right = zip(*members, strict=True)
            assert each.confidence == pytest.approx(np.mean(confidences))
            assert each.accuracy == pytest.approx(np.mean(right))
        else:
            assert each.confidence is None
            assert each.accuracy is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 120), st.booleans())
def test_counts_add_up_and_gaps_are_the_score(seed: int, n: int, grid: bool) -> None:
    predictions = draw(seed, n, grid=grid)

    bins = measure_reliability([predictions])

    assert sum(each.images for each in bins) == n
    expected = score_predictions(predictions.labels, predictions.probabilities).calibration_error
    assert pooled_calibration_error([predictions]) == pytest.approx(expected, rel=1e-12, abs=1e-14)
    for each in bins:
        if each.confidence is not None and each.accuracy is not None:
            assert each.low - 1e-12 < each.confidence <= each.high + 1e-12
            assert 0 <= each.accuracy <= 1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_pooled_is_the_score_of_all_images_and_no_more_than_the_folds(seed: int) -> None:
    parts = [draw(seed + fold, 100, fold) for fold in range(3)]
    labels, probabilities = (
        np.concatenate([getattr(predictions, name) for predictions in parts])
        for name in ("labels", "probabilities")
    )

    pooled = pooled_calibration_error(parts)

    assert pooled == pytest.approx(score_predictions(labels, probabilities).calibration_error)
    # Equal folds: gaps of opposite sign cancel in a bin, they never grow.
    assert (
        pooled
        <= np.mean([pooled_calibration_error([predictions]) for predictions in parts]) + 1e-12
    )


def test_noise_alone_makes_folds_look_worse_than_their_pool() -> None:
    rng = np.random.default_rng(0)
    parts = []
    for fold in range(10):
        probabilities = rng.dirichlet(np.full(7, 0.3), 400)
        drawn = (probabilities.cumsum(1) < rng.random((400, 1))).sum(1).clip(max=6)
        parts.append(Predictions(drawn, probabilities, drawn, fold=fold))

    folds = np.mean([pooled_calibration_error([predictions]) for predictions in parts])

    # Ten times the images, a third of the noise.
    assert pooled_calibration_error(parts) < folds / 2


def test_predicted_diagnoses_do_not_matter() -> None:
    predictions = draw(3, 50)
    changed = replace(predictions, predicted=(predictions.predicted + 1) % 7)
    assert measure_reliability([predictions]) == measure_reliability([changed])


def test_each_bin_counts_its_lesions_over_all_folds() -> None:
    rng = np.random.default_rng(4)
    parts = [
        replace(draw(seed, 80, fold=seed), lesions=rng.integers(30, size=80)) for seed in (0, 1)
    ]
    lesions: list[set[int]] = [set() for _ in range(15)]
    for part in parts:
        assert part.lesions is not None
        for row, lesion in zip(part.probabilities.tolist(), part.lesions.tolist(), strict=True):
            number = next(number for number in range(15) if max(row) <= (number + 1) / 15)
            lesions[number].add(lesion)
    bins = measure_reliability(parts)
    assert [each.lesions for each in bins] == [len(members) for members in lesions]
    assert [each.observations for each in bins] == [each.lesions for each in bins]
    assert any(each.observations < each.images for each in bins)


def test_where_lesions_are_unknown_images_count() -> None:
    bins = measure_reliability([draw(5, 60)])
    assert {each.lesions for each in bins} == {None}
    assert [each.observations for each in bins] == [each.images for each in bins]


def test_no_predictions_are_refused() -> None:
    with pytest.raises(UsageError, match="no predictions"):
        pooled_calibration_error([])
