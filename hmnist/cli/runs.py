"""``hmnist runs list|show|verify``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.output import check_format, print_rich

__all__ = ["app"]

app = typer.Typer(help="List, show and verify run folders.", no_args_is_help=True)

RUNS = Path("hmnist-runs")
"""Where runs go that are not told where."""

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to look.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]


@app.command("list")
def list_runs(
    folder: Folder = RUNS,
    report: options.Report = "table",
) -> None:
    """List the runs in a folder with their scores."""
    check_format(report, ("table", "json"))
    from hmnist.errors import DataMissingError, TrustError
    from hmnist.results.table import plain_table
    from hmnist.runs.manifest import read_manifest
    from hmnist.runs.run import find_runs

    if not folder.is_dir() and folder != RUNS:
        raise DataMissingError(f"There is no folder {folder}.")
    manifests = {}
    for path in find_runs(folder):
        try:
            manifests[str(path)] = read_manifest(path)
        except TrustError as error:
            options.say(f"Skipped: {error}")
    if report == "json":
        typer.echo(json.dumps(manifests, indent=1, ensure_ascii=False))
        return
    if not manifests:
        options.say(f"There are no runs in {folder}.")
        return
    body = [
        [
            place,
            manifest["data"]["name"],
            *(
                "–" if manifest["scores"][name] is None else f"{manifest['scores'][name]:.3f}"
                for name in ("balanced_accuracy", "accuracy", "roc_auc_ovr")
            ),
        ]
        for place, manifest in manifests.items()
    ]
    print_rich(
        plain_table(["run", "data", "balanced acc.", "accuracy", "AUC"], body, text=["data"])
    )


@app.command("show")
def show(run: RunFolder) -> None:
    """Print what a run is: its manifest, as JSON."""
    from hmnist.runs.run import open_run

    typer.echo(json.dumps(open_run(run).manifest, indent=1, ensure_ascii=False))


@app.command("verify")
def verify(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders.")],
) -> None:
    """Hold every file of a run against its manifest; exit code 4 if one is damaged."""
    from hmnist.errors import TrustError
    from hmnist.runs.run import CommitteeRun, open_run

    damaged = 0
    for place in runs:
        try:
            run = open_run(place)
            members = run.members if isinstance(run, CommitteeRun) else []
        except TrustError as error:
            damaged += 1
            options.say(f"Error: {error}")
            continue
        count = sum(len(one.manifest["files"]) for one in (run, *members))
        typer.echo(f"{place}: {count} files are as they were written.")
    if damaged:
        raise typer.Exit(TrustError.exit_code)
