"""``hmnist data info|plot|sample``, and what else there is to do with data."""

from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.check import check
from hmnist.cli.download import download
from hmnist.cli.figures import Figures, formats_of
from hmnist.cli.from_images import from_images
from hmnist.cli.inputs import load_data
from hmnist.cli.names import check_new_file, check_new_folder
from hmnist.cli.numbers import whole_number
from hmnist.cli.output import print_rich, say

app = typer.Typer(help="Look at data, fetch or make some.", no_args_is_help=True)
app.command("check", short_help="Look for leaks and other mistakes.")(check)
app.command("download")(download)
app.command("from-images")(from_images)


@app.command("plot")
def plot(
    data: options.Data = None,
    metadata: options.Metadata = None,
    seed: options.Seed = None,
    figures: Figures = None,
    folder: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FOLDER", help="Where the figures go.", callback=check_new_folder
        ),
    ] = Path("hmnist-figures"),
    suspects: Annotated[
        bool,
        typer.Option(
            "--suspects",
            help="Draw as well the images of two lesions that are most alike, and the images whose "
            "label is the least probable.",
        ),
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw the images of each diagnosis, and the metadata.

    A sheet of images per diagnosis, and the diagnoses by count, age, sex and site.
    """
    from hmnist.results.canvas import check_drawing
    from hmnist.results.data_figures import missing_columns, save_data_figures

    check_drawing()
    dataset = load_data(data, metadata, quiet=quiet, sample_allowed=False)
    for path in save_data_figures(
        dataset, folder, seed=seed or 0, formats=formats_of(figures), suspects=suspects
    ):
        typer.echo(str(path))
    missing = missing_columns(dataset)
    if missing and not quiet:
        cure = " HAM10000_metadata.csv has them: --metadata FILE"
        say(f"Not known here, so not drawn: {', '.join(missing)}.{cure}")


@app.command("info")
def info(
    data: options.Data = None,
    metadata: options.Metadata = None,
    report: options.Report = "table",
    quiet: options.Quiet = False,
) -> None:
    """Say what a data file holds."""
    dataset = load_data(data, metadata, quiet=quiet, sample_allowed=False)
    from hmnist.results.data_summary import summarise_data

    summary = summarise_data(dataset)
    if report == "json":
        typer.echo(summary.to_json())
        return
    from hmnist.results.formatting import plain_table

    typer.echo(summary.title)
    if summary.synthetic:
        typer.echo("Synthetic sample: generated images, no photographs.")
    typer.echo()
    for header, rows in summary.tables():
        print_rich(plain_table(header, rows, text=["name", "type"]))
    typer.echo(f"Digest: {summary.digest}")


@app.command("sample")
def sample(
    file: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The pixel file to write, .csv or .csv.gz.",
            callback=check_new_file,
        ),
    ],
    rows: Annotated[
        int, typer.Option(metavar="N", help="How many images, 42 or more.", **whole_number(42))
    ] = 2500,
    seed: options.Seed = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a synthetic sample in the Kaggle format.

    Its metadata are written beside it.
    """
    from hmnist.cli.watching import watch_steps
    from hmnist.sources.sample import write_sample

    with watch_steps("images", quiet=quiet) as on_step:
        pixels, metadata = write_sample(file, rows, seed or 0, on_step)
    if not quiet:
        say(f"Synthetic sample, no photographs: {pixels} and {metadata}")
