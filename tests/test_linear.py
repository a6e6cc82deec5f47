import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from hmnist.models.start import ABSENT, FOLDS, LinearStart, _folds, fit_logistic, standardise

Data = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


@pytest.fixture
def data(rng: np.random.Generator) -> Data:
    labels = rng.integers(4, size=400)
    return (rng.normal(size=(400, 30)) + labels[:, None] * 0.5).astype(np.float32), labels


def test_logistic_is_scikit_learns(data: Data) -> None:
    table, labels = data
    coefficients, intercepts = fit_logistic(table, labels, None, 4, penalty=0.1)
    reference = LogisticRegression(C=1 / (0.1 * 400), max_iter=1000).fit(table, labels)
    np.testing.assert_allclose(
        table @ coefficients + intercepts, reference.decision_function(table), atol=0.05
    )


@pytest.mark.parametrize("present", [[0, 3], [0, 2, 3]])
def test_absent_classes_are_as_good_as_impossible(present: list[int], data: Data) -> None:
    table, labels = data
    kept = np.isin(labels, present)
    coefficients, intercepts = fit_logistic(table[kept], labels[kept], None, 4, penalty=0.1)
    log_odds = table[kept] @ coefficients + intercepts
    absent = np.setdiff1d(range(4), present)
    assert (log_odds[:, absent] == ABSENT).all()
    shares = np.exp(log_odds) / np.exp(log_odds).sum(axis=1, keepdims=True)
    reference = LogisticRegression(C=1 / (0.1 * kept.sum()), max_iter=1000)
    expected = reference.fit(table[kept], labels[kept]).predict_proba(table[kept])
    np.testing.assert_allclose(shares[:, present], expected, atol=0.02)


def test_training_log_odds_are_honest(rng: np.random.Generator) -> None:
    # Pure noise, more features than images: whoever remembers looks brilliant.
    table = rng.normal(size=(150, 300)).astype(np.float32)
    labels = rng.integers(3, size=150)
    log_odds = LinearStart(penalty=0.01).fit(table, labels, None, 3)
    shares = np.exp(log_odds) / np.exp(log_odds).sum(axis=1, keepdims=True)
    assert log_loss(labels, shares) > 1
    coefficients, intercepts = fit_logistic(table, labels, None, 3, 0.01)
    remembered = np.exp(table @ coefficients + intercepts)
    assert log_loss(labels, remembered / remembered.sum(axis=1, keepdims=True)) < 0.5


def test_copies_of_an_image_stay_in_one_fold(rng: np.random.Generator) -> None:
    table = rng.normal(size=(60, 8)).astype(np.float32)
    rows = np.concatenate([np.arange(60), rng.integers(60, size=200)])
    folds = _folds(table[rows], rng.integers(2, size=60)[rows], seed=0)
    assert len(folds) == FOLDS
    np.testing.assert_array_equal(np.sum(folds, axis=0), 1)
    for row in range(60):
        assert sum(fold[rows == row].any() for fold in folds) == 1


def test_state_comes_back(data: Data) -> None:
    table, labels = data
    start = LinearStart()
    start.fit(table, labels, None, 4)
    again = LinearStart().set_arrays(start.to_arrays())
    np.testing.assert_array_equal(start.log_odds(table), again.log_odds(table))


def test_standardised_features_are_clipped() -> None:
    column = np.array([[0.0], [1.0], [1000.0]], np.float32)
    one = np.ones(1, np.float32)
    np.testing.assert_array_equal(standardise(column, one, one), [[-1], [0], [5]])
