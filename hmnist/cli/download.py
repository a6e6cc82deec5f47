"""``hmnist data download``."""

import shlex
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.names import check_name
from hmnist.cli.output import say
from hmnist.cli.progress import watch_reading


def download(
    name: Annotated[
        str,
        typer.Argument(
            metavar="kaggle|dermamnist",
            help="The pixel file with its metadata from Kaggle, or DermaMNIST from Zenodo.",
            callback=check_name("data set to download"),
        ),
    ] = "kaggle",
    quiet: options.Quiet = False,
) -> None:
    """Fetch published data into the cache.

    The path of the data file is printed. A download that was cut off goes on where it stopped.
    Commands without DATA use the pixel file from Kaggle once it is there.
    """
    from hmnist.sources.download import ARCHIVES
    from hmnist.sources.download import download as fetch_archive

    archive = ARCHIVES[name]
    if not quiet:
        names = ", ".join(file.name for file in archive.files)
        say(f"{archive.title}: {names}, about {archive.size / 1e6:.0f} MB, from {archive.page}")
        say(f"Licence {archive.licence}. Please cite {archive.citation}.")
    try:
        with watch_reading(quiet=quiet) as on_progress:
            path = fetch_archive(name, on_progress=on_progress)
    except KeyboardInterrupt:
        say("\nInterrupted. What has arrived is kept; the same command goes on.")
        raise typer.Exit(130) from None
    typer.echo(str(path))
    if not quiet:
        what = "" if name == "kaggle" else f" {shlex.quote(str(path))}"
        say(f"Next: hmnist benchmark{what}")
