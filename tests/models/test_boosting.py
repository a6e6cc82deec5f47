"""Boosted trees: early stopping, the kept rounds, weights, and the linear start."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import log_loss

from hmnist.errors import TrustError
from hmnist.models.base import Model
from hmnist.models.boosting_sklearn import HistGBDT
from hmnist.models.boosting_xgboost import XGBoost
from hmnist.models.cross_fitting import cross_fit
from hmnist.patients import PATIENT_COLUMNS

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


def held_out_loss(model: Model) -> float:
    return float(log_loss(VALIDATION[1], model.predict_proba(VALIDATION[0]), labels=[0, 1, 2]))


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_validation_keeps_the_best_round(make: Any) -> None:
    stopped = make(60).fit(IMAGES[TRAINING], LABELS[TRAINING], validation=VALIDATION)
    kept = stopped.n_iter_
    assert 1 <= kept < 54
    losses = [
        held_out_loss(make(rounds).fit(IMAGES[TRAINING], LABELS[TRAINING]))
        for rounds in range(1, kept + 7)
    ]
    assert int(np.argmin(losses)) + 1 == kept
    assert held_out_loss(stopped) == pytest.approx(min(losses), rel=1e-5)


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_without_validation_every_round_is_fitted_on_every_image(make: Any) -> None:
    # scikit-learn would hold a tenth back from 10,000 images on.
    model = make(2).fit(np.repeat(IMAGES, 70, axis=0), np.repeat(LABELS, 70))
    assert model.n_iter_ == 2
    # The root of the first tree has seen all images: its leaves reach every row, so that a model of
    # the first 150 rows, repeated as often, is the same.
    again = make(2).fit(np.tile(IMAGES, (70, 1, 1, 1)), np.tile(LABELS, 70))
    np.testing.assert_allclose(again.predict_proba(IMAGES), model.predict_proba(IMAGES), atol=1e-5)


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_validation_may_hold_a_diagnosis_that_training_lacks(make: Any) -> None:
    known = LABELS != 1
    model = make(3, classes=(0, 1, 2)).fit(IMAGES[known], LABELS[known], validation=VALIDATION)
    assert model.predict_proba(IMAGES).shape == (150, 3)


def test_xgboost_counts_weights_like_repeated_rows() -> None:
    weights = np.random.default_rng(0).integers(0, 3, 150)
    weighted = small_xgboost(3).fit(IMAGES, LABELS, sample_weight=weights)
    repeated = small_xgboost(3).fit(IMAGES.repeat(weights, 0), LABELS.repeat(weights))
    np.testing.assert_allclose(
        weighted.predict_proba(IMAGES), repeated.predict_proba(IMAGES), atol=1e-5
    )


def test_hist_gbdt_uses_weights_though_its_leaves_count_rows() -> None:
    def fit(weights: npt.ArrayLike | None) -> npt.NDArray[np.float64]:
        model = small_hist(3, l2_regularization=0).fit(IMAGES, LABELS, sample_weight=weights)
        return model.predict_proba(IMAGES)

    np.testing.assert_allclose(fit(np.full(150, 2.0)), fit(None), rtol=1e-6)
    assert fit(LABELS != 2)[:, 2].max() < 0.01


def test_xgboost_reads_its_columns_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit() -> npt.NDArray[np.float64]:
        model = small_xgboost(8, linear_start=True)
        model.fit(IMAGES[TRAINING], LABELS[TRAINING], validation=VALIDATION)
        return model.predict_proba(IMAGES)

    expected = fit()
    monkeypatch.setattr("hmnist.large_arrays.CHUNK", 9 * 4 * 30)  # thirty rows
    np.testing.assert_allclose(fit(), expected, atol=0.02)


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_rows_sum_to_one_closely_enough_for_scores(make: Any) -> None:
    sums = make(5).fit(IMAGES, LABELS).predict_proba(IMAGES).sum(axis=1)
    np.testing.assert_allclose(sums, 1, rtol=0, atol=1e-12)


def test_xgboost_reports_its_rounds() -> None:
    steps: list[tuple[float, float]] = []
    model = small_xgboost(3)
    model.on_step = lambda done, total: steps.append((done, total))
    model.fit(IMAGES, LABELS)
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_xgboost_reports_its_loss_on_validation() -> None:
    losses: list[tuple[float, float]] = []
    model = small_xgboost(4)
    model.on_loss = lambda done, loss: losses.append((done, loss))
    model.fit(IMAGES, LABELS)
    assert losses == []
    model.fit(IMAGES, LABELS, validation=(IMAGES, LABELS))
    assert [done for done, _ in losses] == [0.25, 0.5, 0.75, 1.0]
    probabilities = model.predict_proba(IMAGES)[np.arange(len(LABELS)), LABELS]
    assert losses[-1][1] == pytest.approx(-np.log(probabilities).mean(), rel=1e-4)


def test_hist_gbdt_reports_its_rounds_and_trains_as_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hmnist.models.boosting_sklearn.POLL_SECONDS", 1e-3)
    steps: list[tuple[float, float]] = []
    model = small_hist(60)
    model.on_step = lambda done, total: steps.append((done, total))
    model.fit(IMAGES, LABELS)
    assert steps == sorted(steps)
    assert steps[0][1] == 60
    assert 1 <= steps[-1][0] <= 60
    threads = [thread for thread in threading.enumerate() if "poll" in thread.name]
    assert not threads
    expected = small_hist(60).fit(IMAGES, LABELS).predict_proba(IMAGES)
    np.testing.assert_array_equal(model.predict_proba(IMAGES), expected)


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_the_linear_start_is_a_stage(make: Any) -> None:
    steps: list[tuple[float, float]] = []
    model = make(5, linear_start=True)
    model.on_step = lambda done, total: steps.append((done, total))
    model.fit(IMAGES, LABELS)
    assert {total for _, total in steps} == {255}
    assert steps == sorted(steps)
    assert len([done for done, _ in steps if done < 250]) > 10


def test_nodes_are_counted() -> None:
    boosted = small_xgboost(2, max_depth=1).fit(IMAGES, LABELS)
    assert boosted.parameter_count == 2 * 3 * 3  # rounds, classes, a root with two leaves
    hist = small_hist(2, max_leaf_nodes=2).fit(IMAGES, LABELS)
    assert hist.parameter_count == 2 * 3 * 3


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
def test_trees_of_larger_images_come_back(make: Any, tmp_path: Path) -> None:
    images = RANDOM.integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    model = make(1).fit(images, np.arange(12) % 2)
    model.save_state(tmp_path)
    again = make(1)
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(images), model.predict_proba(images))


@pytest.mark.parametrize("make", [small_xgboost, small_hist])
@pytest.mark.parametrize("content", [b"", b"{", None])
def test_damaged_trees_are_refused(make: Any, tmp_path: Path, content: bytes | None) -> None:
    make(2).fit(IMAGES, LABELS).save_state(tmp_path)
    file = tmp_path / "trees.npz"
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(TrustError, match=r"trees\.npz is"):
        make(2).load_state(tmp_path)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (HistGBDT, {"known": [0, 2, 1]}),
        (HistGBDT, {"known": [0, 1, 3]}),
        (HistGBDT, {"known": []}),
        (HistGBDT, {"known": [0, 1, 10**30]}),
        (HistGBDT, {"start": [0.0, 0.0]}),
        (HistGBDT, {"start": "none"}),
        (XGBoost, {"started": 1}),
        (XGBoost, {"started": True}),
        (XGBoost, {"classes": [0, 1]}),
        (XGBoost, {"classes": [0, 1, 2, 3]}),
        (XGBoost, {"classes": ["0", 1, 2]}),
        (XGBoost, {"classes": []}),
        (XGBoost, {"classes": 3}),
        (XGBoost, {"pixels": 8}),
        (XGBoost, {"pixels": 10**30}),
        (XGBoost, {"image_shape": [3, 3]}),
        (XGBoost, {"image_shape": [9, 1, 0]}),
        (XGBoost, {"patients": ["age"]}),
    ],
)
def test_facts_that_do_not_fit_the_trees_are_refused(
    kind: type[Model], facts: dict[str, Any], tmp_path: Path
) -> None:
    make: Any = small_xgboost if kind is XGBoost else small_hist
    make(2).fit(IMAGES, LABELS).save_state(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | facts), "utf-8")
    with pytest.raises(TrustError) as refused:
        make(2).load_state(tmp_path)
    assert str(tmp_path) in refused.value.message
    assert refused.value.hint == "Train it again."


def probabilities(model: Model) -> npt.NDArray[np.float64]:
    return model.fit(IMAGES, LABELS).predict_proba(IMAGES)


def test_shares_of_rows_and_features_are_drawn_from_the_seed() -> None:
    for drawn in ({"subsample": 0.5}, {"colsample_bynode": 0.3}):
        first, same, other = (
            probabilities(small_xgboost(3, random_state=seed, **drawn)) for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, same)
        assert not np.array_equal(first, other)


LESIONS = RANDOM.integers(90, 140, (120, 8, 8, 3), dtype=np.uint8)
DIAGNOSES = np.arange(120) % 3
LESIONS[DIAGNOSES == 1, :, :, 0] += 20
LESIONS[DIAGNOSES == 2, 2:6, 2:6] -= 25
TRAINED, UNSEEN = slice(0, 80), slice(80, 120)
both = pytest.mark.parametrize("kind", [XGBoost, HistGBDT])


def make_started(kind: Any, **parameters: Any) -> Any:
    rounds = "n_estimators" if kind is XGBoost else "max_iter"
    given = {"features": "lesion", "linear_start": True, "random_state": 0, rounds: 5}
    return kind(**(given | parameters))


@both
@pytest.mark.parametrize("linear_start", [False, True])
def test_weights_count_in_start_and_trees(kind: type[Model], linear_start: bool) -> None:
    # Random labels: a class with larger weights is predicted more often.
    random_labels = np.random.default_rng(1).integers(3, size=120)
    weights = np.where(random_labels == 2, 5.0, 1.0)[TRAINED]
    plain, weighed = (
        make_started(kind, features="pixels", linear_start=linear_start, learning_rate=0.5).fit(
            LESIONS[TRAINED],
            random_labels[TRAINED],
            sample_weight=sample_weight,
            validation=(LESIONS[UNSEEN], random_labels[UNSEEN]),
        )
        for sample_weight in (None, weights)
    )
    shares = [model.predict_proba(LESIONS)[:, 2].mean() for model in (plain, weighed)]
    assert shares[1] > 1.25 * shares[0]
    if linear_start:
        pixels = LESIONS.reshape(120, -1).astype(np.float32)
        log_odds = [model.linear_.log_odds(pixels) for model in (plain, weighed)]
        ahead = [odds[:, 2] - odds[:, :2].mean(axis=1) for odds in log_odds]
        assert (ahead[1] - ahead[0]).mean() > 0.5


@both
def test_trees_on_a_linear_start_learn_and_come_back(kind: type[Model], tmp_path: Path) -> None:
    model = make_started(kind).fit(
        LESIONS[TRAINED], DIAGNOSES[TRAINED], validation=(LESIONS[UNSEEN], DIAGNOSES[UNSEEN])
    )
    names = model.feature_names()
    kept = [names[column] for column in model.kept_]
    assert kept == [name for name in names if " patch " not in name]
    assert len(kept) < len(names)
    probabilities = model.predict_proba(LESIONS[UNSEEN])
    assert log_loss(DIAGNOSES[UNSEEN], probabilities) < 0.8 * np.log(3)
    assert (model.predict(LESIONS[UNSEEN]) == DIAGNOSES[UNSEEN]).mean() > 0.6
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-12)
    model.save_state(tmp_path)
    again = make_started(kind)
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(LESIONS[UNSEEN]), probabilities)
    assert again.parameter_count == model.parameter_count
    repeated = make_started(kind).fit(
        LESIONS[TRAINED], DIAGNOSES[TRAINED], validation=(LESIONS[UNSEEN], DIAGNOSES[UNSEEN])
    )
    np.testing.assert_array_equal(repeated.predict_proba(LESIONS[UNSEEN]), probabilities)


@both
def test_a_linear_start_helps_where_sums_decide(
    kind: type[Model], rng: np.random.Generator
) -> None:
    images = rng.integers(0, 256, (400, 6, 6, 1), dtype=np.uint8)
    labels = (images.mean(axis=(1, 2, 3)) > 127.5).astype(int)
    rounds = {"n_estimators" if kind is XGBoost else "max_iter": 40}
    losses = [
        log_loss(
            labels[200:],
            make_started(kind, features="pixels", linear_start=with_start, **rounds)
            .fit(images[:200], labels[:200])
            .predict_proba(images[200:]),
        )
        for with_start in (True, False)
    ]
    assert losses[0] < 0.9 * losses[1]


@both
def test_a_start_allows_classes_that_are_absent(kind: type[Model], tmp_path: Path) -> None:
    model = make_started(kind, features="pixels", classes=range(7))
    model.fit(LESIONS, DIAGNOSES * 3)
    probabilities = model.predict_proba(LESIONS)
    assert probabilities.shape == (120, 7)
    assert probabilities[:, [1, 2, 4, 5]].max() < probabilities[:, [0, 3, 6]].mean()
    model.save_state(tmp_path)
    again = make_started(kind, features="pixels", classes=range(7))
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(LESIONS), probabilities)


@both
def test_a_single_class_needs_no_start(kind: type[Model], tmp_path: Path) -> None:
    model = make_started(kind, features="pixels", classes=range(3))
    model.fit(LESIONS, np.ones(120, int))
    assert model.linear_ is None
    assert (model.predict(LESIONS) == 1).all()
    model.save_state(tmp_path)
    again = make_started(kind, features="pixels", classes=range(3))
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(LESIONS), model.predict_proba(LESIONS))


@both
def test_a_start_without_its_file_is_refused(kind: type[Model], tmp_path: Path) -> None:
    make_started(kind, features="pixels").fit(LESIONS, DIAGNOSES).save_state(tmp_path)
    (tmp_path / "linear.npz").unlink()
    with pytest.raises(TrustError, match=r"linear\.npz is missing"):
        make_started(kind, features="pixels").load_state(tmp_path)


@both
@pytest.mark.parametrize("has_patients", [False, True])
def test_trees_start_from_log_odds_of_unseen_images(
    kind: type[Model], has_patients: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Random labels: only a model that was fitted on an image, or on its copy, knows its label.
    calls: list[Any] = []

    def note(*arguments: Any, **options: Any) -> Any:
        calls.append(cross_fit(*arguments, **options))
        return calls[-1]

    monkeypatch.setattr("hmnist.models.boosting.cross_fit", note)
    random_labels = np.random.default_rng(1).integers(2, size=120)
    copies = np.random.default_rng(2).integers(120, size=400)
    # Some are hidden in training: each image together with its copies.
    patients = np.random.default_rng(3).normal(size=(120, len(PATIENT_COLUMNS)))
    make_started(kind, features="pixels").fit(
        LESIONS[copies],
        random_labels[copies],
        patients=patients[copies] if has_patients else None,
    )
    [(_, log_odds)] = calls
    assert (log_odds.argmax(axis=1) == random_labels[copies]).mean() < 0.65
