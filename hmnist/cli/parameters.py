"""``--set epochs=20``: parameters of models, on the command line and in ``hmnist.toml``."""

import json
import typing
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from hmnist.cli.options import shared
from hmnist.cli.output import say
from hmnist.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from hmnist.models.registry import ModelEntry

_CHOSEN = ("classes", "image_shape", "random_state", "system")
"""Parameters of all models that are no choice of the user."""

_COUNTS = frozenset({"epochs", "batch_size", "networks", "n_estimators", "max_iter"})
"""Parameters that are counted from 1."""

Set = Annotated[
    list[str] | None,
    shared(
        "set",
        "[MODEL.]NAME=VALUE",
        "A parameter of a model, such as epochs=20, or cnn.epochs=20 where there are several "
        "models; may be repeated (see: hmnist models MODEL).",
    ),
]


def read_parameters(
    assignments: Sequence[str] | None, models: Sequence[str], *, quiet: bool
) -> dict[str, dict[str, Any]]:
    """Return the parameters that are set, by model.

    Values are JSON, or else text: ``epochs=20``, ``widths=[32, 64]``. The model may be left out if
    there is one. Parameters of others than the `models` are left out, which is said on stderr.

    Raises
    ------
    UsageError
        If an assignment is malformed, a name is unknown or a value is of another type.

    Examples
    --------
    >>> read_parameters(["epochs=20", "mlp.dropout=0.3"], ["mlp"], quiet=True)
    {'mlp': {'epochs': 20, 'dropout': 0.3}}
    """
    parameters: dict[str, dict[str, Any]] = {}
    for text in assignments or ():
        model, name, value = _parse(text, models)
        if model in models:
            parameters.setdefault(model, {})[name] = value
        elif not quiet:
            say(f"Not set, since {model} is not trained here: {text}")
    return parameters


def flatten_parameters(table: Any) -> list[str]:
    """Return the assignments of the table ``[set.<model>]`` of ``hmnist.toml``.

    Examples
    --------
    >>> flatten_parameters({"cnn": {"epochs": 20, "widths": [32, 64]}})
    ['cnn.epochs=20', 'cnn.widths=[32, 64]']
    """
    if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
        raise UsageError(
            "hmnist.toml sets parameters without their model.", "Write [set.cnn] above epochs = 20."
        )
    return [
        f"{model}.{name}={json.dumps(value, default=str)}"
        for model, values in table.items()
        for name, value in values.items()
    ]


def _parse(text: str, models: Sequence[str]) -> tuple[str, str, Any]:
    """Return model, name and value of an assignment."""
    from hmnist.models.registry import find_model

    left, equals, right = text.partition("=")
    model, _, name = (word.strip() for word in left.rpartition("."))
    if not (equals and name):
        raise UsageError(f"{text!r} sets no parameter.", "Write --set epochs=20")
    if not model and len(models) != 1:
        raise UsageError(f"{text!r} does not say of which model.", f"Write --set cnn.{text}")
    entry = find_model(model or models[0])
    if name in entry.settings:
        raise UsageError(f"{name} is an option.", f"Write --{name} {right}")
    return entry.name, name, _checked(entry, name, _read_value(right.strip()))


def _read_value(text: str) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return tuple(value) if isinstance(value, list) else value


def _checked(entry: "ModelEntry", name: str, value: Any) -> Any:
    """Return a value that has the type of the parameter."""
    import msgspec

    from hmnist.models.registry import find_class

    kind = find_class(entry.name)
    known = [known for known in kind().get_params() if known not in {*_CHOSEN, *entry.settings}]
    if name not in known:
        names = ", ".join(known) or "none"
        raise UsageError(
            f"The model {entry.name} has no parameter {name!r} to set.",
            f"{did_you_mean(name, known)}Its parameters: {names}.",
        )
    try:
        msgspec.convert(value, typing.get_type_hints(kind)[name])
    except msgspec.ValidationError as error:
        reason = str(error).replace("`", "").replace("Expected", "expected").split(" - at")[0]
        raise UsageError(f"{name} cannot be {value!r}: {reason}.") from error
    if name in _COUNTS and value is not None and value < 1:
        raise UsageError(f"{name} is counted from 1; it cannot be {value}.")
    return value
