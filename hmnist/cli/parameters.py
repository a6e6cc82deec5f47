"""``--set epochs=20``: parameters of models, on the command line and in ``hmnist.toml``."""

import json
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from hmnist.cli.options import shared
from hmnist.cli.output import say
from hmnist.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from hmnist.models.registry import ModelEntry

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
        If an assignment is malformed, a name is unknown or a value is none of its parameter's.

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
    value = right.strip()
    if not model and len(models) != 1:
        raise _which_model(name, value, models)
    entry = find_model(model or models[0])
    if name in entry.settings:
        raise _is_option(name, value)
    return entry.name, name, _checked(entry, name, _read_value(value))


def _which_model(name: str, value: str, models: Sequence[str]) -> UsageError:
    """Return the error for a parameter without its model, where there are several models."""
    from hmnist.models.registry import find_model

    entries = [find_model(model) for model in models]
    if any(name in entry.settings for entry in entries):
        return _is_option(name, value)
    known = {entry.name: settable(entry) for entry in entries if not entry.composed}
    assignments = [
        shlex.join(["--set", f"{model}.{name}={value}"])
        for model, names in known.items()
        if name in names
    ]
    if assignments:
        return UsageError(
            f"{name} does not say of which model it is.", f"Write {' or '.join(assignments)}"
        )
    others = sorted(set().union(*known.values()))
    return UsageError(
        f"None of {', '.join(known)} has a parameter {name!r} to set.",
        f"{did_you_mean(name, others)}See: hmnist models MODEL",
    )


def _is_option(name: str, value: str) -> UsageError:
    return UsageError(f"{name} is an option.", f"Write --{name} {value}")


def _read_value(text: str) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return tuple(value) if isinstance(value, list) else value


def settable(entry: "ModelEntry") -> list[str]:
    """Return the parameters of a model that ``--set`` may name."""
    from hmnist.models.parameters import list_parameters
    from hmnist.models.registry import find_class

    others = set(entry.settings)
    if entry.system is not None and entry.system.backbone is None:
        others |= {"side", "pretrained"}
    return [name for name in list_parameters(find_class(entry.name)) if name not in others]


def _checked(entry: "ModelEntry", name: str, value: Any) -> Any:
    """Return a value that the parameter can have."""
    from hmnist.models.parameters import check_values
    from hmnist.models.registry import find_class

    known = settable(entry)
    if name not in known:
        names = ", ".join(known) or "none"
        raise UsageError(
            f"The model {entry.name} has no parameter {name!r} to set.",
            f"{did_you_mean(name, known)}Its parameters: {names}.",
        )
    check_values(find_class(entry.name), {name: value})
    return value
