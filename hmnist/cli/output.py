"""Printing results in the formats that all commands share."""

import json
import os
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from hmnist.results.audit_table import Audit
    from hmnist.results.evaluation import Evaluation
    from hmnist.results.table import Table

UNLIMITED = 1_000_000
"""Columns where stdout is not a terminal: nothing takes a second line."""


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

    from hmnist.results.formatting import plain_table

    tables = (plain_table(*table) for table in evaluation.tables())
    notes = (Text(note, style="dim") for note in (*evaluation.origin, *evaluation.notes))
    print_rich(Group(Text(f"{evaluation.title}\n", style="bold"), *tables, *notes))
