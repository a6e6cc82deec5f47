"""Every model on scikit-learn's terms, and on those that this package adds."""

import functools
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import Pipeline
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from hmnist.arrays import check_pixels
from hmnist.diagnoses import CODES
from hmnist.errors import TrustError, UsageError
from hmnist.models.base import Model
from hmnist.models.boosting_sklearn import HistGBDT
from hmnist.models.boosting_xgboost import XGBoost
from hmnist.models.logistic import Logistic
from hmnist.models.majority import Majority
from hmnist.patients import UNKNOWN_PATIENT, encode_patients
from tests.conftest import EAGERLY
from tests.models.test_network_model import TinyNetwork

SMALL: list[Model] = [
    Majority(),
    Logistic(penalty=0.01, max_iter=200),
    XGBoost(n_estimators=8, learning_rate=0.5, max_depth=3, subsample=1, colsample_bynode=1),
    HistGBDT(max_iter=8, learning_rate=0.5, max_leaf_nodes=7, max_features=1.0),
    TinyNetwork(epochs=6, batch_size=64, learning_rate=0.1, units=16),
]

REFUSED = "draws floats in 0–1, which are refused: they are pixels that someone has divided by 255"

EXPECTED_FAILURES = dict.fromkeys(
    (
        "check_fit_score_takes_y",
        "check_sample_weights_list",
        "check_sample_weight_equivalence_on_dense_data",
        "check_dtype_object",
        "check_estimators_nan_inf",
        "check_classifiers_one_label",
        "check_classifiers_one_label_sample_weights",
        "check_supervised_y_2d",
    ),
    REFUSED,
)
"""Checks that every model fails, and why; they are run again with the refusal taken away."""

EXPECTED_ANYWAY = {
    ("Logistic", "check_sample_weight_equivalence_on_dense_data"): (
        "L-BFGS stops within its tolerance of the optimum, not at the same bits; to three digits "
        "the equivalence is tested in test_logistic.py"
    ),
    ("XGBoost", "check_sample_weight_equivalence_on_dense_data"): (
        "sums are in float32 and in the order of the rows; to five digits the equivalence is "
        "tested in test_boosting.py"
    ),
    ("TinyNetwork", "check_sample_weight_equivalence_on_dense_data"): (
        "a repeated image falls into other batches than a weighted one"
    ),
}
"""Checks that may fail even then: whether bits agree is up to the processor."""

IMAGES = np.random.default_rng(1).integers(0, 256, (60, 4, 4, 3), dtype=np.uint8)
LABELS = np.arange(60) % 3
IMAGES[np.arange(60), 0, 0, LABELS] = 255
ROWS = IMAGES.reshape(60, -1)

