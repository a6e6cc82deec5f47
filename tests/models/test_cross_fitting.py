"""Log-odds of training images come from linear models that have not seen them."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from hmnist.arrays import Booleans, Pixels
from hmnist.dataset import LesionDataset
from hmnist.models.boosting_xgboost import XGBoost
from hmnist.models.cross_fitting import FOLDS, cross_fit, draw_rows, make_folds
from hmnist.models.linear import fit_linear
from hmnist.oversampling import oversample
from tests.models.linear_examples import Data, make_data, reference, shares_of


@pytest.fixture
def data(rng: np.random.Generator) -> Data:
    return make_data(rng)


def test_log_odds_come_from_a_model_that_was_not_fitted_on_the_image(data: Data) -> None:
    features, labels = data
    linear, log_odds = cross_fit(
        features, labels, None, np.arange(400), classes=4, penalty=0.1, seed=7
    )
    inputs = StandardScaler().fit_transform(features)
    models = []
    for held_out in make_folds(np.arange(400), labels, seed=7):
        models.append(reference(inputs[~held_out], labels[~held_out]))
        expected = models[-1].decision_function(inputs[held_out])
        np.testing.assert_allclose(log_odds[held_out], expected, atol=0.1)
    mean = np.mean([model.coef_ for model in models], axis=0)
    np.testing.assert_allclose(linear.coefficients.T, mean, atol=0.01)


def test_weights_count_in_every_fold(data: Data, rng: np.random.Generator) -> None:
    features, labels = data
    weights = rng.uniform(0.2, 3, size=400)
    _, log_odds = cross_fit(
        features, labels, weights, np.arange(400), classes=4, penalty=0.1, seed=7
    )
    centre, variance = (
        np.average(features, 0, weights),
        np.cov(features.T, ddof=0, aweights=weights),
    )
    inputs = (features - centre) / np.sqrt(np.diag(variance))
    for held_out in make_folds(np.arange(400), labels, seed=7):
        rest = ~held_out
        expected = LogisticRegression(C=1 / (0.1 * weights[rest].sum()), max_iter=1000)
        expected.fit(inputs[rest], labels[rest], weights[rest])
        np.testing.assert_allclose(
            log_odds[held_out], expected.decision_function(inputs[held_out]), atol=0.1
        )


def test_the_seed_fixes_the_folds(data: Data) -> None:
    first, same, other = (
        cross_fit(*data, None, np.arange(400), classes=4, penalty=0.1, seed=seed)[1]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_training_log_odds_are_not_memorised(rng: np.random.Generator) -> None:
    # Pure noise, more features than images: a model that memorises them seems good.
    features = rng.normal(size=(150, 300)).astype(np.float32)
    labels = rng.integers(3, size=150)
    _, log_odds = cross_fit(features, labels, None, np.arange(150), classes=3, penalty=0.01, seed=0)
    assert log_loss(labels, shares_of(log_odds)) > 1
    memorised = fit_linear(features, labels, None, classes=3, penalty=0.01).log_odds(features)
    assert log_loss(labels, shares_of(memorised)) < 0.5


def test_images_of_a_group_stay_in_one_fold(rng: np.random.Generator) -> None:
    rows = np.concatenate([np.arange(60), rng.integers(60, size=200)])
    folds = make_folds(rows, rng.integers(2, size=60)[rows], seed=0)
    assert len(folds) == FOLDS
    np.testing.assert_array_equal(np.sum(folds, axis=0), 1)
    for row in range(60):
        assert sum(fold[rows == row].any() for fold in folds) == 1


@pytest.mark.parametrize("counts", [[40, 3, 1], [3, 3, 0], [2, 2, 0], [30, 1, 0]])
def test_rare_diagnoses_need_not_fill_the_folds(
    counts: list[int], rng: np.random.Generator
) -> None:
    labels = np.repeat(np.arange(3), counts)
    features = rng.normal(size=(len(labels), 4)).astype(np.float32)
    linear, log_odds = cross_fit(
        features, labels, None, np.arange(len(labels)), classes=3, penalty=0.1, seed=0
    )
    assert np.isfinite(log_odds).all()
    assert np.isfinite(linear.log_odds(features)).all()


def test_of_many_images_a_sample_is_cross_fitted(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Random labels: only a model that was fitted on an image, or on its copy, knows its label.
    monkeypatch.setattr("hmnist.models.cross_fitting.CROSS_ROWS", 100)
    distinct = rng.normal(size=(200, 150)).astype(np.float32)
    labels = rng.integers(2, size=200)
    rows = np.concatenate([np.arange(200), np.arange(200)])
    linear, log_odds = cross_fit(
        distinct[rows], labels[rows], None, rows, classes=2, penalty=0.01, seed=0
    )
    assert (log_odds.argmax(axis=1) == labels[rows]).mean() < 0.62
    known = linear.log_odds(distinct[rows])
    assert (known.argmax(axis=1) == labels[rows]).mean() > 0.65
    # Copies have the same log-odds; images without one in the sample those of the mean model.
    np.testing.assert_allclose(log_odds[:200], log_odds[200:], atol=1e-5)
    assert 50 < (log_odds == known).all(axis=1)[:200].sum() < 150


def test_the_sample_keeps_the_shares_of_diagnoses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.models.cross_fitting.CROSS_ROWS", 100)
    labels = np.repeat(np.arange(3), [700, 250, 50])
    sample = draw_rows(labels, seed=3)
    assert len(np.unique(sample)) == 100
    assert np.bincount(labels[sample]).tolist() == [70, 25, 5]
    np.testing.assert_array_equal(sample, draw_rows(labels, seed=3))
    assert not np.array_equal(sample, draw_rows(labels, seed=4))


def are_copies(first: Pixels, second: Pixels) -> bool:
    """Compare two images in all orientations, without the package."""
    turned = [np.rot90(first, quarter) for quarter in range(4)]
    return any(np.array_equal(each, second) for one in turned for each in (one, one[::-1]))


@pytest.mark.parametrize("method", ["random", "augment", "affine"])
@pytest.mark.parametrize("shape", [(6, 6, 3), (6, 4, 1)])
def test_no_fold_predicts_an_image_of_which_a_copy_was_fitted(
    method: str,
    shape: tuple[int, int, int],
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = np.repeat([3, 4, 5], [5, 16, 6])
    training = LesionDataset(rng.integers(256, size=(27, *shape), dtype=np.uint8), labels)
    made: list[list[Booleans]] = []

    def note(*arguments: Any) -> list[Booleans]:
        made.append(make_folds(*arguments))
        return made[-1]

    monkeypatch.setattr("hmnist.models.cross_fitting.make_folds", note)
    raised = oversample(training, method, target=20, seed=1)
    images, labels = raised.apply(training)
    model = XGBoost(n_estimators=1, linear_start=True, image_shape=shape, random_state=0)
    model.fit(images, labels, groups=raised.rows)
    if method != "affine":  # whose copies no comparison of pixels recognises
        model.fit(images, labels)
    for folds in made:
        np.testing.assert_array_equal(np.sum(folds, axis=0), 1)
        for held_out in folds:
            assert 0 < held_out.sum() < len(images) / 2
            for row, other in product(np.flatnonzero(held_out), np.flatnonzero(~held_out)):
                assert raised.rows[row] != raised.rows[other]
                assert not are_copies(images[row], images[other])


def test_one_image_of_each_diagnosis_is_enough_for_a_model() -> None:
    features = np.array([[-1.0], [1.0]], np.float32)
    linear, log_odds = cross_fit(
        features, np.array([0, 1]), None, np.array([0, 1]), classes=2, seed=0
    )
    assert (log_odds == 0).all()
    assert linear.log_odds(features).argmax(axis=1).tolist() == [0, 1]


def test_what_is_kept_is_for_a_number_of_threads(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums of other numbers of threads differ in their last bits."""
    described: list[Any] = []

    def kept(describe: Callable[[], Any], fit: Callable[[], Any]) -> Any:
        described.append(describe())
        return fit()

    monkeypatch.setattr("hmnist.models.cross_fitting.kept", kept)
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        cross_fit(*data, None, np.arange(400), classes=4, seed=0)
    assert [facts["threads"] for facts in described] == [1, 2]
