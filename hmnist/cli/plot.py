"""``hmnist data plot``."""

from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.inputs import load_data
from hmnist.cli.output import say


def plot(
    data: options.Data = None,
    metadata: options.Metadata = None,
    seed: options.Seed = None,
    folder: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where the figures go.")
    ] = Path("hmnist-figures"),
    quiet: options.Quiet = False,
) -> None:
    """Draw a sheet of images per diagnosis, and diagnoses by count, age, sex and site."""
    from hmnist.results.canvas import check_drawing
    from hmnist.results.data_figures import missing_columns, plot_data

    check_drawing()
    dataset = load_data(data, metadata, quiet=quiet, sample_allowed=False)
    for path in plot_data(dataset, folder, seed=seed or 0):
        typer.echo(str(path))
    missing = missing_columns(dataset)
    if missing and not quiet:
        cure = " HAM10000_metadata.csv has them: --metadata FILE"
        say(f"Not known here, so not drawn: {', '.join(missing)}.{cure}")
