"""``hmnist data check``."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from hmnist.cli import options
from hmnist.cli.output import print_json, print_rich, say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hmnist.checks import Report


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
    from hmnist.checks import inspect_file
    from hmnist.sources import find_data

    source = find_data(data, sample_allowed=False)
    if not quiet:
        say(f"Checking {source} …")
    result = inspect_file(source, metadata=metadata, split_file=split_file)
    if report == "json":
        print_json(_as_json(result))
    else:
        _print(result)
    if result.findings:
        raise typer.Exit(1)


def _print(report: "Report") -> None:
    from rich.console import Group
    from rich.text import Text

    from hmnist.results.formatting import plain_table

    rows = [[finding.code, finding.name, finding.sentence] for finding in report.findings]
    tripped = {finding.code for finding in report.findings}
    passed = [f"{check.code} {check.name}" for check in report.looked if check.code not in tripped]
    codes_of_need: dict[str, list[str]] = {}
    for code, need in report.skipped.items():
        wanted = need.replace("a split", "a split: --split-file FILE")
        codes_of_need.setdefault(wanted, []).append(code)
    skipped = [f"{', '.join(codes)} (would need {need})" for need, codes in codes_of_need.items()]
    title = report.data if report.split is None else f"{report.data}, split {report.split}"
    lines: list[RenderableType] = [Text(f"{title}: {_count(len(rows))}.", style="bold")]
    if rows:
        lines.append("")
        lines.append(plain_table(["check", "name", "finding"], rows, text=["name", "finding"]))
    if passed:
        lines.append(Text(f"Looked and found nothing: {', '.join(passed)}."))
    if skipped:
        lines.append(Text(f"Not looked at: {'; '.join(skipped)}.", style="dim"))
    print_rich(Group(*lines))


def _count(number: int) -> str:
    if number == 0:
        return "nothing was found"
    return "1 check found something" if number == 1 else f"{number} checks found something"


def _as_json(report: "Report") -> dict[str, Any]:
    return {
        "schema": "hmnist-check/1",
        "data": report.data,
        "split": report.split,
        "findings": [asdict(finding) for finding in report.findings],
        "looked": {check.code: check.name for check in report.looked},
        "skipped": dict(report.skipped),
    }
