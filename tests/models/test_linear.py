"""The linear model against scikit-learn's."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from hmnist import large_arrays
from hmnist.errors import UsageError
from hmnist.models.linear import (
    ABSENT,
    Linear,
    fit_linear,
    measure_loss,
    measure_scale,
    standardise,
)
from tests.models.linear_examples import Data, make_data, reference, shares_of


@pytest.fixture
def data(rng: np.random.Generator) -> Data:
    return make_data(rng)


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


def test_it_comes_back_from_its_file(data: Data, tmp_path: Path) -> None:
    features, labels = data
    linear = fit_linear(features, labels, None, classes=4, penalty=0.1)
    linear.save(tmp_path)
    again = Linear.load(tmp_path, *linear.coefficients.shape)
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


def test_chunks_change_nothing_but_rounding(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = data
    whole = fit_linear(features, labels, None, classes=4, penalty=0.1)
    expected = whole.log_odds(features)
    monkeypatch.setattr(large_arrays, "CHUNK", 30 * 4 * 7)  # seven rows
    monkeypatch.setattr(large_arrays, "LARGE", 1)
    chunked = fit_linear(features, labels, None, classes=4, penalty=0.1)
    np.testing.assert_allclose(chunked.scale, whole.scale, rtol=1e-6)
    np.testing.assert_allclose(whole.log_odds(features), expected, atol=1e-4)
    np.testing.assert_allclose(chunked.log_odds(features), expected, atol=0.01)


def test_loss_and_gradient_agree(data: Data, rng: np.random.Generator) -> None:
    features, labels = data
    inputs = StandardScaler().fit_transform(features).astype(np.float32)
    shares = rng.dirichlet(np.ones(400))
    parameters = rng.normal(size=31 * 4) / 10

    def loss(values: npt.NDArray[np.float64]) -> float:
        return measure_loss(values, inputs, labels, shares, 0.3)[0]

    odds = inputs @ parameters.reshape(31, 4)[:-1] + parameters[-4:]
    expected = log_loss(labels, shares_of(odds), sample_weight=shares)
    expected += 0.15 * (parameters[:-4] ** 2).sum()
    assert loss(parameters) == pytest.approx(expected, rel=1e-5)
    gradient = measure_loss(parameters, inputs, labels, shares, 0.3)[1]
    for index in (0, 50, 119, 121):
        step = np.zeros(124)
        step[index] = 0.05
        slope = (loss(parameters + step) - loss(parameters - step)) / 0.1
        assert gradient[index] == pytest.approx(slope, rel=0.01, abs=1e-4)


def test_one_class_is_refused(data: Data) -> None:
    with pytest.raises(UsageError, match="one class"):
        fit_linear(data[0], np.zeros(400, np.int64), None, classes=4, penalty=0.1)
