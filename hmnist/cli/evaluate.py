"""``hmnist evaluate``."""

from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.inputs import load_data
from hmnist.cli.output import print_evaluation, say


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            show_default=False,
            help="Other data to evaluate on. [default: the run's own test part]",
        ),
    ] = None,
    metadata: options.Metadata = None,
    report: options.Report = "table",
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            show_default=False,
            help="Where report, confusion matrix and figures go. [default: figures go to RUN, "
            "which has its report; nothing is written for other data]",
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Print and draw scores, report and confusion matrix of a run."""
    from hmnist.errors import UsageError
    from hmnist.hardware import use_threads
    from hmnist.results.canvas import can_draw
    from hmnist.results.evaluation import evaluate_run
    from hmnist.results.run_figures import plot_run
    from hmnist.runs.run import open_run

    if data is None and metadata is not None:
        raise UsageError("--metadata goes with other data to evaluate on.", "Name the data, too.")
    opened = open_run(run)
    use_threads(opened.manifest.recipe.threads or 1)
    dataset = None if data is None else load_data(data, metadata, quiet=quiet)
    evaluation = evaluate_run(opened, dataset)
    print_evaluation(evaluation, report)
    if folder is None and not evaluation.own:
        if not quiet:
            say("To keep the report on other data, and draw it: --out FOLDER")
        return
    if folder is not None:
        evaluation.write(folder)
    folder = folder or run  # which has its report already
    figures = folder / "figures"
    if can_draw():
        plot_run(opened, figures, evaluation=evaluation)
    if not quiet:
        drawn = f"; figures: {figures}" if can_draw() else ". For figures: pip install matplotlib"
        say(f"Report: {folder / 'report.csv'} and confusion.csv{drawn}")
