"""Printing results in the formats that all commands share."""

import json
import os
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from hmnist.results.audit_table import Audit
    from hmnist.results.evaluation import Evaluation
    from hmnist.results.table import Table
    from hmnist.scores.reliability import ReliabilityBin

UNLIMITED = 1_000_000
"""Columns where stdout is no terminal: nothing takes a second line."""


def say(text: str) -> None:
    """Print a line on stderr."""
    typer.echo(text, err=True)


def print_result(result: "Table | Audit", name: str) -> None:
    """Print a comparison or an audit on stdout."""
    if name == "table":
        print_rich(result.to_rich())
    else:
        typer.echo(result.format(name), nl=False)


def print_json(facts: object) -> None:
    """Print facts on stdout as JSON."""
    typer.echo(json.dumps(facts, indent=1, ensure_ascii=False))


def print_rich(renderable: "RenderableType") -> None:
    """Print tables and text on stdout."""
    _console().print(renderable, markup=False, highlight=False)


def terminal_width() -> int:
    """Return how many columns stdout has."""
    return _console().width


def _console() -> "Console":
    """Return stdout, as wide as the terminal or as ``COLUMNS`` says; else unlimited."""
    from rich.console import Console

    console = Console()
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return Console(width=UNLIMITED)


def print_evaluation(evaluation: "Evaluation", name: str) -> None:
    """Print scores, report and confusion matrix on stdout."""
    if name == "json":
        typer.echo(evaluation.to_json())
        return
    from rich.console import Group
    from rich.text import Text

    from hmnist.diagnoses import CODES
    from hmnist.results.formatting import plain_table
    from hmnist.scores.scoring import SCORES
    from hmnist.scores.text import interval_text, score_text

    report = evaluation.report
    scores = []
    for score in SCORES:
        if score.diagnosis is None:
            value = report.scores[score.name]
            interval = interval_text(value.low, value.high)
            scores.append([score.title, score_text(value.mean), interval])
    diagnoses = []
    for code, row in report.diagnoses.items():
        recall = report.scores[f"recall_{code}"]
        shown = [score_text(row.recall), interval_text(recall.low, recall.high)]
        others = [score_text(row.precision), score_text(row.f1), f"{row.images:,.0f}"]
        diagnoses.append([code, *shown, *others])
    confusion = [
        [code, *map(str, counts)] for code, counts in zip(CODES, report.confusion, strict=True)
    ]
    tables = (
        plain_table(["score", "value", "[low, high]"], scores),
        plain_table(["diagnosis", "recall", "[low, high]", "precision", "F1", "images"], diagnoses),
        plain_table(["true ↓ predicted diagnosis →", *CODES], confusion),
        _reliability(report.reliability),
    )
    notes = (Text(note, style="dim") for note in (*evaluation.origin, *evaluation.notes))
    print_rich(Group(Text(f"{evaluation.title}\n", style="bold"), *tables, *notes))


def _reliability(bins: "Sequence[ReliabilityBin]") -> "RenderableType":
    """Return a column for each bin with images: mean confidence, share right, images."""
    from hmnist.results.formatting import plain_table

    filled = [bin_ for bin_ in bins if bin_.images]
    header = ["confidence, %", *(_percent(bin_.confidence) for bin_ in filled)]
    right = ["right, %", *(_percent(bin_.accuracy) for bin_ in filled)]
    return plain_table(header, [right, ["images", *(f"{bin_.images:,}" for bin_ in filled)]])


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f}"
