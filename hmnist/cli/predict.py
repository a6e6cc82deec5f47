"""``hmnist predict``."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from hmnist.cli import options
from hmnist.cli.familiarity import tell_unfamiliar
from hmnist.cli.images import PatientFile, read_images
from hmnist.cli.names import check_path
from hmnist.cli.output import say

if TYPE_CHECKING:
    from hmnist.arrays import Booleans
    from hmnist.results.exports.exported import ExportedModel
    from hmnist.runs.run import Run
    from hmnist.sources.images import ImagesToPredict


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or an export of one.")],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Pixel files, MedMNIST .npz files, photographs, or folders of them.",
            callback=check_path,
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the CSV there instead of to stdout."),
    ] = None,
    patient_file: PatientFile = None,
    report: Annotated[str, options.printed_as("csv", "table")] = "csv",
    quiet: options.Quiet = False,
) -> None:
    """Predict diagnoses for images, as CSV or as a table.

    --format table is for people. A damaged photograph is left out, and the exit code is 1 then.
    """
    from hmnist.errors import UsageError
    from hmnist.files import write_file
    from hmnist.hardware import use_threads
    from hmnist.results.exports.exported import open_model

    opened = open_model(run)
    if file is not None and report == "table":
        raise UsageError("A table is printed, not written.", "Leave out --out or --format table.")
    use_threads(opened.threads)
    # All inputs are read before the first is predicted: a wrong one loses no work.
    sources, damaged = read_images(inputs, opened, patient_file)
    if opened.uses_patients:
        _tell_unknown(sources)
    unfamiliar = [opened.is_unfamiliar(source.images) for source in sources]
    if report == "table":
        _print_predictions(opened, sources, unfamiliar)
    elif file is None:
        _write_predictions(opened, sources, unfamiliar, sys.stdout)
    else:
        with write_file(file) as temporary, temporary.open("w", encoding="utf-8") as table:
            _write_predictions(opened, sources, unfamiliar, table)
    tell_unfamiliar(opened, sources, unfamiliar)
    if not quiet:
        say("Research software, no medical device.")
    if damaged:
        raise typer.Exit(1)


def _tell_unknown(sources: "list[ImagesToPredict]") -> None:
    """Say for how many images a model lacks patient data that it was trained with."""
    from hmnist.patients import describe_unknown

    count = sum(len(source.images) for source in sources)
    sentence = describe_unknown([source.patients for source in sources], count)
    if sentence:
        say(f"{sentence} It predicts them from the image alone. Patient data: --metadata FILE")


def _write_predictions(
    run: "Run | ExportedModel",
    sources: "list[ImagesToPredict]",
    unfamiliar: "list[Booleans | None]",
    table: TextIO,
) -> None:
    """Write CSV: source, row, image_id, predicted diagnosis, one probability per diagnosis.

    The last column tells whether the image is unlike the training data; it is empty if the run
    does not know.
    """
    from hmnist.diagnoses import CODES

    # Not pandas, which takes longer to load than an image takes to predict.
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["source", "row", "image_id", "predicted", *CODES, "unfamiliar"])
    for source, flags in zip(sources, unfamiliar, strict=True):
        patients = source.patients if run.uses_patients else None
        probabilities = run.predict_proba(source.images, patients)
        predicted = run.decision.decide(probabilities)
        unnamed = [""] * len(source.images)
        names = unnamed if source.image_ids is None else source.image_ids.tolist()
        words = unnamed if flags is None else ["true" if flag else "false" for flag in flags]
        columns = zip(names, predicted.tolist(), probabilities.tolist(), words, strict=True)
        writer.writerows(
            [source.source, row, name, CODES[label], *values, word]
            for row, (name, label, values, word) in enumerate(columns)
        )


def _print_predictions(
    run: "Run | ExportedModel",
    sources: "list[ImagesToPredict]",
    unfamiliar: "list[Booleans | None]",
) -> None:
    """Print a row per image: predicted diagnosis, its probability, that of a malignant one.

    The last column marks images that are unlike the training data.
    """
    from hmnist.cli.output import print_rich
    from hmnist.diagnoses import DIAGNOSES, MALIGNANT
    from hmnist.results.formatting import plain_table

    body = []
    for source, flags in zip(sources, unfamiliar, strict=True):
        patients = source.patients if run.uses_patients else None
        probabilities = run.predict_proba(source.images, patients)
        labels = run.decision.decide(probabilities)
        malignant = probabilities[:, list(MALIGNANT)].sum(axis=1)
        for number, (name, label) in enumerate(zip(source.names, labels.tolist(), strict=True)):
            diagnosis, share = DIAGNOSES[label], probabilities[number, label]
            mark = "" if flags is None or not flags[number] else "yes"
            words = f"{diagnosis.code}, {diagnosis.name}"
            body.append([name, words, f"{share:.4f}", f"{malignant[number]:.4f}", mark])
    predicted = "predicted diagnosis"
    header = ["image", predicted, "probability", "malignant", "unfamiliar"]
    print_rich(plain_table(header, body, text=[predicted]))
