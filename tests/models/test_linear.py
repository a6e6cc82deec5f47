"""The linear model against scikit-learn's, and the honesty of its log-odds."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from hmnist.models.linear import (
    ABSENT,
    FOLDS,
    Linear,
    _folds,
    cross_fit,
    fit_linear,
    scale_of,
    standardise,
)

Data = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


@pytest.fixture
def data(rng: np.random.Generator) -> Data:
    labels = rng.integers(4, size=400)
    table = rng.normal(size=(400, 30)) + labels[:, None] * 0.5
    return (20 + 7 * table).astype(np.float32), labels


def shares_of(log_odds: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    powers = np.exp(log_odds.astype(float))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def reference(inputs: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> LogisticRegression:
    return LogisticRegression(C=1 / (0.1 * len(inputs)), max_iter=1000).fit(inputs, labels)


def test_it_is_scikit_learns(data: Data) -> None:
    table, labels = data
    linear = fit_linear(table, labels, None, classes=4, penalty=0.1)
    inputs = StandardScaler().fit_transform(table)
    expected = reference(inputs, labels)
    np.testing.assert_allclose(
        linear.log_odds(table), expected.decision_function(inputs), atol=0.05
    )
    np.testing.assert_allclose(linear.coefficients.T, expected.coef_, atol=0.01)
    assert linear.log_odds(table).dtype == np.float32
    assert 1 < linear.steps < 100


def test_weights_repeat_rows(data: Data, rng: np.random.Generator) -> None:
    table, labels = data
    counts = rng.integers(3, size=400)
    weighted = fit_linear(table, labels, counts.astype(float), classes=4, penalty=0.1)
    repeated = fit_linear(
        table.repeat(counts, 0), labels.repeat(counts), None, classes=4, penalty=0.1
    )
    np.testing.assert_allclose(weighted.log_odds(table), repeated.log_odds(table), atol=0.02)


@pytest.mark.parametrize("present", [[0, 3], [0, 2, 3]])
def test_absent_classes_are_as_good_as_impossible(present: list[int], data: Data) -> None:
    table, labels = data
    kept = np.isin(labels, present)
    linear = fit_linear(table[kept], labels[kept], None, classes=4, penalty=0.1)
    log_odds = linear.log_odds(table[kept])
    absent = np.setdiff1d(range(4), present)
    assert (log_odds[:, absent] == ABSENT).all()
    inputs = StandardScaler().fit_transform(table[kept])
    expected = reference(inputs, labels[kept]).predict_proba(inputs)
    np.testing.assert_allclose(shares_of(log_odds)[:, present], expected, atol=0.02)


def test_each_image_is_judged_by_a_model_that_has_not_seen_it(data: Data) -> None:
    table, labels = data
    linear, log_odds = cross_fit(table, labels, None, classes=4, penalty=0.1, seed=7)
    inputs = StandardScaler().fit_transform(table)
    models = []
    for held_out in _folds(linear.standardise(table), labels, seed=7):
        models.append(reference(inputs[~held_out], labels[~held_out]))
        expected = models[-1].decision_function(inputs[held_out])
        np.testing.assert_allclose(log_odds[held_out], expected, atol=0.1)
    mean = np.mean([model.coef_ for model in models], axis=0)
    np.testing.assert_allclose(linear.coefficients.T, mean, atol=0.01)


def test_weights_count_in_every_fold(data: Data, rng: np.random.Generator) -> None:
    table, labels = data
    weights = rng.uniform(0.2, 3, size=400)
    linear, log_odds = cross_fit(table, labels, weights, classes=4, penalty=0.1, seed=7)
    centre, variance = np.average(table, 0, weights), np.cov(table.T, ddof=0, aweights=weights)
    inputs = (table - centre) / np.sqrt(np.diag(variance))
    for held_out in _folds(linear.standardise(table), labels, seed=7):
        rest = ~held_out
        expected = LogisticRegression(C=1 / (0.1 * weights[rest].sum()), max_iter=1000)
        expected.fit(inputs[rest], labels[rest], weights[rest])
        np.testing.assert_allclose(
            log_odds[held_out], expected.decision_function(inputs[held_out]), atol=0.1
        )


def test_the_seed_fixes_the_folds(data: Data) -> None:
    one, same, other = (
        cross_fit(*data, None, classes=4, penalty=0.1, seed=seed)[1] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_training_log_odds_are_honest(rng: np.random.Generator) -> None:
    # Pure noise, more features than images: whoever remembers looks brilliant.
    table = rng.normal(size=(150, 300)).astype(np.float32)
    labels = rng.integers(3, size=150)
    _, log_odds = cross_fit(table, labels, None, classes=3, penalty=0.01, seed=0)
    assert log_loss(labels, shares_of(log_odds)) > 1
    remembered = fit_linear(table, labels, None, classes=3, penalty=0.01).log_odds(table)
    assert log_loss(labels, shares_of(remembered)) < 0.5


def test_copies_of_an_image_stay_in_one_fold(rng: np.random.Generator) -> None:
    table = rng.normal(size=(60, 8)).astype(np.float32)
    rows = np.concatenate([np.arange(60), rng.integers(60, size=200)])
    folds = _folds(table[rows], rng.integers(2, size=60)[rows], seed=0)
    assert len(folds) == FOLDS
    np.testing.assert_array_equal(np.sum(folds, axis=0), 1)
    for row in range(60):
        assert sum(fold[rows == row].any() for fold in folds) == 1


@pytest.mark.parametrize("counts", [[40, 3, 1], [3, 3, 0], [2, 2, 0], [30, 1, 0]])
def test_rare_diagnoses_need_not_fill_the_folds(
    counts: list[int], rng: np.random.Generator
) -> None:
    labels = np.repeat(np.arange(3), counts)
    table = rng.normal(size=(len(labels), 4)).astype(np.float32)
    linear, log_odds = cross_fit(table, labels, None, classes=3, penalty=0.1, seed=0)
    assert np.isfinite(log_odds).all()
    assert np.isfinite(linear.log_odds(table)).all()


def test_it_comes_back_from_its_file(data: Data, tmp_path: Path) -> None:
    table, labels = data
    linear, _ = cross_fit(table, labels, None, classes=4, penalty=0.1, seed=0)
    linear.save(tmp_path / "linear.npz")
    again = Linear.load(tmp_path / "linear.npz")
    np.testing.assert_array_equal(again.log_odds(table), linear.log_odds(table))
    assert again.steps == linear.steps


def test_standardised_features_are_clipped() -> None:
    column = np.array([[0.0], [1.0], [1000.0]], np.float32)
    one = np.ones(1, np.float32)
    np.testing.assert_array_equal(standardise(column, one, one), [[-1], [0], [5]])


def test_scales_are_those_of_weighted_rows(rng: np.random.Generator) -> None:
    table = rng.normal(3, 2, size=(50, 3)).astype(np.float32)
    table[:, 1] = 8
    counts = rng.integers(4, size=50)
    centre, scale = scale_of(table, counts.astype(float))
    repeated = table.repeat(counts, 0)
    np.testing.assert_allclose(centre, repeated.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(scale[[0, 2]], repeated.std(axis=0)[[0, 2]], rtol=1e-5)
    assert scale[1] == 1
    assert centre.dtype == scale.dtype == np.float32
