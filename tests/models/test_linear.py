"""The linear model against scikit-learn's, and log-odds that come from unseen images."""

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
    cross_fit,
    fit_linear,
    make_folds,
    measure_scale,
    standardise,
)

Data = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


@pytest.fixture
def data(rng: np.random.Generator) -> Data:
    labels = rng.integers(4, size=400)
    features = rng.normal(size=(400, 30)) + labels[:, None] * 0.5
    return (20 + 7 * features).astype(np.float32), labels


def shares_of(log_odds: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    powers = np.exp(log_odds.astype(float))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def reference(inputs: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> LogisticRegression:
    return LogisticRegression(C=1 / (0.1 * len(inputs)), max_iter=1000).fit(inputs, labels)


def test_it_equals_scikit_learns(data: Data) -> None:
    features, labels = data
    linear = fit_linear(features, labels, None, classes=4, penalty=0.1)
    inputs = StandardScaler().fit_transform(features)
    expected = reference(inputs, labels)
    np.testing.assert_allclose(
        linear.log_odds(features), expected.decision_function(inputs), atol=0.05
    )
    np.testing.assert_allclose(linear.coefficients.T, expected.coef_, atol=0.01)
    assert linear.log_odds(features).dtype == np.float32
    assert 1 < linear.steps < 100


def test_weights_count_like_repeated_rows(data: Data, rng: np.random.Generator) -> None:
    features, labels = data
    counts = rng.integers(3, size=400)
    weighted = fit_linear(features, labels, counts.astype(float), classes=4, penalty=0.1)
    repeated = fit_linear(
        features.repeat(counts, 0), labels.repeat(counts), None, classes=4, penalty=0.1
    )
    np.testing.assert_allclose(weighted.log_odds(features), repeated.log_odds(features), atol=0.02)


@pytest.mark.parametrize("present", [[0, 3], [0, 2, 3]])
def test_absent_classes_are_nearly_impossible(present: list[int], data: Data) -> None:
    features, labels = data
    kept = np.isin(labels, present)
    linear = fit_linear(features[kept], labels[kept], None, classes=4, penalty=0.1)
    log_odds = linear.log_odds(features[kept])
    absent = np.setdiff1d(range(4), present)
    assert (log_odds[:, absent] == ABSENT).all()
    inputs = StandardScaler().fit_transform(features[kept])
    expected = reference(inputs, labels[kept]).predict_proba(inputs)
    np.testing.assert_allclose(shares_of(log_odds)[:, present], expected, atol=0.02)


def test_log_odds_come_from_a_model_that_was_not_fitted_on_the_image(data: Data) -> None:
    features, labels = data
    linear, log_odds = cross_fit(features, labels, None, classes=4, penalty=0.1, seed=7)
    inputs = StandardScaler().fit_transform(features)
    models = []
    for held_out in make_folds(standardise(features, linear.centre, linear.scale), labels, seed=7):
        models.append(reference(inputs[~held_out], labels[~held_out]))
        expected = models[-1].decision_function(inputs[held_out])
        np.testing.assert_allclose(log_odds[held_out], expected, atol=0.1)
    mean = np.mean([model.coef_ for model in models], axis=0)
    np.testing.assert_allclose(linear.coefficients.T, mean, atol=0.01)


def test_weights_count_in_every_fold(data: Data, rng: np.random.Generator) -> None:
    features, labels = data
    weights = rng.uniform(0.2, 3, size=400)
    linear, log_odds = cross_fit(features, labels, weights, classes=4, penalty=0.1, seed=7)
    centre, variance = (
        np.average(features, 0, weights),
        np.cov(features.T, ddof=0, aweights=weights),
    )
    inputs = (features - centre) / np.sqrt(np.diag(variance))
    for held_out in make_folds(standardise(features, linear.centre, linear.scale), labels, seed=7):
        rest = ~held_out
        expected = LogisticRegression(C=1 / (0.1 * weights[rest].sum()), max_iter=1000)
        expected.fit(inputs[rest], labels[rest], weights[rest])
        np.testing.assert_allclose(
            log_odds[held_out], expected.decision_function(inputs[held_out]), atol=0.1
        )


def test_the_seed_fixes_themake_folds(data: Data) -> None:
    first, same, other = (
        cross_fit(*data, None, classes=4, penalty=0.1, seed=seed)[1] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_training_log_odds_are_not_memorised(rng: np.random.Generator) -> None:
    # Pure noise, more features than images: a model that memorises them seems good.
    features = rng.normal(size=(150, 300)).astype(np.float32)
    labels = rng.integers(3, size=150)
    _, log_odds = cross_fit(features, labels, None, classes=3, penalty=0.01, seed=0)
    assert log_loss(labels, shares_of(log_odds)) > 1
    memorised = fit_linear(features, labels, None, classes=3, penalty=0.01).log_odds(features)
    assert log_loss(labels, shares_of(memorised)) < 0.5


def test_copies_of_an_image_stay_in_one_fold(rng: np.random.Generator) -> None:
    features = rng.normal(size=(60, 8)).astype(np.float32)
    rows = np.concatenate([np.arange(60), rng.integers(60, size=200)])
    folds = make_folds(features[rows], rng.integers(2, size=60)[rows], seed=0)
    assert len(folds) == FOLDS
    np.testing.assert_array_equal(np.sum(folds, axis=0), 1)
    for row in range(60):
        assert sum(fold[rows == row].any() for fold in folds) == 1


@pytest.mark.parametrize("counts", [[40, 3, 1], [3, 3, 0], [2, 2, 0], [30, 1, 0]])
def test_rare_diagnoses_need_not_fill_themake_folds(
    counts: list[int], rng: np.random.Generator
) -> None:
    labels = np.repeat(np.arange(3), counts)
    features = rng.normal(size=(len(labels), 4)).astype(np.float32)
    linear, log_odds = cross_fit(features, labels, None, classes=3, penalty=0.1, seed=0)
    assert np.isfinite(log_odds).all()
    assert np.isfinite(linear.log_odds(features)).all()


def test_it_comes_back_from_its_file(data: Data, tmp_path: Path) -> None:
    features, labels = data
    linear, _ = cross_fit(features, labels, None, classes=4, penalty=0.1, seed=0)
    linear.save(tmp_path)
    again = Linear.load(tmp_path)
    np.testing.assert_array_equal(again.log_odds(features), linear.log_odds(features))
    assert again.steps == linear.steps


def test_standardised_features_are_clipped() -> None:
    column = np.array([[0.0], [1.0], [1000.0]], np.float32)
    ones = np.ones(1, np.float32)
    np.testing.assert_array_equal(standardise(column, ones, ones), [[-1], [0], [5]])


def test_scales_are_those_of_weighted_rows(rng: np.random.Generator) -> None:
    features = rng.normal(3, 2, size=(50, 3)).astype(np.float32)
    features[:, 1] = 8
    counts = rng.integers(4, size=50)
    centre, scale = measure_scale(features, counts.astype(float))
    repeated = features.repeat(counts, 0)
    np.testing.assert_allclose(centre, repeated.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(scale[[0, 2]], repeated.std(axis=0)[[0, 2]], rtol=1e-5)
    assert scale[1] == 1
    assert centre.dtype == scale.dtype == np.float32
