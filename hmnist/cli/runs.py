"""``hmnist runs list|show|verify``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmnist.cli import options
from hmnist.cli.output import print_json, print_rich, say, terminal_width
from hmnist.cli.show import show
from hmnist.files import RUNS_FOLDER

if TYPE_CHECKING:
    from hmnist.runs.manifest import Manifest

app = typer.Typer(help="List, show and verify run folders.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to look.")]
app.command("show")(show)


@app.command("list")
def list_runs(folder: Folder = RUNS_FOLDER, report: options.Report = "table") -> None:
    """List the runs in a folder with their scores."""
    from hmnist.errors import DataMissingError, TrustError
    from hmnist.runs.manifest import read_manifest
    from hmnist.runs.run import find_runs

    if not folder.is_dir() and folder != RUNS_FOLDER:
        raise DataMissingError(f"There is no folder {folder}.")
    manifests = {}
    for path in find_runs(folder):
        try:
            manifests[str(path)] = read_manifest(path)
        except TrustError as error:
            say(f"Skipped: {error}")
    if report == "json":
        print_json({path: manifest.to_dict() for path, manifest in manifests.items()})
        return
    if not manifests:
        say(f"There are no runs in {folder}.")
        return
    _print_runs(manifests)


def _print_runs(manifests: "dict[str, Manifest]") -> None:
    """Print a line for each run; where that is too long for the terminal, two.

    A folder that is to be named in the next command stands on one line, whole.
    """
    from hmnist.results.formatting import plain_table
    from hmnist.scores.text import score_text

    shown = {"balanced_accuracy": "balanced acc.", "accuracy": "accuracy", "roc_auc_ovr": "AUC"}
    body = [
        [folder, manifest.data.name, *(score_text(manifest.scores[score]) for score in shown)]
        for folder, manifest in manifests.items()
    ]
    header = ["run", "data", *shown.values()]
    table = plain_table(header, body)
    if len(table.fit(terminal_width())) == 1:
        print_rich(table)
        return
    for folder, data, *scores in body:
        named = (f"{name} {score}" for name, score in zip(header[2:], scores, strict=True))
        typer.echo(f"{folder}\n  {', '.join(named)} ({data})")


@app.command("verify")
def verify(runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders.")]) -> None:
    """Compare every file of a run with its manifest; exit code 4 if one is damaged."""
    from hmnist.errors import TrustError
    from hmnist.runs.run import open_run

    damaged = 0
    for folder in runs:
        try:
            run = open_run(folder)
            count = sum(len(part.manifest.files) for part in (run, *run.members))
        except TrustError as error:
            damaged += 1
            say(f"Error: {error}")
            continue
        typer.echo(f"{folder}: {count} files are as they were written.")
    if damaged:
        raise typer.Exit(TrustError.exit_code)
