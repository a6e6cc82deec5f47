"""Names on the command line: checked when the line is parsed, whatever their case.

The libraries that define the names are imported only when a name is checked.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from hmnist.errors import unknown_name

_HOMES = {
    "choice of patient data": "hmnist.runs.recipe:PATIENTS",
    "column": "hmnist.results.table:COLUMNS",
    "data set to download": "hmnist.sources.download:ARCHIVES",
    "decision": "hmnist.decisions.decision:KINDS",
    "device": "hmnist.hardware:DEVICES",
    "diagnosis": "hmnist.diagnoses:CODES",
    "effort": "hmnist.models.registry:EFFORTS",
    "format": "hmnist.results.table:FORMATS",
    "model": "hmnist.models.registry:MODELS",
    "oversampling method": "hmnist.oversampling:METHODS",
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


def check_name(kind: str, names: Sequence[str] = ()) -> Check:
    """Return a function that checks one name, or several with commas, by default of a kind.

    The function returns the names in their own case, and raises UsageError for unknown ones.
    """
    return lambda value: (
        None if value is None else _correct(kind, value, names or known_names(kind))
    )


def check_split(value: str | None) -> str | None:
    """Check the name of a split; the path of a file is checked when it is read."""
    if value is None or Path(value).suffix:
        return value
    published = [f"published:{name}" for name in known_names("published system")]
    return _correct("split", value, ["lesion", "image", "own", *published])


def split_names(text: str) -> list[str]:
    """Split a comma-separated option."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _correct(kind: str, value: str, names: Sequence[str]) -> str:
    by_lower_case = {name.lower(): name for name in names}
    given = split_names(value)
    for name in given:
        if name.lower() not in by_lower_case:
            raise unknown_name(kind, name, names)
    return ",".join(by_lower_case[name.lower()] for name in given)