PATIENTS = encode_patients(
    pd.DataFrame(
        {
            "age": 20.0 + 30 * LABELS,
            "sex": np.array(["male", "female"])[np.arange(60) // 3 % 2],
            "localization": np.array(["back", "foot", "face"])[LABELS],
        }
    )
)
UNKNOWN = np.tile(UNKNOWN_PATIENT, (60, 1))


# A hundred trainings of a few steps each; test_network_model.py trains as users do.
pytestmark = EAGERLY


@parametrize_with_checks(  # type: ignore[untyped-decorator] # scikit-learn has no types
    SMALL, expected_failed_checks=lambda _: EXPECTED_FAILURES, xfail_strict=True
)
def test_scikit_learns_checks(estimator: Model, check: Any) -> None:
    if isinstance(estimator, TinyNetwork) and check.keywords.get("readonly_memmap"):
        pytest.skip("batches are copies, and this is the slowest of the checks")
    check(estimator)


def expected_failures() -> Iterator[Any]:
    for model in SMALL:
        for estimator, check in estimator_checks_generator(model):
            if (name := check.func.__name__) in EXPECTED_FAILURES:
                reason = EXPECTED_ANYWAY.get((type(model).__name__, name))
                marks = [] if reason is None else [pytest.mark.xfail(reason=reason)]
                label = f"{type(model).__name__}-{name}"
                yield pytest.param(estimator, check, marks=marks, id=label)


@pytest.mark.parametrize(("estimator", "check"), list(expected_failures()))
def test_the_refusal_is_the_only_reason(
    estimator: Model, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accepting(rows: npt.NDArray[Any]) -> None:
        if not (rows.dtype.kind == "f" and rows.min() >= 0 and rows.max() <= 1):
            check_pixels(rows)

    monkeypatch.setattr("hmnist.models.base.check_pixels", accepting)
    check(estimator)


every_model = pytest.mark.parametrize("model", SMALL, ids=lambda model: type(model).__name__)


def fitted(model: Model, **parameters: Any) -> Model:
    return clone(model).set_params(random_state=0, **parameters).fit(IMAGES, LABELS)  # type: ignore[no-any-return] # clone is untyped


@every_model
def test_pickle_and_state_keep_every_bit(model: Model, tmp_path: Path) -> None:
    original = fitted(model)
    original.on_step = print
    expected = original.predict_proba(IMAGES)
    copied = pickle.loads(pickle.dumps(original))
    assert copied.on_step is None
    assert clone(original).on_step is None
    np.testing.assert_array_equal(copied.predict_proba(IMAGES), expected)
    original.save_state(tmp_path)
    assert not list(tmp_path.glob("*.pkl"))
    loaded = clone(model)
    loaded.load_state(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(IMAGES), expected)
    np.testing.assert_array_equal(loaded.classes_, original.classes_)
    assert loaded.parameter_count == original.parameter_count > 0
    with pytest.raises(UsageError, match="shape"):
        loaded.predict(IMAGES.reshape(60, 3, 4, 4))


@every_model
def test_damaged_state_is_refused(model: Model, tmp_path: Path) -> None:
    fitted(model).save_state(tmp_path)
    facts = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    del facts["classes"]
    (tmp_path / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(TrustError, match=r"damaged|missing|as it was saved"):
        clone(model).load_state(tmp_path)
    (tmp_path / "model.json").write_bytes(b"\xff{")
    with pytest.raises(TrustError, match=r"damaged|missing|as it was saved"):
        clone(model).load_state(tmp_path)


@every_model
def test_rows_images_and_dtypes_agree(model: Model) -> None:
    first = fitted(model).predict_proba(IMAGES)
    shaped = clone(model).set_params(random_state=0, image_shape=(4, 4, 3))
    second = shaped.fit(ROWS.astype(np.float64), LABELS).predict_proba(ROWS.astype(np.float32))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first.sum(axis=1), 1, rtol=1e-6)
    assert shaped.n_features_in_ == 48
    assert shaped.image_shape_ == (4, 4, 3)


@every_model
def test_unsuitable_pixels_are_refused_with_a_sentence(model: Model) -> None:
    with pytest.raises(
        UsageError, match=r"floats between 0 and 1; expected 0–255.*Leave out scalers"
    ):
        clone(model).fit(IMAGES / 255 - (IMAGES / 255).min(), LABELS)
    with pytest.raises(UsageError, match="Negative values"):
        clone(model).fit(IMAGES.astype(int) - 1, LABELS)
    with pytest.raises(UsageError, match="between 1 and 256"):
        clone(model).fit(IMAGES.astype(int) + 1, LABELS)
    with pytest.raises(UsageError, match="expected 0–255"):
        fitted(model).predict(IMAGES / 255)


@every_model
def test_an_absent_class_keeps_its_column(model: Model) -> None:
    labels = np.array([0, 3, 6])[LABELS]
    seven = clone(model).set_params(random_state=0, classes=tuple(range(7)))
    if isinstance(seven, TinyNetwork):
        seven.set_params(epochs=15, batch_size=16)  # enough steps to unlearn the absent classes
    seven.fit(IMAGES, labels)
    probabilities = seven.predict_proba(IMAGES)
    assert probabilities.shape == (60, 7)
    assert set(seven.predict(IMAGES)) <= set(range(7))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    present = probabilities[:, [0, 3, 6]]
    assert present.mean(axis=0).min() > probabilities[:, [1, 2, 4, 5]].mean(axis=0).max()


@every_model
def test_bare_classes_are_those_that_occur(model: Model) -> None:
    names = np.array(["mel", "bcc", "nv"])[LABELS]
    named = clone(model).set_params(random_state=0).fit(IMAGES, names)
    assert named.classes_.tolist() == ["bcc", "mel", "nv"]
    assert set(named.predict(IMAGES)) <= {"bcc", "mel", "nv"}


@every_model
def test_unsuitable_classes_and_validation_are_refused(model: Model) -> None:
    with pytest.raises(UsageError, match="none of the classes"):
        clone(model).set_params(classes=(0, 1)).fit(IMAGES, LABELS)
    with pytest.raises(UsageError, match="not ascending"):
        clone(model).set_params(classes=(2, 1, 0)).fit(IMAGES, LABELS)
    with pytest.raises(UsageError, match="does not occur"):
        clone(model).fit(IMAGES, LABELS, validation=(IMAGES[:2], [0, 9]))
    with pytest.raises(ValueError, match="inconsistent"):
        clone(model).fit(IMAGES, LABELS, validation=(IMAGES[:3], [0, 1]))
    with pytest.raises(UsageError, match="48 pixels are not an image of shape"):
        clone(model).set_params(image_shape=(5, 4, 3)).fit(ROWS, LABELS)
    with pytest.raises(UsageError, match="not an image of shape"):
        clone(model).set_params(image_shape=(4, 4, 3)).fit(IMAGES.reshape(60, 3, 4, 4), LABELS)


@every_model
def test_an_empty_validation_part_is_none(model: Model) -> None:
    empty = clone(model).set_params(random_state=0)
    empty.fit(IMAGES, LABELS, validation=(IMAGES[:0], LABELS[:0]))
    np.testing.assert_array_equal(empty.predict_proba(IMAGES), fitted(model).predict_proba(IMAGES))


@every_model
def test_cross_validation_uses_the_parameters(model: Model) -> None:
    model = clone(model).set_params(random_state=0)
    scores = cross_val_score(model, ROWS, LABELS, cv=2, error_score="raise")
    assert ((scores >= 0) & (scores <= 1)).all()
    results = cross_validate(
        model, IMAGES, LABELS, cv=2, return_estimator=True, error_score="raise"
    )
    for estimator, score in zip(results["estimator"], results["test_score"], strict=True):
        assert estimator.get_params() == model.get_params()
        assert estimator.predict(IMAGES).shape == (60,)
        assert 0 <= score <= 1


@every_model
def test_a_grid_can_be_searched(model: Model) -> None:
    name = {"XGBoost": "max_depth", "HistGBDT": "max_leaf_nodes", "Logistic": "penalty"}.get(
        type(model).__name__, "random_state"
    )
    search = GridSearchCV(model, {name: [2, 4]}, cv=2, error_score="raise").fit(ROWS, LABELS)
    assert search.best_params_[name] in {2, 4}
    assert search.predict_proba(ROWS).shape == (60, 3)


@every_model
def test_a_pipeline_may_oversample(model: Model) -> None:
    rare = np.r_[0:60:3, 1:60:3, 2:12:3]
    pipeline = Pipeline(
        [("oversample", RandomOverSampler(random_state=0)), ("model", clone(model))]
    )
    pipeline.fit(ROWS[rare], LABELS[rare])
    assert pipeline.predict_proba(ROWS).shape == (60, 3)
    if isinstance(model, Majority):  # its probabilities show what it was fitted on
        np.testing.assert_allclose(pipeline.predict_proba(ROWS), 1 / 3)


@every_model
def test_the_seed_decides(model: Model) -> None:
    drawn = {"subsample": 0.5} if isinstance(model, XGBoost) else {}
    if isinstance(model, HistGBDT):
        drawn = {"max_features": 0.2}
    first, again = fitted(model, **drawn), fitted(model, **drawn)
    np.testing.assert_array_equal(first.predict_proba(IMAGES), again.predict_proba(IMAGES))
    other = clone(first).set_params(random_state=1).fit(IMAGES, LABELS)
    same = np.array_equal(first.predict_proba(IMAGES), other.predict_proba(IMAGES))
    assert same == isinstance(model, Majority | Logistic)  # these draw nothing


@every_model
def test_numpys_global_generator_is_left_alone(model: Model) -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    fitted(model).predict(IMAGES)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index] # noqa: NPY002


# Patient data


def fitted_with_patients(model: Model, **options: Any) -> Model:
    # Images without the diagnosis, so that it is the patients who tell it.
    noise = np.random.default_rng(2).integers(0, 256, (180, *IMAGES.shape[1:]), dtype=np.uint8)
    assert PATIENTS is not None
    more = {"epochs": 12, "batch_size": 60} if isinstance(model, TinyNetwork) else {}
    unfitted = clone(model).set_params(random_state=0, **more)
    return unfitted.fit(noise, np.tile(LABELS, 3), patients=np.tile(PATIENTS, (3, 1)), **options)  # type: ignore[no-any-return] # clone is untyped


@functools.cache
def fit_once(number: int) -> Model:
    return fitted_with_patients(SMALL[number])


@pytest.fixture(
    params=[number for number, model in enumerate(SMALL) if model.takes_patients],
    ids=lambda number: type(SMALL[number]).__name__,
)
def with_patients(request: pytest.FixtureRequest) -> Model:
    """Return a model fitted with patient data; not of the module's scope, which traces networks."""
    return fit_once(request.param)


def test_patient_data_are_used(with_patients: Model) -> None:
    assert with_patients.uses_patients_
    assert PATIENTS is not None
    expected = with_patients.predict_proba(IMAGES, PATIENTS)
    assert (expected.argmax(axis=1) == LABELS).mean() > 0.8
    others = with_patients.predict_proba(IMAGES, np.roll(PATIENTS, 1, axis=0))
    assert (others.argmax(axis=1) == LABELS).mean() < 0.4
    np.testing.assert_array_equal(with_patients.predict(IMAGES, PATIENTS), expected.argmax(axis=1))


def test_without_patient_data_they_are_unknown(with_patients: Model) -> None:
    without = with_patients.predict_proba(IMAGES)
    np.testing.assert_array_equal(without, with_patients.predict_proba(IMAGES, UNKNOWN))
    np.testing.assert_allclose(without.sum(axis=1), 1, rtol=1e-6)


def test_the_same_fit_with_patient_data_has_the_same_bits(with_patients: Model) -> None:
    again = fitted_with_patients(with_patients)
    expected = with_patients.predict_proba(IMAGES, PATIENTS)
    np.testing.assert_array_equal(again.predict_proba(IMAGES, PATIENTS), expected)


def test_pickle_and_state_keep_patient_data(with_patients: Model, tmp_path: Path) -> None:
    expected = with_patients.predict_proba(IMAGES, PATIENTS)
    copied = pickle.loads(pickle.dumps(with_patients))
    np.testing.assert_array_equal(copied.predict_proba(IMAGES, PATIENTS), expected)
    with_patients.save_state(tmp_path)
    loaded = clone(with_patients)
    loaded.load_state(tmp_path)
    assert loaded.uses_patients_
    np.testing.assert_array_equal(loaded.predict_proba(IMAGES, PATIENTS), expected)
    facts = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    facts["patients"] = facts["patients"][1:]
    (tmp_path / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(TrustError, match="columns of patient data"):
        loaded.load_state(tmp_path)


def test_patient_data_of_another_shape_are_refused(with_patients: Model) -> None:
    with pytest.raises(UsageError, match="expected finite numbers"):
        with_patients.predict(IMAGES[:5], PATIENTS)
    with pytest.raises(UsageError, match="expected finite numbers"):
        clone(with_patients).fit(IMAGES, LABELS, patients=UNKNOWN[:59])
    with pytest.raises(ValueError, match="inconsistent"):
        fitted_with_patients(with_patients, validation=(IMAGES[:9], LABELS[:9], UNKNOWN[:8]))


@every_model
def test_patient_data_that_were_not_fitted_are_refused(model: Model) -> None:
    without = fitted(model)
    assert not without.uses_patients_
    with pytest.raises(UsageError, match="fitted without patient data"):
        without.predict_proba(IMAGES, PATIENTS)
    with pytest.raises(UsageError, match="fitted without patient data"):
        clone(model).fit(IMAGES, LABELS, validation=(IMAGES, LABELS, PATIENTS))
    if not model.takes_patients:
        with pytest.raises(UsageError, match="takes no patient data"):
            clone(model).fit(IMAGES, LABELS, patients=PATIENTS)


@pytest.mark.parametrize("stopped", [SMALL[2], SMALL[3]], ids=["XGBoost", "HistGBDT"])
def test_validation_has_its_patient_data(stopped: Model) -> None:
    assert PATIENTS is not None
    part = IMAGES[:30], LABELS[:30]
    unknown, without, known = (
        fitted_with_patients(stopped, validation=(*part, *patients)).predict_proba(IMAGES, PATIENTS)
        for patients in ([UNKNOWN[:30]], [], [PATIENTS[:30]])
    )
    np.testing.assert_array_equal(unknown, without)
    assert (unknown != known).any()


@every_model
def test_the_seven_diagnoses_may_be_given_by_name(model: Model) -> None:
    """Where the classes are 0 to 6, as `make_model` gives them."""
    seven = clone(model).set_params(classes=range(7), random_state=0)
    names = np.array(CODES)[LABELS]
    by_name = clone(seven).fit(IMAGES, names, validation=(IMAGES, names))
    assert by_name.classes_.tolist() == sorted(CODES)
    probabilities = by_name.predict_proba(IMAGES)
    assert set(by_name.predict(IMAGES)) <= set(CODES)
    absent = [name for name in sorted(CODES) if name not in names]
    assert probabilities[:, by_name.classes_.searchsorted(absent)].max() < probabilities.max()
    with pytest.raises(UsageError, match="Label wart is none of the classes"):
        clone(seven).fit(IMAGES, np.array(["wart", "nv"] * (len(IMAGES) // 2 + 1))[: len(IMAGES)])
