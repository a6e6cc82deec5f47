"""``hmnist.toml``: your own defaults for the options that commands share.

::

    effort = "quick"
    seeds = 3
    models = ["cnn", "xgboost"]

    [set.cnn]
    epochs = 20

A flag on the command line beats ``HMNIST_EFFORT`` and its like in the environment, which beats
this file, which beats the built-in default.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hmnist.cli.options import SETTINGS
from hmnist.cli.parameters import flatten_parameters
from hmnist.errors import UsageError, did_you_mean, unknown_name

_OTHER_VARIABLES = ("HMNIST_CACHE", "HMNIST_DATA")
"""The variables that are no options."""


def read_settings(path: Path = Path("hmnist.toml")) -> dict[str, Any]:
    """Return the settings of a file by option name, empty if there is no such file."""
    try:
        with path.open("rb") as file:
            settings = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    named = {name.replace("-", "_"): _as_option(name, value) for name, value in settings.items()}
    if unknown := sorted(set(named) - SETTINGS):
        raise UsageError(
            f"{path} sets {unknown[0]!r}, which is no option.",
            unknown_name("option", unknown[0], sorted(SETTINGS)).hint,
        )
    return named


def find_unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence on each variable that looks like a misspelt option.

    Examples
    --------
    >>> list(find_unknown_variables({"HMNIST_SEDES": "3", "HMNIST_SEEDS": "3"}))
    ['Warning: The variable HMNIST_SEDES is no option. Did you mean HMNIST_SEEDS or HMNIST_SEED?']
    """
    known = [f"HMNIST_{name.upper()}" for name in sorted(SETTINGS)]
    for name in environment:
        if name.startswith("HMNIST_") and name not in {*known, *_OTHER_VARIABLES}:
            question = did_you_mean(name, known)
            yield f"Warning: The variable {name} is no option. {question}".rstrip()


def _as_option(name: str, value: Any) -> Any:
    """Let lists be written as lists, though on the command line they are joined by commas."""
    if name == "set":
        return flatten_parameters(value)
    return ",".join(map(str, value)) if isinstance(value, list) else value
