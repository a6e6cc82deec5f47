"""``hmnist data check``."""

import json
from typing import TYPE_CHECKING, Any

import typer

from hmnist.cli import options
from hmnist.cli.output import check_format, print_rich

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hmnist.checks import Report

__all__ = ["check"]


def check(
    data: options.Data = None,
    metadata: options.Metadata = None,
    split_file: options.SplitFile = None,
    report: options.Report = "table",
    quiet: options.Quiet = False,
) -> None:
    """Look for leaks and other mistakes; exit code 1 if there are any.

    Any split will do, also one that a benchmark would refuse: a split file may name images twice.
    """
    check_format(report, ("table", "json"))
    from hmnist.checks import inspect_file
    from hmnist.sources import find_data

    place = find_data(data, sample_allowed=False)
    if not quiet:
        options.say(f"Checking {place} …")
    found = inspect_file(place, metadata=metadata, split_file=split_file)
    if report == "json":
        typer.echo(json.dumps(_as_json(found), indent=1, ensure_ascii=False))
    else:
        _print(found)
    if found.findings:
        raise typer.Exit(1)


def _print(found: "Report") -> None:
    from rich.console import Group
    from rich.text import Text

    from hmnist.results.table import plain_table

    rows = [[finding.code, finding.name, finding.sentence] for finding in found.findings]
    tripped = {finding.code for finding in found.findings}
    sound = [f"{one.code} {one.name}" for one in found.looked if one.code not in tripped]
    needs: dict[str, list[str]] = {}
    for code, need in found.skipped.items():
        needs.setdefault(need.replace("a split", "a split: --split-file FILE"), []).append(code)
    skipped = [f"{', '.join(codes)} (would need {need})" for need, codes in needs.items()]
    where = found.data if found.split is None else f"{found.data}, split {found.split}"
    how_many = "nothing was found" if not rows else _count(len(rows))
    lines: list[RenderableType] = [Text(f"{where}: {how_many}.", style="bold")]
    if rows:
        lines.append(plain_table(["check", "name", "finding"], rows, text=["name", "finding"]))
    if sound:
        lines.append(Text(f"Looked and found nothing: {', '.join(sound)}."))
    if skipped:
        lines.append(Text(f"Not looked at: {'; '.join(skipped)}.", style="dim"))
    print_rich(Group(*lines))


def _count(number: int) -> str:
    return "1 check found something" if number == 1 else f"{number} checks found something"


def _as_json(found: "Report") -> dict[str, Any]:
    return {
        "schema": "hmnist-check/1",
        "data": found.data,
        "split": found.split,
        "findings": [
            {"code": one.code, "name": one.name, "sentence": one.sentence} for one in found.findings
        ],
        "looked": {one.code: one.name for one in found.looked},
        "skipped": dict(found.skipped),
    }
