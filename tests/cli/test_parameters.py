"""``--set``: parameters by model, their types, and what is refused."""

from typing import Any

import pytest

from hmnist.cli.parameters import flatten_parameters, read_parameters
from hmnist.errors import UsageError


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("epochs=20", "epochs", 20),
        ("cnn.epochs = 20", "epochs", 20),
        ("CNN.dropout=0", "dropout", 0),
        ("learning_rate=1e-2", "learning_rate", 0.01),
        ("widths=[32, 64]", "widths", (32, 64)),
    ],
)
def test_values_are_json(text: str, name: str, value: Any) -> None:
    assert read_parameters([text], ["cnn"], quiet=True) == {"cnn": {name: value}}


def test_a_switch_is_a_word_of_json() -> None:
    read = read_parameters(["linear_start=false"], ["xgboost"], quiet=True)
    assert read == {"xgboost": {"linear_start": False}}


def test_parameters_of_several_models_stay_apart() -> None:
    assignments = ["cnn.epochs=3", "mlp.epochs=4", "cnn.networks=2"]
    expected = {"cnn": {"epochs": 3, "networks": 2}, "mlp": {"epochs": 4}}
    assert read_parameters(assignments, ["mlp", "cnn"], quiet=True) == expected
    assert read_parameters(None, ["mlp", "cnn"], quiet=True) == {}


def test_parameters_of_other_models_are_left_out_and_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert read_parameters(["mlp.epochs=4"], ["cnn"], quiet=False) == {}
    assert "mlp is not trained here: mlp.epochs=4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs", "sets no parameter"),
        ("=3", "sets no parameter"),
        ("cnn.=3", "sets no parameter"),
        ("cn.epochs=3", "no model called 'cn'"),
        ("epoch=3", "Did you mean epochs?"),
        ("random_state=3", "no parameter 'random_state' to set"),
        ("classes=[0, 1]", "no parameter 'classes' to set"),
        ("precision=bfloat16", "Write --precision bfloat16"),
        ("epochs=abc", "epochs cannot be 'abc': expected a whole number, at least 1, such as 24."),
        ("epochs=2.5", "epochs cannot be 2.5: expected a whole number"),
        ("epochs=0", "epochs cannot be 0: expected a whole number, at least 1"),
        ("widths=[1, 2.5]", "each entry a whole number, at least 1, such as [48, 96, 160]."),
        ("ensemble.members=[]", "composed"),
    ],
)
def test_what_cannot_be_set_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_parameters([text], ["cnn"], quiet=True)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "models", "said"),
    [
        ("epochs=3", ["cnn", "mlp", "xgboost"], "--set cnn.epochs=3 or --set mlp.epochs=3"),
        ("n_estimators=3", ["cnn", "xgboost", "ensemble"], "Write --set xgboost.n_estimators=3"),
        ("widths=[8, 8]", ["mlp", "logistic"], "Write --set 'mlp.widths=[8, 8]'"),
        ("epoch=3", ["cnn", "mlp"], "None of cnn, mlp has a parameter 'epoch' to set."),
        ("epoch=3", ["cnn", "mlp"], "Did you mean epochs?"),
        ("epochs=3", ["logistic", "xgboost"], "None of logistic, xgboost has"),
        ("features=pixels", ["cnn", "mlp"], "Write --features pixels"),
    ],
)
def test_of_several_models_those_with_the_parameter_are_named(
    text: str, models: list[str], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read_parameters([text], models, quiet=True)
    assert said in str(caught.value)


@pytest.mark.parametrize("table", [{"epochs": 20}, ["cnn.epochs=20"], 3])
def test_the_file_sets_parameters_by_model(table: Any) -> None:
    assert flatten_parameters({"cnn": {"epochs": 20}}) == ["cnn.epochs=20"]
    with pytest.raises(UsageError, match=r"\[set\.cnn\]"):
        flatten_parameters(table)
