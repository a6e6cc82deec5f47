"""The images that a run is asked about."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmnist.cli.names import check_path
from hmnist.cli.output import say

if TYPE_CHECKING:
    from hmnist.results.exports.exported import ExportedModel
    from hmnist.runs.run import Run
    from hmnist.sources.images import ImagesToPredict


# Its own option: the metadata that hmnist.toml names are those of the training data.
PatientFile = Annotated[
    Path | None,
    typer.Option(
        "--metadata",
        metavar="FILE",
        show_default=False,
        help="Age, sex and site of the patients, for a run that was trained with patient "
        "data: by image_id where both have it, else row by row. [default: the metadata beside a "
        "pixel file]",
        callback=check_path,
    ),
]


def read_images(
    inputs: list[str], run: "Run | ExportedModel", patient_file: Path | None
) -> "tuple[list[ImagesToPredict], bool]":
    """Return the images of each input, and whether photographs are damaged, which is printed.

    Raises
    ------
    UsageError
        If there is a file of patient data, and the run was trained without.
    DataError
        If an input that is not a photograph is missing or malformed, or no photograph can be read.
    """
    from hmnist.errors import DataError, DataMissingError, UsageError
    from hmnist.files import short_path
    from hmnist.sources.images import is_photograph, load_images
    from hmnist.sources.metadata import read_patient_file

    if patient_file is not None and not run.uses_patients:
        raise UsageError(
            f"{short_path(run.folder)} was trained without patient data.", "Leave out --metadata."
        )
    metadata = None if patient_file is None else read_patient_file(patient_file)
    sources: list[ImagesToPredict] = []
    errors: list[DataError] = []
    for path in inputs:
        try:
            sources.append(load_images(path, run.image_shape, metadata))
        except DataMissingError:
            raise
        except DataError as error:
            if not is_photograph(Path(path)):
                raise
            errors.append(error)
    if not sources:
        raise errors[0]
    damaged = [error.message for error in errors]
    for source in sources:
        damaged += source.damaged
        if source.reordered:
            say(f"The metadata were put in the order of {source.source}.")
    for sentence in damaged:
        say(f"Left out: {sentence}")
    return sources, bool(damaged)


def refuse_input(out: Path, inputs: list[str], patient_file: Path | None) -> None:
    """Raise UsageError if a result would replace one of the files that a command reads."""
    from hmnist.errors import UsageError
    from hmnist.sources.images import is_photograph

    if not out.exists():
        return
    # Of a folder, its photographs are read; a result may replace an older one there.
    replaced = [out, out.parent] if is_photograph(out) else [out]
    patients = [] if patient_file is None else [patient_file]
    for read in [*map(Path, inputs), *patients]:
        if read.exists() and any(map(read.samefile, replaced)):
            raise UsageError(
                f"{out} is one of the files that are read, and would be replaced.",
                "Name another file with --out.",
            )
