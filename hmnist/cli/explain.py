"""``hmnist explain``."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from hmnist.cli import options
from hmnist.cli.familiarity import UnfamiliarImages
from hmnist.cli.images import PatientFile, read_images, refuse_input
from hmnist.cli.names import check_new_file, check_path, named
from hmnist.cli.output import print_rich, say
from hmnist.results.formatting import plain_table
from hmnist.scores.text import signed_text

if TYPE_CHECKING:
    from hmnist.arrays import Float32
    from hmnist.results.explanation import Explanation
    from hmnist.sources.images import ImagesToPredict


def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", callback=check_path)],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE",
            help="Photographs, folders of them, pixel files, or .npz files.",
            callback=check_path,
        ),
    ],
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="occlusion|grad-cam|permutation",
            help="How: cover a part of the image, look into a convolutional network, or exchange "
            "a part for that of the other images.",
            **named("method"),
        ),
    ] = "occlusion",
    rows: Annotated[
        str | None,
        typer.Option(
            "--rows",
            metavar="ROWS",
            show_default=False,
            help="Which images of a pixel file, by image id or row (0 is the first): 0,5,"
            "ISIC_0027419. [default: all]",
        ),
    ] = None,
    patient_file: PatientFile = None,
    figure: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="The figure: .png, .svg or .pdf.", callback=check_new_file
        ),
    ] = Path("explanation.png"),
    quiet: options.Quiet = False,
) -> None:
    """Draw which parts of an image a predicted diagnosis rests on.

    A damaged photograph is left out, and the exit code is 1 then.
    """
    from hmnist.hardware import use_threads
    from hmnist.results.canvas import check_drawing
    from hmnist.results.explaining import explain as explain_images
    from hmnist.results.figure_files import check_format, format_of
    from hmnist.runs.run import open_run

    check_drawing()
    check_format(format_of(figure))
    refuse_input(figure, inputs, patient_file)
    opened = open_run(run)
    use_threads(opened.threads)
    sources, damaged = read_images(inputs, opened, patient_file)
    chosen = _choose(sources, rows)
    explanation = explain_images(
        opened,
        np.concatenate([source.images for source in chosen]),
        method=method,
        patients=_join_patients(chosen) if opened.uses_patients else None,
        names=[name for source in chosen for name in source.names],
    )
    explanation.save(figure)
    _print(explanation)
    unfamiliar = UnfamiliarImages(opened)
    for source in chosen:
        unfamiliar.find(source, range(len(source.images)))
    unfamiliar.tell()
    if not quiet:
        say(f"Figure: {figure}. Research software, not a medical device.")
    if damaged:
        raise typer.Exit(1)


def _choose(sources: "list[ImagesToPredict]", rows: str | None) -> "list[ImagesToPredict]":
    """Return the images that are explained: those of some rows, or all if they are few."""
    from hmnist.errors import UsageError
    from hmnist.results.explanation import MOST

    if rows is not None:
        if len(sources) > 1:
            raise UsageError("--rows goes with one input.", "Name one pixel file.")
        sources = [_take(sources[0], [name.strip() for name in rows.split(",")])]
    count = sum(len(source.images) for source in sources)
    if count > MOST:
        raise UsageError(
            f"A sheet has room for {MOST} images, and there are {count:,}.",
            "Name fewer inputs." if len(sources) > 1 else "Choose some: --rows 0,1,2",
        )
    return sources


def _take(source: "ImagesToPredict", names: list[str]) -> "ImagesToPredict":
    """Return some images of a source, by image id or row."""
    from hmnist.errors import UsageError

    known = [] if source.image_ids is None else source.image_ids.tolist()
    positions = []
    for name in names:
        if name in known:
            positions.append(known.index(name))
        elif name.isdecimal() and int(name) < len(source.images):
            positions.append(int(name))
        else:
            raise UsageError(
                f"{source.source} has no image {name!r}.",
                f"Give image ids, or rows from 0 to {len(source.images) - 1}.",
            )
    return replace(
        source,
        images=source.images[positions],
        image_ids=np.array([known[row] if known else f"row {row}" for row in positions]),
        patients=None if source.patients is None else source.patients[positions],
        files=tuple(source.files[row] for row in positions) if source.files else (),
    )


def _join_patients(sources: "list[ImagesToPredict]") -> "Float32":
    from hmnist.patients import UNKNOWN_PATIENT

    return np.concatenate(
        [
            np.tile(UNKNOWN_PATIENT, (len(source.images), 1))
            if source.patients is None
            else source.patients
            for source in sources
        ]
    )


def _print(explanation: "Explanation") -> None:
    """Print the predictions, and what groups of features are worth, on stdout."""
    from hmnist.diagnoses import CODES

    predicted = explanation.predicted.tolist()
    rows = [
        [name, CODES[label], f"{probabilities[label]:.3f}"]
        for name, label, probabilities in zip(
            explanation.names, predicted, explanation.probabilities.tolist(), strict=True
        )
    ]
    print_rich(plain_table(["image", "predicted", "probability"], rows, text=["predicted"]))
    if explanation.groups:
        groups = [[name, signed_text(-loss)] for name, loss in explanation.groups.items()]
        print_rich(plain_table(["features from other images", "probability"], groups))
