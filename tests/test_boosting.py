"""Boosted trees: when they stop, what they keep, and how weights count."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import log_loss

from hmnist.errors import TrustError
from hmnist.models.base import Model
from hmnist.models.boosting import HistGBDT, XGBoost

RANDOM = np.random.default_rng(5)
IMAGES = RANDOM.integers(0, 256, (150, 3, 3, 1), dtype=np.uint8)
LABELS = np.clip(IMAGES[:, 0, 0, 0] // 86 + RANDOM.integers(-1, 2, 150), 0, 2).astype(int)
TRAINING, HELD_OUT = slice(0, 100), slice(100, 150)
VALIDATION = (IMAGES[HELD_OUT], LABELS[HELD_OUT])


def small_xgboost(rounds: int, **parameters: Any) -> XGBoost:
    return XGBoost(
        n_estimators=rounds,
        **{"learning_rate": 0.5, "max_depth": 3, "subsample": 1, "colsample_bynode": 1}
        | {"random_state": 0, "early_stopping_rounds": 6} | parameters,
    )  # fmt: skip


def small_hist(rounds: int, **parameters: Any) -> HistGBDT:
    return HistGBDT(
        max_iter=rounds,
        **{"learning_rate": 0.5, "max_features": 1.0, "random_state": 0, "n_iter_no_change": 6}
        | parameters,
    )


def rounds_of(model: Any) -> int:
    if isinstance(model, XGBoost):
        return int(model.booster_.num_boosted_rounds())
    return int(model.n_iter_)


def held_out_loss(model: Model) -> float:
    return float(log_loss(VALIDATION[1], model.predict_proba(VALIDATION[0]), labels=[0, 1, 2]))


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_validation_keeps_the_best_round(make: Any) -> None:
    stopped = make(60).fit(IMAGES[TRAINING], LABELS[TRAINING], validation=VALIDATION)
    kept = rounds_of(stopped)
    assert 1 <= kept < 54
    losses = [
        held_out_loss(make(rounds).fit(IMAGES[TRAINING], LABELS[TRAINING]))
        for rounds in range(1, kept + 7)
    ]
    assert int(np.argmin(losses)) + 1 == kept
    assert held_out_loss(stopped) == pytest.approx(min(losses), rel=1e-5)


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_without_validation_every_round_is_grown_on_every_image(make: Any) -> None:
    # scikit-learn would hold a tenth back from 10,000 images on.
    model = make(2).fit(np.repeat(IMAGES, 70, axis=0), np.repeat(LABELS, 70))
    assert rounds_of(model) == 2
    if isinstance(model, HistGBDT):
        assert model.estimator_.do_early_stopping_ is False


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_validation_may_hold_a_diagnosis_that_training_lacks(make: Any) -> None:
    met = LABELS != 1
    model = make(3, classes=(0, 1, 2)).fit(IMAGES[met], LABELS[met], validation=VALIDATION)
    assert model.predict_proba(IMAGES).shape == (150, 3)


def test_xgboost_takes_weights_for_repetitions() -> None:
    weights = np.random.default_rng(0).integers(0, 3, 150)
    weighted = small_xgboost(3).fit(IMAGES, LABELS, sample_weight=weights)
    repeated = small_xgboost(3).fit(IMAGES.repeat(weights, 0), LABELS.repeat(weights))
    np.testing.assert_allclose(
        weighted.predict_proba(IMAGES), repeated.predict_proba(IMAGES), atol=1e-5
    )


def test_hist_gbdt_weighs_but_its_leaves_count_rows() -> None:
    plain = small_hist(3).fit(IMAGES, LABELS).predict_proba(IMAGES)
    doubled = small_hist(3).fit(IMAGES, LABELS, sample_weight=np.full(150, 2.0))
    np.testing.assert_allclose(doubled.predict_proba(IMAGES), plain, rtol=1e-6)
    without = small_hist(3).fit(IMAGES, LABELS, sample_weight=LABELS != 2)
    assert without.predict_proba(IMAGES)[:, 2].max() < 0.01


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_rows_sum_to_one_closely_enough_for_scores(make: Any) -> None:
    sums = make(5).fit(IMAGES, LABELS).predict_proba(IMAGES).sum(axis=1)
    np.testing.assert_allclose(sums, 1, rtol=0, atol=1e-12)


def test_xgboost_reports_its_rounds() -> None:
    steps: list[tuple[int, int]] = []
    model = small_xgboost(3)
    model.on_step = lambda done, total: steps.append((done, total))
    model.fit(IMAGES, LABELS)
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_nodes_are_counted() -> None:
    dump = small_xgboost(2).fit(IMAGES, LABELS)
    assert dump.parameter_count == sum(tree.count("\n") for tree in dump.booster_.get_dump())
    hist = small_hist(2, max_leaf_nodes=2).fit(IMAGES, LABELS)
    assert hist.parameter_count == 2 * 3 * 3  # rounds, classes, a root with two leaves


@pytest.mark.parametrize("content", [b"", b"{", None])
def test_damaged_trees_are_refused(tmp_path: Path, content: bytes | None) -> None:
    small_xgboost(2).fit(IMAGES, LABELS).save_state(tmp_path)
    file = tmp_path / "booster.ubj"
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(TrustError, match="XGBoost"):
        small_xgboost(2).load_state(tmp_path)


def probabilities(model: Model) -> npt.NDArray[np.float64]:
    return model.fit(IMAGES, LABELS).predict_proba(IMAGES)


def test_shares_of_rows_and_features_are_drawn_from_the_seed() -> None:
    for drawn in ({"subsample": 0.5}, {"colsample_bynode": 0.3}):
        one, same, other = (
            probabilities(small_xgboost(3, random_state=seed, **drawn)) for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)
