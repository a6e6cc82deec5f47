"""The data and the split that a command works on."""

from pathlib import Path
from typing import TYPE_CHECKING

from hmnist.cli.output import say
from hmnist.cli.progress import watch_reading
from hmnist.errors import UsageError
from hmnist.runs.recipe import Recipe

if TYPE_CHECKING:
    from hmnist.dataset import LesionDataset


def load_data(
    named: str | None, metadata: str | None, *, quiet: bool = False, sample_allowed: bool = True
) -> "LesionDataset":
    """Find and read the data that a command works on, and print which.

    The sample stands in for data that nobody named only where `sample_allowed`.
    """
    from hmnist.sources import find_data, load

    source = find_data(named, sample_allowed=sample_allowed)
    if not quiet:
        say(_sample_line(named) if source == "sample" else f"Reading {source} …")
    with watch_reading(quiet=quiet) as on_progress:
        data = load(source, metadata=metadata, on_progress=on_progress)
    if not quiet:
        say(f"{data!r}")
    return data


def effort_for(data: "LesionDataset", chosen: str | None) -> str:
    """Return the effort: the one chosen, or what suits the data."""
    return chosen or ("quick" if data.synthetic else Recipe.effort)


def split_kind(by: str | None, file: Path | None) -> str | Path | None:
    """Return the split that the library is asked for: a kind or a file, not both."""
    if by is not None and file is not None:
        raise UsageError("--split and --split-file exclude each other.", "Give one of them.")
    return by if file is None else file.absolute()


def _sample_line(named: str | None) -> str:
    if named:
        return "The embedded synthetic sample: generated images, no photographs."
    return (
        "No data found, so this is the embedded synthetic sample: generated images, no "
        "photographs. Name a pixel file to use it: hmnist_28_28_RGB.csv"
    )
