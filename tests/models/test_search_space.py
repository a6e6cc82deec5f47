"""The parameters that are searched."""

import pytest

from hmnist.models.registry import EFFORTS, MODELS, find_class, make_model
from hmnist.models.search_space import Choice, Interval

SEARCHED = [
    name for name, entry in MODELS.items() if not entry.composed and find_class(name).search_space
]


def test_these_models_can_be_searched() -> None:
    assert SEARCHED == ["cnn", "mlp", "xgboost", "hist-gbdt", "logistic"]


@pytest.mark.parametrize("name", SEARCHED)
@pytest.mark.parametrize("effort", EFFORTS)
def test_the_parameters_as_they_are_lie_within(name: str, effort: str) -> None:
    parameters = make_model(name, effort=effort).get_params()
    for parameter, allowed in find_class(name).search_space.items():
        value = parameters[parameter]
        if isinstance(allowed, Choice):
            assert value in allowed.options
        else:
            assert allowed.low <= value <= allowed.high
            assert isinstance(value, int) == allowed.whole


def test_whole_numbers() -> None:
    assert Interval(1, 5).whole
    assert not Interval(1, 5.0).whole
