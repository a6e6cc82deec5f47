"""The list of models: every entry can be made, and wrong names are explained."""

import pytest

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.models.base import Model
from hmnist.models.registry import (
    COMPARED,
    EFFORTS,
    MAJORITY,
    MODELS,
    find_model,
    make_model,
)
from hmnist.systems import SYSTEMS

PUBLISHED = [name for name, system in SYSTEMS.items() if not system.variant_of]

TRAINED = [name for name, entry in MODELS.items() if entry.place]


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


@pytest.mark.parametrize("name", MODELS)
def test_more_effort_never_takes_less_time(name: str) -> None:
    seconds = [MODELS[name].seconds[effort] for effort in EFFORTS]
    assert seconds == sorted(seconds)


def test_the_majority_model_is_listed() -> None:
    assert MAJORITY in MODELS


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(TRAINED)))
def test_what_is_not_trained_is_not_made(name: str) -> None:
    with pytest.raises(UsageError, match="not trained by itself"):
        make_model(name)


def test_published_systems_are_listed_but_compared_only_by_name() -> None:
    assert {name for name, entry in MODELS.items() if entry.published} == set(PUBLISHED)
    assert tuple(name for name in MODELS if name not in SYSTEMS) == COMPARED
    assert {"cnn", "logistic", "committee", MAJORITY} <= set(COMPARED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_systems_keep_their_numbers_and_tell_them(name: str) -> None:
    entry, system = MODELS[name], SYSTEMS[name]
    epochs = [entry.parameters[effort]["epochs"] for effort in EFFORTS]
    assert epochs == [system.training.epochs // 5, *[system.training.epochs] * 2]
    model = make_model(name)
    numbers = ("epochs", "batch_size", "learning_rate")
    told = model.get_params()
    assert [told[number] for number in numbers] == [
        getattr(system.training, number) for number in numbers
    ]
    told = make_model(name, epochs=3, batch_size=4, learning_rate=0.5).get_params()
    assert [told[number] for number in numbers] == [3, 4, 0.5]
    assert getattr(model, "system") is system  # noqa: B009 - Model promises none
    asked = "weights" in model.get_params()
    assert asked == ("weights" in entry.parameters["best"])
    assert asked == system.scaling.startswith("keras.applications")


def test_given_parameters_take_precedence() -> None:
    assert make_model("logistic", effort="best", max_iter=3).get_params()["max_iter"] == 3


def test_unknown_names_are_explained() -> None:
    with pytest.raises(UsageError, match="no model called 'resnet'") as caught:
        make_model("resnet")
    assert "cnn" in caught.value.hint
    with pytest.raises(UsageError, match="no effort called 'heroic'"):
        make_model("cnn", effort="heroic")
    with pytest.raises(UsageError, match="no parameter 'depth'") as caught:
        make_model("majority", depth=3)
    assert "random_state" in caught.value.hint
