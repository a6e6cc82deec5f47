"""What constructor parameters of models may be, in Python, on the command line and in runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.errors import TrustError, UsageError
from hmnist.models.parameters import check_values, list_parameters
from hmnist.models.registry import EFFORTS, MODELS, find_class, make_model
from hmnist.models.search_space import Choice
from hmnist.runs.parameters import restore_model
from tests.conftest import Command

TRAINED = [name for name, entry in MODELS.items() if not entry.composed]

OUT_OF_RANGE: list[tuple[str, str, Any]] = [
    ("mlp", "dropout", 2),
    ("mlp", "dropout", -0.1),
    ("mlp", "widths", (0,)),
    ("mlp", "mixup", -1),
    ("mlp", "epochs", 0),
    ("mlp", "weight_decay", -1e-9),
    ("cnn", "widths", ()),
    ("cnn", "shift", 10**6),
    ("cnn", "distillation", 1.5),
    ("cnn", "perceptrons", -1),
    ("hist-gbdt", "max_leaf_nodes", 1),
    ("hist-gbdt", "learning_rate", 0),
    ("hist-gbdt", "max_features", 0),
    ("hist-gbdt", "n_iter_no_change", 0),
    ("xgboost", "max_depth", -1),
    ("xgboost", "subsample", 1.5),
    ("xgboost", "reg_lambda", -1),
    ("xgboost", "early_stopping_rounds", 0),
    ("logistic", "penalty", -1),
    ("logistic", "penalty", float("nan")),
    ("logistic", "max_iter", 0),
    ("transfer", "side", 0),
    ("lenet", "batch_size", 0),
]

OF_ANOTHER_TYPE: list[tuple[str, str, Any, str]] = [
    ("cnn", "epochs", "abc", "a whole number, at least 1, such as 24."),
    ("cnn", "epochs", True, "a whole number"),
    ("cnn", "dropout", None, "a number, at least 0 and below 1, such as 0.3."),
    ("cnn", "widths", 3, "a list that is not empty, each entry a whole number, at least 1, such"),
    ("mlp", "widths", "3", "a list, each entry a whole number, at least 1, such as [256]."),
    ("xgboost", "linear_start", 1, "true or false, such as false."),
    ("lenet", "epochs", 2.5, "a whole number, at least 1."),
    ("mlp", "features", 3, 'a text, such as "pixels".'),
]


@pytest.mark.parametrize(("model", "name", "value"), OUT_OF_RANGE)
def test_values_out_of_range_are_refused_in_python_and_in_runs(
    model: str, name: str, value: Any
) -> None:
    with pytest.raises(
        UsageError, match=f"{name} cannot be .* expected .*(at least|above|at most)"
    ):
        make_model(model, **{name: value})
    parameters = {**make_model(model).get_params(), name: value}
    with pytest.raises(TrustError, match="damaged"):
        restore_model(Path("run"), model, parameters)


@pytest.mark.parametrize(("model", "name", "value", "expected"), OF_ANOTHER_TYPE)
def test_values_of_another_type_are_refused_with_what_is_expected(
    model: str, name: str, value: Any, expected: str
) -> None:
    with pytest.raises(UsageError) as caught:
        make_model(model, **{name: value})
    assert f"{name} cannot be {value!r}: expected {expected}" in str(caught.value)


@pytest.mark.parametrize(
    ("model", "assignment"),
    [
        ("mlp", "dropout=2"),
        ("mlp", "widths=[0]"),
        ("mlp", "mixup=-1"),
        ("hist-gbdt", "max_leaf_nodes=1"),
        ("hist-gbdt", "learning_rate=0"),
        ("xgboost", "max_depth=-1"),
        ("logistic", "penalty=-1"),
    ],
)
def test_the_command_line_refuses_them_before_any_work(
    model: str, assignment: str, command: Command
) -> None:
    called = command("train", model, "sample", "--set", assignment)
    assert called.code == 2
    assert "cannot be" in called.err
    assert "Traceback" not in called.err
    assert not Path("hmnist-runs").exists()


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("name", TRAINED)
def test_models_as_they_are_pass(name: str, effort: str) -> None:
    parameters = make_model(name, effort=effort).get_params()
    check_values(find_class(name), parameters)
    check_values(find_class(name), find_class(name)().get_params())
    restore_model(Path("run"), name, parameters)


@pytest.mark.parametrize("name", TRAINED)
def test_everything_that_is_searched_passes(name: str) -> None:
    kind = find_class(name)
    assert set(kind.search_space) <= set(list_parameters(kind))
    for parameter, allowed in kind.search_space.items():
        ends = allowed.options if isinstance(allowed, Choice) else (allowed.low, allowed.high)
        for value in ends:
            check_values(kind, {parameter: value})


def test_numbers_of_numpy_pass() -> None:
    given: dict[str, Any] = {"epochs": np.int64(3), "dropout": np.float32(0.5)}
    given["widths"] = np.array([4, 8])
    assert make_model("mlp", **given).get_params()["epochs"] == 3
    with pytest.raises(UsageError, match="epochs cannot be"):
        make_model("mlp", epochs=np.int64(0))
