"""``hmnist export``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.names import check_name, check_new_folder, check_path
from hmnist.cli.output import say

FORMATS = ("litert", "onnx", "card")

Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="|".join(FORMATS),
        help="Networks for LiteRT or ONNX, which predict without TensorFlow, with a model card; or "
        "the card alone.",
        callback=check_name("format", FORMATS),
    ),
]


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", callback=check_path)],
    form: Format = "litert",
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            show_default=False,
            help="Where it goes. [default: RUN-litert or RUN-onnx; the card goes into RUN]",
            callback=check_new_folder,
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a run's networks for use elsewhere, or its model card."""
    from hmnist.files import short_path
    from hmnist.hardware import use_threads
    from hmnist.results.exports.card import write_card
    from hmnist.results.exports.export import export_run
    from hmnist.runs.run import open_run

    opened = open_run(run)
    use_threads(opened.threads)
    if form == "card":
        typer.echo(write_card(opened, folder or run))
        return
    exported = export_run(opened, form, folder)
    written = short_path(exported.folder)
    typer.echo(written)
    if not quiet:
        say(f"{exported.facts.describe()} {exported.facts.describe_difference()}")
        say(f"To predict: hmnist predict {shlex.quote(str(written))} IMAGES")
