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
from hmnist.errors import DataError, DataMissingError, UsageError, did_you_mean, unknown_name
from hmnist.sources.opening import opened_packed

_OTHER_VARIABLES = ("HMNIST_CACHE", "HMNIST_DATA", "HMNIST_TRUST_DATA")
"""The variables that are not options."""

_LONGEST = 1 << 14  # bytes of the file; all options together need a few hundred


def read_settings(path: Path = Path("hmnist.toml")) -> dict[str, Any]:
    """Return the settings of a file by option name, empty if there is no such file.

    Values are texts, as on the command line, and lists are joined by commas; ``set`` is the list of
    the parameters that are set. Raises UsageError if the file cannot be read, is not TOML, is
    longer than 16 KB, or sets what is not an option, or an option to what no command line can say.
    """
    try:
        with opened_packed(path) as file:
            content = file.read(_LONGEST + 1)
    except DataMissingError:
        return {}
    except DataError as error:
        hint = "Remove or rename it: a file of that name in this folder sets options."
        raise UsageError(error.message, hint) from error
    if len(content) > _LONGEST:
        raise UsageError(f"{path} has more than {_LONGEST:,} bytes, too many for settings.")
    try:
        return _as_options(tomllib.loads(content.decode()), path)
    except UsageError:
        raise
    except RecursionError as error:
        raise UsageError(f"{path} cannot be read: it is nested too deeply.") from error
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise UsageError(f"{path} cannot be read: {error}.") from error


def find_unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence on each variable that looks like a misspelt option.

    Examples
    --------
    >>> print(*find_unknown_variables({"HMNIST_SEDES": "3", "HMNIST_SEEDS": "3"}))
    Warning: The variable HMNIST_SEDES is not an option. Did you mean HMNIST_SEEDS or HMNIST_SEED?
    """
    known = [f"HMNIST_{name.upper()}" for name in sorted(SETTINGS)]
    for name in environment:
        if name.startswith("HMNIST_") and name not in {*known, *_OTHER_VARIABLES}:
            question = did_you_mean(name, known)
            yield f"Warning: The variable {name} is not an option. {question}".rstrip()


def _as_options(settings: dict[str, Any], path: Path) -> dict[str, Any]:
    named = {name.replace("-", "_"): value for name, value in settings.items()}
    if unknown := sorted(set(named) - SETTINGS):
        raise UsageError(
            f"{path} sets {unknown[0]!r}, which is not an option.",
            unknown_name("option", unknown[0], sorted(SETTINGS)).hint,
        )
    return {name: _as_option(name, value) for name, value in named.items()}


def _as_option(name: str, value: Any) -> Any:
    """Return a value as the command line has it, where the options check and convert it."""
    if name == "set":
        return flatten_parameters(value)
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int | float) for each in values):
        raise UsageError(
            f"hmnist.toml sets {name} to {str(value)[:40]}, which is not an option's value.",
            f'Write {name} = "…", a number, true, false, or a list of them.',
        )
    text = ",".join(map(str, values))
    # The command line cannot hold such a character, so that nothing else is prepared for it.
    if "\0" in text:
        raise UsageError(f"hmnist.toml sets {name} to a text with a zero byte: {text[:40]!r}.")
    return text
