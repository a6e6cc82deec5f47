"""The list of models: every entry can be made, and wrong names are explained."""

import subprocess
import sys

import pytest

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.models.base import Model
from hmnist.models.registry import COMPARED, EFFORTS, MODELS, find_model, make_model
from hmnist.systems import SYSTEMS

TRAINED = [name for name, entry in MODELS.items() if not entry.composed]

PUBLISHED = [name for name, system in SYSTEMS.items() if not system.variant_of]


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("effort", EFFORTS)
def test_every_entry_can_be_made(name: str, effort: str) -> None:
    entry = find_model(name)
    assert entry.name == name
    assert entry.summary
    assert entry.seconds[effort] >= 0
    model = make_model(name, effort=effort, random_state=4)
    assert isinstance(model, Model)
    parameters = model.get_params()
    assert parameters["classes"] == tuple(range(len(CODES)))
    assert parameters["random_state"] == 4
    for parameter, value in entry.parameters[effort].items():
        assert parameters[parameter] == value
    assert set(entry.settings) <= set(parameters)


@pytest.mark.parametrize("name", MODELS)
def test_more_effort_never_takes_less_time(name: str) -> None:
    seconds = [MODELS[name].seconds[effort] for effort in EFFORTS]
    assert seconds == sorted(seconds)


def test_the_majority_model_is_the_only_baseline() -> None:
    special = [
        name
        for name, entry in MODELS.items()
        if entry.baseline or not entry.oversampled or not entry.calibrated
    ]
    assert special == ["majority"]
    majority = MODELS["majority"]
    assert (majority.baseline, majority.oversampled, majority.calibrated) == (True, False, False)


def test_an_ensemble_is_composed_and_cannot_be_made() -> None:
    assert [name for name, entry in MODELS.items() if entry.composed] == ["ensemble"]
    with pytest.raises(UsageError, match="not trained by itself"):
        make_model("ensemble")


def test_transfer_and_published_systems_are_listed_but_compared_only_by_name() -> None:
    assert [name for name, entry in MODELS.items() if entry.system is not None] == PUBLISHED
    named = {*PUBLISHED, "transfer"}
    assert tuple(name for name in MODELS if name not in named) == COMPARED
    assert {"cnn", "logistic", "ensemble", "majority"} <= set(COMPARED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_systems_have_the_numbers_of_their_sources(name: str) -> None:
    entry, system = MODELS[name], SYSTEMS[name]
    training = system.training
    epochs = [entry.parameters[effort]["epochs"] for effort in EFFORTS]
    assert epochs == [training.epochs // 5, training.epochs, training.epochs]
    model = make_model(name)
    numbers = ("epochs", "batch_size", "learning_rate")
    parameters = model.get_params()
    assert [parameters[number] for number in numbers] == [
        getattr(training, number) for number in numbers
    ]
    parameters = make_model(name, epochs=3, batch_size=4, learning_rate=0.5).get_params()
    assert [parameters[number] for number in numbers] == [3, 4, 0.5]
    assert parameters["system"] == name
    assert entry.system is system
    assert ("pretrained" in entry.settings) == (system.backbone is not None)


@pytest.mark.parametrize("name", TRAINED)
def test_settings_are_the_parameters_that_recipes_set(name: str) -> None:
    entry = MODELS[name]
    for effort in EFFORTS:
        parameters = make_model(name, effort=effort).get_params()
        assert set(entry.settings) <= set(parameters)
        assert ("features" in parameters) == ("features" in entry.settings)
        assert ("precision" in parameters) == ("precision" in entry.settings)
        assert ("pretrained" in entry.parameters[effort]) == ("pretrained" in entry.settings)


def test_given_parameters_take_precedence() -> None:
    assert make_model("logistic", effort="best", max_iter=3).get_params()["max_iter"] == 3


def test_names_are_found_whatever_their_case() -> None:
    assert find_model("CNN") is MODELS["cnn"]
    assert make_model("Hist-GBDT", max_iter=2).get_params()["max_iter"] == 2


def test_unknown_names_are_explained() -> None:
    with pytest.raises(UsageError, match="no model called 'resnet'") as caught:
        make_model("resnet")
    assert "cnn" in caught.value.hint
    with pytest.raises(UsageError, match="no model called 'Logstic'") as caught:
        make_model("Logstic")
    assert "Did you mean logistic?" in caught.value.hint
    with pytest.raises(UsageError, match="no effort called 'heroic'"):
        make_model("cnn", effort="heroic")
    with pytest.raises(UsageError, match="no parameter 'depth'") as caught:
        make_model("majority", depth=3)
    assert "random_state" in caught.value.hint


def test_the_list_is_read_without_heavy_libraries() -> None:
    program = (
        "import sys, hmnist.models.registry\n"
        "print({'keras', 'numpy', 'sklearn', 'tensorflow', 'xgboost'} & set(sys.modules))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "set()"


@pytest.mark.parametrize("name", TRAINED)
def test_the_list_knows_which_models_take_patient_data(name: str) -> None:
    assert MODELS[name].patients == make_model(name).takes_patients
