"""``hmnist runs list|show|verify``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.output import check_format, print_rich

__all__ = ["app"]

app = typer.Typer(help="List, show and verify run folders.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to look.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]


@app.command("list")
def list_runs(
    folder: Folder = Path("hmnist-runs"),
    format: options.Format = "table",  # noqa: A002 - the option's name
) -> None:
    """List the runs in a folder with their scores."""
    check_format(format, ("table", "json"))
    from hmnist.errors import TrustError
    from hmnist.manifest import read_manifest
    from hmnist.runs import find_runs
    from hmnist.table import plain_table

    manifests = {}
    for path in find_runs(folder):
        try:
            manifests[str(path)] = read_manifest(path)
        except TrustError as error:
            options.say(f"Skipped: {error}")
    if format == "json":
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
                f"{manifest['scores'][name]:.3f}"
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
    from hmnist.runs import open_run

    typer.echo(json.dumps(open_run(run).manifest, indent=1, ensure_ascii=False))


@app.command("verify")
def verify(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders.")],
) -> None:
    """Hold every file of a run against its manifest; exit code 4 if one is damaged."""
    from hmnist.runs import open_run

    for run in runs:
        count = len(open_run(run).manifest["files"])
        typer.echo(f"{run}: {count} files are as they were written.")
