"""How figures are written into files: PNG, SVG or PDF, without date and version."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmnist.errors import UsageError, unknown_name
from hmnist.files import expand_home, write_file
from hmnist.results.canvas import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METADATA: dict[str, Any] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""Without date and version of matplotlib, the same figure gives the same PNG and PDF."""

FORMATS = tuple(_METADATA)
"""The formats in which figures are written."""


def save_figures(
    figures: "Iterable[tuple[str, Figure]]", out: str | Path, formats: str | Iterable[str]
) -> list[Path]:
    """Write each figure under its name, in each format, into the folder `out`.

    Raises
    ------
    UsageError
        If a format is unknown, or there is none.
    WorkError
        If a file cannot be written.
    """
    endings = [formats] if isinstance(formats, str) else list(formats)
    if not endings:
        raise UsageError("No format of the figures is named.", f"Choose {', '.join(FORMATS)}.")
    for name in endings:
        check_format(name)
    folder, paths = expand_home(out), []
    for name, figure in figures:
        for ending in endings:
            paths.append(folder / f"{name}.{ending}")
            save_figure(figure, paths[-1])
    return paths


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure in the format that the ending of the file tells."""
    ending = format_of(path)
    with drawing(), write_file(path) as temporary:
        figure.savefig(temporary, format=ending, metadata=_METADATA[ending])


def format_of(path: Path) -> str:
    """Return the format that the ending of a file tells, which may be none of `FORMATS`."""
    return path.suffix.lower().removeprefix(".")


def check_format(name: str) -> None:
    """Raise UsageError if this is none of `FORMATS`."""
    if name not in FORMATS:
        raise unknown_name("figure format", name, FORMATS)
