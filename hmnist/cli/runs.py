"""``hmnist runs list|show|verify``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hmnist.cli import options
from hmnist.cli.names import check_path
from hmnist.cli.output import print_json, print_rich, say, terminal_width
from hmnist.cli.show import show
from hmnist.files import RUNS_FOLDER

app = typer.Typer(help="List, show and verify run folders.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Where to look.", callback=check_path)
]
app.command("show")(show)


@app.command("list")
def list_runs(folder: Folder = RUNS_FOLDER, report: options.Report = "table") -> None:
    """List the runs in a folder with their scores.

    The exit code is 4 if one is damaged.
    """
    from hmnist.errors import TrustError
    from hmnist.runs.folders import find_runs
    from hmnist.runs.manifest import TRAIN_ONE

    none_yet = folder == RUNS_FOLDER and not folder.exists()
    facts, damaged = {}, 0
    for path in [] if none_yet else find_runs(folder):
        try:
            facts[str(path)] = _summarise(path)
        except TrustError as error:
            damaged += 1
            say(f"Skipped: {error}")
    if report == "json":
        print_json(facts)
    elif facts:
        _print_runs(facts)
    elif not damaged:
        say(f"There are no runs in {folder}. {TRAIN_ONE}")
    if damaged:
        raise typer.Exit(TrustError.exit_code)


def _summarise(folder: Path) -> dict[str, Any]:
    """Return manifest and scores of a run, in JSON's types; the other files are not read."""
    from hmnist.runs.manifest import check_file, read_manifest
    from hmnist.runs.report import REPORT, read_report

    manifest = read_manifest(folder)
    check_file(folder, REPORT, manifest.files[REPORT])
    scores = {name: score.mean for name, score in read_report(folder).scores.items()}
    return {**manifest.to_dict(), "scores": scores}


def _print_runs(runs: dict[str, dict[str, Any]]) -> None:
    """Print a line for each run; where that is too long for the terminal, two.

    A folder that is to be named in the next command stands on one line, whole.
    """
    from hmnist.results.formatting import plain_table
    from hmnist.scores.text import score_text

    shown = {"balanced_accuracy": "balanced acc.", "accuracy": "accuracy", "roc_auc_ovr": "AUC"}
    body = [
        [folder, facts["data"]["name"], *(score_text(facts["scores"][name]) for name in shown)]
        for folder, facts in runs.items()
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
def verify(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN", help="Run folders, or benchmark folders.", callback=check_path
        ),
    ],
) -> None:
    """Look for damage in run folders.

    Files are compared with the manifest, and scores with the predictions. The exit code is 4 if a
    run is damaged. It is not checked who wrote a folder.
    """
    from hmnist.errors import HmnistError
    from hmnist.results.benchmark_folder import is_benchmark, verify_benchmark
    from hmnist.runs.run import open_run
    from hmnist.runs.verification import verify_run

    failures = []
    for folder in runs:
        try:
            is_whole = is_benchmark(folder)
            count = verify_benchmark(folder) if is_whole else verify_run(open_run(folder))
        except HmnistError as error:
            failures.append(error.exit_code)
            say(f"Error: {error}")
            continue
        typer.echo(f"{folder}: {count} files are as they were written.")
    if failures:
        raise typer.Exit(max(failures))  # damage has the highest
