"""``hmnist report``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.inputs import load_data, refuse_metadata_alone
from hmnist.cli.names import check_new_file, check_path
from hmnist.cli.output import say


def report(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="The folder of a benchmark, an audit or a run.",
            callback=check_path,
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            show_default=False,
            help="The data that were tested: for pictures of the mistakes and, with metadata, "
            "scores by age, sex and site.",
            callback=check_path,
        ),
    ] = None,
    metadata: options.Metadata = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default=False,
            help="The page to write, .html. [default: report.html in FOLDER]",
            callback=check_new_file,
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a benchmark, an audit or a run as an HTML page."""
    from hmnist.results.formatting import byte_text
    from hmnist.results.page.report import AUDIT, write_report

    refuse_metadata_alone(context, data)
    dataset = None if data is None else load_data(data, metadata, quiet=quiet)
    path = write_report(folder, data=dataset, out=page)
    if not quiet:
        say(f"Report: {path} ({byte_text(path.stat().st_size)})")
        if dataset is None and not (folder / AUDIT).is_file():
            command = f"hmnist report {shlex.quote(str(folder))} DATA"
            say(f"For pictures of the mistakes, name the data: {command}")
