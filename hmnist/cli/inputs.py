"""The data and the split that a command works on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hmnist.cli.output import say
from hmnist.cli.progress import watch_reading
from hmnist.errors import UsageError
from hmnist.hardware import choose_device
from hmnist.runs.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        say(f"{data}")
    return data


def refuse_metadata_alone(context: typer.Context, data: str | None) -> None:
    """Refuse ``--metadata`` that was typed without data; by default they are for other commands."""
    source = context.get_parameter_source("metadata")
    if data is None and source is not None and source.name == "COMMANDLINE":
        raise UsageError("--metadata belongs to data.", "Name the data, too.")


def suited(
    settings: dict[str, Any], models: "Sequence[str]", data: "LesionDataset", *, quiet: bool
) -> dict[str, Any]:
    """Return the settings with what suits the data and the machine, where that is asked for.

    The effort is that for the data unless one is given. On a GPU the precision is chosen like
    ``auto``. A device or precision that is chosen here is printed, with the reason; where none of
    the models can use it, nothing is chosen unless the user names it.
    """
    from hmnist.models.registry import find_model

    entries = [find_model(model) for model in models]
    effort = "quick" if data.synthetic else Recipe.effort
    chosen = {"effort": effort, **settings}
    if "device" in settings or any(entry.on_gpu or entry.composed for entry in entries):
        chosen["device"], reason = choose_device(settings.get("device", Recipe.device))
        if not quiet and (chosen["device"] == "gpu" or "device" in settings):
            say(f"Device: {reason}")
    if not any("precision" in entry.settings or entry.composed for entry in entries):
        return chosen
    if chosen.get("device") == "gpu":
        chosen.setdefault("precision", "auto")
    if chosen.get("precision") == "auto":
        from hmnist.models.precision import choose_precision

        chosen["precision"], ratio = choose_precision(chosen["device"], settings.get("threads"))
        if not quiet:
            say(
                f"Precision: {chosen['precision']}, since bfloat16 multiplies {ratio:.2g} times as "
                "fast as float32 on this machine."
            )
    return chosen


def warn_of_unknown_lesions(data: "LesionDataset", *, quiet: bool) -> None:
    """Say before any training that no split can keep the images of a lesion together."""
    if data.lesion_ids is None and not quiet:
        from hmnist.splits.unknown_lesions import describe_unknown_lesions

        say(f"WARNING: {describe_unknown_lesions(data)}")


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
        "photographs. To use a pixel file, name it; hmnist data download fetches one."
    )
