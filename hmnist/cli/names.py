"""Names on the command line: checked when the line is parsed, and completed by the shell.

Their case does not matter. The libraries that define them are imported only when they are needed.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from hmnist.errors import UsageError, unknown_name
from hmnist.files import expand_home

_HOMES = {
    "choice of patient data": "hmnist.runs.choices:PATIENTS",
    "column": "hmnist.results.columns:COLUMNS",
    "data set to download": "hmnist.sources.download:ARCHIVES",
    "decision": "hmnist.decisions.decision:KINDS",
    "device": "hmnist.hardware:DEVICES",
    "diagnosis": "hmnist.diagnoses:CODES",
    "effort": "hmnist.models.registry:EFFORTS",
    "figure format": "hmnist.results.figure_files:FORMATS",
    "format": "hmnist.results.table:FORMATS",
    "method": "hmnist.results.explaining:METHODS",
    "model": "hmnist.models.registry:MODELS",
    "oversampling method": "hmnist.oversampling.methods:METHODS",
    "precision": "hmnist.models.precision:PRECISIONS",
    "published system": "hmnist.systems:SYSTEMS",
    "set of features": "hmnist.models.registry:FEATURES",
}
"""Where the names of each kind are listed."""

Check = Callable[[str | None], str | None]


def known_names(kind: str) -> list[str]:
    """Return the names of a kind, such as ``"model"``."""
    module, _, attribute = _HOMES[kind].partition(":")
    return list(getattr(import_module(module), attribute))


def check_name(kind: str, names: Sequence[str] = (), *, several: bool = False) -> Check:
    """Return a function that checks a name, by default of a kind, or `several` with commas.

    The function returns the names in their own case, and raises UsageError for unknown ones.
    """
    return lambda value: (
        None
        if value is None
        else _correct(kind, value, names or known_names(kind), several=several)
    )


def named(kind: str, names: Sequence[str] = (), *, several: bool = False) -> dict[str, Any]:
    """Return arguments of `typer.Option` for names of a kind: how they are checked and completed.

    Examples
    --------
    >>> named("effort")["autocompletion"]("st")
    ['standard']
    """
    return {
        "callback": check_name(kind, names, several=several),
        "autocompletion": lambda incomplete: _complete(
            incomplete, names or known_names(kind), several=several
        ),
    }


def check_column(value: str | None) -> str | None:
    """Return the name of a column by its name or its heading."""
    from hmnist.results.columns import find_column

    return None if value is None else find_column(value)


def check_model(value: str | None) -> str | None:
    """Check the name of the one model that a command trains."""
    several = split_names(value or "")
    if len(several) > 1:
        raise UsageError(
            f"{value} are {len(several)} models; expected one.",
            f"To compare several: hmnist benchmark --models {','.join(several)}",
        )
    return check_name("model")(value)


def check_split(value: str | None) -> str | None:
    """Check the name of a split; the path of a file is checked when it is read."""
    if value is None or Path(value).suffix:
        return value
    return _correct("split", value, _splits(), several=False)


def complete_split(incomplete: str) -> list[str]:
    """Return the splits whose names begin so."""
    return _complete(incomplete, _splits(), several=False)


def _splits() -> list[str]:
    published = [f"published:{name}" for name in known_names("published system")]
    return ["lesion", "image", "own", *published]


def _complete(incomplete: str, names: Sequence[str], *, several: bool) -> list[str]:
    """Return the names that begin so, behind those that stand before the last comma."""
    before, comma, last = incomplete.rpartition(",") if several else ("", "", incomplete)
    given = split_names(before)
    found = [name for name in names if name.startswith(last.lower()) and name not in given]
    return [f"{before}{comma}{name}" for name in found]


def check_path(value: Any) -> Any:
    """Refuse an empty path, which would be the working folder; one path, or several.

    The shell leaves the ``~`` of ``--out=~/runs`` as it is; here it is the user's home.
    """
    if isinstance(value, list | tuple):
        return [check_path(each) for each in value]
    if value == "":
        raise UsageError(
            "An empty name is not a file.", "Perhaps a variable of the shell is empty."
        )
    return value if value is None else type(value)(expand_home(value))


def check_new_file(path: Path | None) -> Path | None:
    """Refuse a folder as the file that a command writes, before its work begins."""
    path = check_path(path)
    if path is not None and path.is_dir():
        raise UsageError(f"{path} is a folder; expected a file.", "Name a file with --out.")
    return path


def check_new_folder(path: Path | None) -> Path | None:
    """Refuse a file as the folder that a command writes, before its work begins."""
    path = check_path(path)
    if path is not None and path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; expected a folder.", "Name a folder with --out.")
    return path


def split_names(text: str) -> list[str]:
    """Split a comma-separated option."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _correct(kind: str, value: str, names: Sequence[str], *, several: bool) -> str:
    by_lower_case = {name.lower(): name for name in names}
    given = split_names(value)
    if not given:
        raise UsageError(f"No {kind} is named.", f"Choose {', '.join(names)}.")
    for name in given:
        if name.lower() in by_lower_case:
            continue
        words = name.lower().split()
        if len(words) > 1 and by_lower_case.keys() >= set(words):
            raise UsageError(
                f"There is no {kind} called {name!r}.",
                f"Separate names by commas: {','.join(words)}",
            )
        raise unknown_name(kind, name, names)
    if len(given) > 1 and not several:
        raise UsageError(
            f"{value} are {len(given)} names; expected one {kind}.",
            f"Choose one of {', '.join(names)}.",
        )
    return ",".join(by_lower_case[name.lower()] for name in given)
