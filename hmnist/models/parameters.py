"""What constructor parameters of models may be: types with their ranges, and who checks them.

Models are dataclasses whose fields have these types. So the command line, `make_model` and run
folders refuse the same values.
"""

import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, inspect

from hmnist.arrays import USUAL_SIDE
from hmnist.errors import UsageError

if TYPE_CHECKING:
    from hmnist.models.base import Model

Count = Annotated[int, Meta(ge=1)]
"""Of what there is at least one: epochs, images of a batch, rounds."""

CountOrNone = Annotated[int, Meta(ge=0)]
"""Of what there may be none."""

Amount = Annotated[float, Meta(ge=0)]
"""Of what 0 leaves out: a penalty, mixup."""

Rate = Annotated[float, Meta(gt=0)]
"""Of learning: with 0, nothing would be learnt."""

Share = Annotated[float, Meta(ge=0, le=1)]

SomeShare = Annotated[float, Meta(gt=0, le=1)]
"""Of images or features that are drawn: there have to be some."""

DroppedShare = Annotated[float, Meta(ge=0, lt=1)]
"""Of inputs that are dropped: some have to stay."""

Leaves = Annotated[int, Meta(ge=2)]
"""Of a tree that divides anything."""

Shift = Annotated[int, Meta(ge=0, le=USUAL_SIDE)]
"""Pixels of 28: a larger shift leaves nothing of an image."""

Side = Annotated[int, Meta(ge=1, le=1024)]
"""Of resized images, in pixels."""

Widths = Sequence[Count]
"""Of hidden layers, of which there may be none."""

StageWidths = Annotated[Widths, Meta(min_length=1)]

_FIXED = ("classes", "image_shape", "random_state", "system")
"""Parameters of all models that are not a choice of the user."""

_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def list_parameters(kind: "type[Model]") -> list[str]:
    """Return the names of the constructor parameters that a user may choose."""
    return [name for name in kind().get_params() if name not in _FIXED]


def check_values(kind: "type[Model]", parameters: Mapping[str, Any]) -> None:
    """Refuse values that the constructor parameters of a model cannot have.

    Raises
    ------
    UsageError
        If a value is of another type than the parameter, or out of its range.

    Examples
    --------
    >>> from hmnist.models.logistic import Logistic
    >>> check_values(Logistic, {"max_iter": "abc"})
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: max_iter cannot be 'abc': expected a whole number, at least 1, such \
as 100.
    """
    types = typing.get_type_hints(kind, include_extras=True)
    for name in list_parameters(kind):
        if name not in parameters:
            continue
        value = parameters[name]
        is_numpy = isinstance(value, np.generic | np.ndarray)
        try:
            msgspec.convert(value.tolist() if is_numpy else value, types[name])
        except msgspec.ValidationError as error:
            expected = _describe(inspect.type_info(types[name]))
            raise UsageError(
                f"{name} cannot be {value!r}: expected {expected}{_example(kind, name)}."
            ) from error


def _describe(kind: inspect.Type) -> str:
    """Return in words what a parameter may be."""
    match kind:
        case inspect.UnionType():  # None stands for the model's own
            return _describe(next(each for each in kind.types if each != inspect.NoneType()))
        case inspect.ListType():
            filled = " that is not empty" if kind.min_length else ""
            return f"a list{filled}, each entry {_describe(kind.item_type)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number{_describe_range(kind)}"
        case inspect.FloatType():
            return f"a number{_describe_range(kind)}"
    return "a text"


def _describe_range(kind: inspect.IntType | inspect.FloatType) -> str:
    bounds = {words: getattr(kind, name) for name, words in _BOUNDS.items()}
    given = [f"{words} {bound}" for words, bound in bounds.items() if bound is not None]
    return f", {' and '.join(given)}" if given else ""


def _example(kind: "type[Model]", name: str) -> str:
    (default,) = (field.default for field in fields(kind) if field.name == name)
    return "" if default is None else f", such as {json.dumps(default)}"
