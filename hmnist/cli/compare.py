"""``hmnist compare``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmnist.cli import options
from hmnist.cli.output import print_json, print_rich

if TYPE_CHECKING:
    from hmnist.scores.comparison import Comparison, Difference, Pair


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN",
            help="Two run folders or more, or benchmark folders, whose rows are compared. Runs of "
            "one kind are pooled over folds and seeds.",
        ),
    ],
    report: options.Report = "table",
) -> None:
    """Tell whether runs on the same split really differ."""
    from hmnist.results.compared_runs import compare_runs, find_rows

    comparison = compare_runs(find_rows(runs))
    if report == "json":
        print_json(comparison.to_dict())
    elif len(comparison.pairs) == 1:
        _print_pair(comparison.pairs[0])
        print_rich(comparison.sentences()[0])
        print_rich(_describe_tests(comparison))
    else:
        _print_pairs(comparison)


def _print_pair(pair: "Pair") -> None:
    """Print a line for each score of a single pair."""
    from hmnist.results.formatting import plain_table
    from hmnist.scores.scoring import SCORE_OF
    from hmnist.scores.text import interval_text, p_text, signed_text

    body = [
        [
            SCORE_OF[name].title,
            signed_text(result.difference),
            interval_text(result.low, result.high, signed=True),
            p_text(result.p_value),
        ]
        for name, result in pair.scores.items()
    ]
    header = [f"{pair.first} − {pair.second}", "difference", "[low, high]", "p"]
    print_rich(plain_table(header, body))


def _print_pairs(comparison: "Comparison") -> None:
    """Print a line for each pair, with the scores over all diagnoses."""
    from hmnist.results.formatting import plain_table
    from hmnist.scores.scoring import SCORES

    shown = [score for score in SCORES if score.diagnosis is None]
    body = [
        [
            f"{pair.first} − {pair.second}",
            *(_difference_text(pair.scores[score.name]) for score in shown),
        ]
        for pair in comparison.pairs
    ]
    header = ["difference", *(score.heading for score in shown)]
    print_rich(plain_table(header, body, first=["balanced acc.", "accuracy", "AUC"]))
    print_rich(f"* p < 0.05. {_describe_tests(comparison)} Recalls and p-values: --format json")


def _difference_text(result: "Difference") -> str:
    from hmnist.scores.comparison import SIGNIFICANT
    from hmnist.scores.text import interval_text, signed_text

    mark = "*" if result.p_value < SIGNIFICANT else " "
    interval = interval_text(result.low, result.high, signed=True)
    return f"{signed_text(result.difference)}{mark} {interval}"


def _describe_tests(comparison: "Comparison") -> str:
    """Return which tests there were, and how they were corrected."""
    counted = comparison.pairs[0].mcnemar.counted
    tests = len(comparison.pairs) * (len(comparison.pairs[0].scores) + 1)
    return (
        f"p: paired bootstrap over {counted}, {comparison.resamples:,} resamples; all {tests} "
        "tests, McNemar's included, are corrected together (Holm). Intervals: 95%, each by itself."
    )
