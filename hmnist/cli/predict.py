"""``hmnist predict``."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from hmnist.cli import options
from hmnist.cli.output import say

if TYPE_CHECKING:
    from hmnist.runs.run import Run


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Pixel files, MedMNIST .npz files, photographs, or folders of them.",
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the CSV there instead of to stdout."),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Predict diagnoses for images: CSV with a row per image."""
    from hmnist.files import write_file
    from hmnist.hardware import use_threads
    from hmnist.runs.run import open_run

    opened = open_run(run)
    use_threads(opened.manifest.recipe.threads or 1)
    if file is None:
        _write_predictions(opened, inputs, sys.stdout)
    else:
        with write_file(file) as temporary, temporary.open("w", encoding="utf-8") as table:
            _write_predictions(opened, inputs, table)
    if not quiet:
        say("Research software, no medical device.")


def _write_predictions(run: "Run", inputs: list[str], table: TextIO) -> None:
    """Write CSV: source, row, image_id, predicted diagnosis, one probability per diagnosis."""
    from hmnist.diagnoses import CODES
    from hmnist.sources.images import load_images

    shape = run.manifest.data.image_shape
    # All inputs are read before the first is predicted: a wrong one loses no work.
    sources = [load_images(path, shape) for path in inputs]
    # Not pandas, which takes longer to load than an image takes to predict.
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["source", "row", "image_id", "predicted", *CODES])
    for source, images, image_ids in sources:
        probabilities = run.predict_proba(images)
        predicted = run.decision.decide(probabilities)
        names = [""] * len(images) if image_ids is None else image_ids.tolist()
        columns = zip(names, predicted.tolist(), probabilities.tolist(), strict=True)
        writer.writerows(
            [source, row, name, CODES[label], *values]
            for row, (name, label, values) in enumerate(columns)
        )
