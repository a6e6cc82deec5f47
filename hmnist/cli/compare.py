"""``hmnist compare``."""

from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.output import print_json, print_rich


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Two run folders or more.")],
    report: options.Report = "table",
) -> None:
    """Tell whether runs on the same split really differ."""
    from rich.text import Text

    from hmnist.results.evaluation import compare_runs
    from hmnist.results.formatting import plain_table
    from hmnist.runs.run import open_run

    comparison = compare_runs([open_run(run) for run in runs])
    if report == "json":
        print_json(comparison.to_dict())
        return
    for pair, sentence in zip(comparison.pairs, comparison.sentences(), strict=True):
        body = []
        for score, result in pair.scores.items():
            interval = f"[{result.low:+.3f}, {result.high:+.3f}]"
            difference, p_value = f"{result.difference:+.3f}", f"{result.p_value:.4f}"
            body.append([score.replace("_", " "), difference, interval, p_value])
        print_rich(plain_table([f"{pair.first} − {pair.second}", "", "[low, high]", "p"], body))
        print_rich(Text(f"{sentence}\n"))
