"""``hmnist evaluate``."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmnist.cli import options
from hmnist.cli.figures import Figures, formats_of
from hmnist.cli.inputs import load_data, refuse_metadata_alone
from hmnist.cli.names import check_new_folder, check_path
from hmnist.cli.output import print_evaluation, print_result, say

if TYPE_CHECKING:
    from hmnist.dataset import LesionDataset


def evaluate(
    context: typer.Context,
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="A run folder, or a benchmark folder.", callback=check_path
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            show_default=False,
            help="Other data to evaluate a run on; or those it was trained on, for a figure of "
            "its mistakes. [default: the run's own test part]",
            callback=check_path,
        ),
    ] = None,
    metadata: options.Metadata = None,
    report: options.Report = "table",
    figures: Figures = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            show_default=False,
            help="Where report, confusion matrix and figures go. [default: figures go to RUN, "
            "which has its report; nothing is written for other data]",
            callback=check_new_folder,
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Print and draw the scores of a run, or of a whole benchmark."""
    from hmnist.errors import UsageError
    from hmnist.results.benchmark_folder import is_benchmark

    formats = formats_of(figures)
    refuse_metadata_alone(context, data)
    if is_benchmark(run):
        if data is not None:
            raise UsageError(
                f"{run} is a benchmark; other data are for one of its runs.",
                f"See: hmnist runs list {shlex.quote(str(run))}",
            )
        _evaluate_benchmark(run, report, formats, folder or run, quiet=quiet)
        return
    dataset = None if data is None else load_data(data, metadata, quiet=quiet)
    _evaluate_run(run, dataset, report, formats, folder, quiet=quiet)


def _evaluate_benchmark(
    benchmark: Path, report: str, formats: list[str], folder: Path, *, quiet: bool
) -> None:
    from hmnist.results.benchmark_folder import open_table
    from hmnist.results.canvas import can_draw
    from hmnist.results.table_figures import save_table_figures

    table = open_table(benchmark)
    print_result(table, report)
    if can_draw():
        save_table_figures(table, _figures_in(folder), formats=formats)
    if not quiet:
        say(_drawn(folder))


def _evaluate_run(
    run: Path,
    data: "LesionDataset | None",
    report: str,
    formats: list[str],
    folder: Path | None,
    *,
    quiet: bool,
) -> None:
    from hmnist.hardware import use_threads
    from hmnist.results.canvas import can_draw
    from hmnist.results.evaluation import evaluate_run, refuse_run_folder
    from hmnist.results.run_figures import save_run_figures
    from hmnist.runs.run import open_run

    if folder is not None:
        refuse_run_folder(folder)
    opened = open_run(run)
    use_threads(opened.manifest.recipe.threads or 1)
    evaluation = evaluate_run(opened, data)
    print_evaluation(evaluation, report)
    if not quiet and evaluation.seen is not None and str(evaluation.seen):
        say(str(evaluation.seen))
    if folder is None and not evaluation.own:
        if not quiet:
            say("To keep the report on other data, and draw it: --out FOLDER")
        return
    if folder is not None:
        evaluation.write(folder)
    folder = folder or run  # which has its report already
    if can_draw():
        save_run_figures(
            opened, _figures_in(folder), evaluation=evaluation, data=data, formats=formats
        )
    if not quiet:
        say(f"Report: {folder / 'report.csv'} and confusion.csv. {_drawn(folder)}")


def _figures_in(folder: Path) -> Path:
    """Return where figures go; a link might lead anywhere."""
    from hmnist.errors import TrustError

    figures = folder / "figures"
    if figures.is_symlink():
        raise TrustError(f"{figures} is a link.", "Remove it, or name another place with --out.")
    return figures


def _drawn(folder: Path) -> str:
    """Say where the figures are, or why there are none."""
    from hmnist.results.canvas import can_draw

    return f"Figures: {folder / 'figures'}" if can_draw() else "For figures: pip install matplotlib"
