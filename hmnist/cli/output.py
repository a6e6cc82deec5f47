"""Printing results in the formats that all commands share."""

from typing import TYPE_CHECKING

import typer

from hmnist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from hmnist.results.evaluation import Evaluation
    from hmnist.results.table import Table
    from hmnist.scores.reliability import ReliabilityBin

__all__ = ["check_format", "print_evaluation", "print_rich", "print_table"]

WIDTH = 100
"""Columns where nobody says how wide the paper is."""


def check_format(name: str, known: tuple[str, ...]) -> None:
    """Refuse an unknown format before the work rather than after.

    Raises
    ------
    UsageError
        If there is no such format.
    """
    if name not in known:
        raise UsageError(f"There is no format {name!r}.", f"Choose {', '.join(known)}.")


def print_table(table: "Table", name: str) -> None:
    """Print a comparison on stdout."""
    if name == "table":
        print_rich(table.to_rich())
    else:
        typer.echo(table.format(name), nl=False)


def print_rich(what: "RenderableType") -> None:
    """Print something rich on stdout, 100 columns wide where there is no terminal."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(what)


def print_evaluation(evaluation: "Evaluation", name: str) -> None:
    """Print scores, report and confusion matrix on stdout."""
    if name == "json":
        typer.echo(evaluation.to_json())
        return
    from rich.console import Group
    from rich.text import Text

    from hmnist.diagnoses import CODES
    from hmnist.results.table import plain_table

    scores = [
        [score.replace("_", " "), _score(numbers["mean"]), _interval(numbers)]
        for score, numbers in evaluation.scores.items()
        if not score.startswith("recall_")
    ]
    report = [
        [
            code,
            *(f"{row[what]:.3f}" for what in ("precision", "recall", "f1")),
            f"{row['images']:,.0f}",
        ]
        for code, row in evaluation.report.items()
    ]
    confusion = [
        [code, *map(str, counts)] for code, counts in zip(CODES, evaluation.confusion, strict=True)
    ]
    print_rich(
        Group(
            Text(evaluation.title, style="bold"),
            plain_table(["score", "", "[low, high]"], scores),
            plain_table(["diagnosis", "precision", "recall", "F1", "images"], report),
            plain_table(["true ↓ decided →", *CODES], confusion),
            _reliability(evaluation.reliability),
            *(Text(note, style="dim") for note in (*evaluation.origin, *evaluation.notes)),
        )
    )


def _reliability(bins: "Sequence[ReliabilityBin]") -> "RenderableType":
    """Return a column for each bin that holds images: how sure, how often right, how many."""
    from hmnist.results.table import plain_table

    filled = [found for found in bins if found.images]
    return plain_table(
        ["sure, %", *(_percent(found.confidence) for found in filled)],
        [
            ["right, %", *(_percent(found.accuracy) for found in filled)],
            ["images", *(f"{found.images:,}" for found in filled)],
        ],
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f}"


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(numbers: "Mapping[str, float | None]") -> str:
    return f"[{_score(numbers['low'])}, {_score(numbers['high'])}]"
