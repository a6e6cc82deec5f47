"""``hmnist compare``."""

from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.names import check_path
from hmnist.cli.output import print_json, print_rich


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN",
            help="Two run folders or more, or benchmark folders, whose rows are compared. Runs of "
            "one kind are pooled over folds, those of a benchmark folder over seeds, too.",
            callback=check_path,
        ),
    ],
    report: options.Report = "table",
) -> None:
    """Tell whether runs on the same split really differ."""
    from hmnist.results.compared_runs import compare_runs, find_rows
    from hmnist.results.formatting import FIRST, plain_table

    comparison = compare_runs(find_rows(runs))
    if report == "json":
        print_json(comparison.to_dict())
        return
    print_rich(plain_table(*comparison.table(), first=FIRST))
    if len(comparison.pairs) == 1:
        print_rich(comparison.sentences()[0])
    print_rich(comparison.describe_tests())
