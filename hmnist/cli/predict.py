"""``hmnist predict``."""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from hmnist.cli import options
from hmnist.cli.familiarity import UnfamiliarImages
from hmnist.cli.images import PatientFile, read_images, refuse_input
from hmnist.cli.names import check_new_file, check_path
from hmnist.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hmnist.arrays import Booleans, Float64, Labels
    from hmnist.results.exports.exported import ExportedModel
    from hmnist.runs.run import Run
    from hmnist.sources.images import ImagesToPredict

AT_ONCE = 20 * 512
"""Images that are predicted at once, so that memory does not grow with the number of images. They
fill whole batches of a network, as they would if all were predicted at once."""


@dataclass(frozen=True, eq=False)
class _Predicted:
    """Some rows of a source, and what a run says of their images."""

    source: "ImagesToPredict"
    rows: range
    probabilities: "Float64"
    labels: "Labels"
    unfamiliar: "Booleans | None"


def predict(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="A run folder, or an export of one.", callback=check_path
        ),
    ],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Pixel files, DermaMNIST .npz files, photographs, or folders of them.",
            callback=check_path,
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the CSV there instead of to stdout.",
            callback=check_new_file,
        ),
    ] = None,
    patient_file: PatientFile = None,
    report: Annotated[str, options.printed_as("csv", "table")] = "csv",
    quiet: options.Quiet = False,
) -> None:
    """Predict diagnoses for images, as CSV or as a table.

    --format table is easier to read. A damaged photograph is left out, and the exit code is 1 then.
    """
    from hmnist.errors import UsageError
    from hmnist.files import write_file
    from hmnist.hardware import use_threads
    from hmnist.results.exports.exported import open_model
    from hmnist.runs.manifest import MANIFEST

    opened = open_model(run)
    if file is not None and report == "table":
        raise UsageError("A table is printed, not written.", "Leave out --out or --format table.")
    if file is not None:
        refuse_input(file, inputs, patient_file)
        if (file.parent / MANIFEST).exists():
            raise UsageError(
                f"{file.parent} is a run folder, which has its own predictions.",
                "Name a file in another folder with --out.",
            )
    use_threads(opened.threads)
    # All inputs are read before the first is predicted: a wrong one loses no work.
    sources, damaged = read_images(inputs, opened, patient_file)
    if opened.uses_patients:
        _tell_unknown(sources)
    unfamiliar = UnfamiliarImages(opened)
    predicted = _predict(opened, sources, unfamiliar)
    if report == "table":
        _print_predictions(predicted)
    elif file is None:
        _write_predictions(predicted, sys.stdout)
    else:
        with (
            write_file(file) as temporary,
            # As stdout: a name that is not a text is written with its bytes, lines end as they are.
            temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as table,
        ):
            _write_predictions(predicted, table)
    unfamiliar.tell()
    if not quiet:
        say("Research software, not a medical device.")
    if damaged:
        raise typer.Exit(1)


def _tell_unknown(sources: "list[ImagesToPredict]") -> None:
    """Say for how many images a model lacks patient data that it was trained with."""
    from hmnist.patients import describe_unknown

    count = sum(len(source.images) for source in sources)
    sentence = describe_unknown([source.patients for source in sources], count)
    if sentence:
        say(f"{sentence} It predicts them from the image alone. Patient data: --metadata FILE")


def _predict(
    run: "Run | ExportedModel", sources: "list[ImagesToPredict]", unfamiliar: UnfamiliarImages
) -> "Iterator[_Predicted]":
    """Yield what a run says of the images, a part of them at a time."""
    from hmnist.large_arrays import release

    for source in sources:
        patients = source.patients if run.uses_patients else None
        for start in range(0, len(source.images), AT_ONCE):
            rows = range(start, min(start + AT_ONCE, len(source.images)))
            images = source.images[rows.start : rows.stop]
            known = None if patients is None else patients[rows.start : rows.stop]
            probabilities = run.predict_proba(images, known)
            flags = unfamiliar.find(source, rows)
            yield _Predicted(source, rows, probabilities, run.decision.decide(probabilities), flags)
            release(source.images)


def _write_predictions(predicted: "Iterable[_Predicted]", table: TextIO) -> None:
    """Write CSV: source, row, image_id, predicted diagnosis, one probability per diagnosis.

    The last column tells whether the image is unlike the training data; it is empty if the run
    does not know.
    """
    from hmnist.diagnoses import CODES

    # Not pandas, which takes longer to load than an image takes to predict.
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["source", "row", "image_id", "predicted", *CODES, "unfamiliar"])
    for part in predicted:
        source, flags = part.source, part.unfamiliar
        unnamed = [""] * len(part.rows)
        ids = source.image_ids
        names = unnamed if ids is None else ids[part.rows.start : part.rows.stop].tolist()
        words = unnamed if flags is None else ["true" if flag else "false" for flag in flags]
        columns = (part.rows, names, part.labels.tolist(), part.probabilities.tolist(), words)
        writer.writerows(
            [source.source, row, name, CODES[label], *values, word]
            for row, name, label, values, word in zip(*columns, strict=True)
        )


def _print_predictions(predicted: "Iterable[_Predicted]") -> None:
    """Print a row per image: predicted diagnosis, its probability, that of a malignant one.

    The last column marks images that are unlike the training data.
    """
    from hmnist.cli.output import print_rich
    from hmnist.diagnoses import DIAGNOSES, MALIGNANT
    from hmnist.results.formatting import plain_table

    body = []
    for part in predicted:
        malignant = part.probabilities[:, list(MALIGNANT)].sum(axis=1)
        for number, (row, label) in enumerate(zip(part.rows, part.labels.tolist(), strict=True)):
            diagnosis, share = DIAGNOSES[label], part.probabilities[number, label]
            mark = "" if part.unfamiliar is None or not part.unfamiliar[number] else "yes"
            words = f"{diagnosis.code}, {diagnosis.name}"
            cells = [words, f"{share:.4f}", f"{malignant[number]:.4f}", mark]
            body.append([part.source.name(row), *cells])
    name = "predicted diagnosis"
    print_rich(
        plain_table(["image", name, "probability", "malignant", "unfamiliar"], body, text=[name])
    )
