"""``hmnist data check``."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmnist.cli import options
from hmnist.cli.output import print_json, print_rich, say
from hmnist.cli.watching import watch_steps

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hmnist.checks.report import Finding, Report

Format = Annotated[str, options.printed_as("table", "markdown", "json")]

_HEADER = ["check", "name", "finding", "evidence"]


def check(
    data: options.Data = None,
    metadata: options.Metadata = None,
    split_file: options.SplitFile = None,
    feature_file: options.FeatureFile = None,
    report: Format = "table",
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
    with watch_steps("checks", quiet=quiet) as on_step:
        result = inspect_file(
            source,
            metadata=metadata,
            split_file=split_file,
            feature_file=feature_file,
            on_check=on_step,
        )
    if report == "json":
        print_json(_as_json(result))
    elif report == "markdown":
        typer.echo(_as_markdown(result))
    else:
        _print(result)
    if result.findings:
        raise typer.Exit(1)


def _print(report: "Report") -> None:
    from rich.console import Group
    from rich.text import Text

    from hmnist.results.formatting import plain_table

    lines: list[RenderableType] = [Text(_title(report), style="bold")]
    if report.findings:
        lines.append("")
        lines.append(plain_table(_HEADER, _rows(report.findings), text=_HEADER[1:]))
    lines += [Text(note, style="dim") for note in _notes(report)]
    print_rich(Group(*lines))


def _as_markdown(report: "Report") -> str:
    from hmnist.results.formatting import markdown_table

    rows = [[cell.replace("|", r"\|") for cell in row] for row in _rows(report.findings)]
    table = [markdown_table(_HEADER, rows, text=_HEADER)] if rows else []
    return "\n\n".join([_title(report), *table, *_notes(report)])


def _rows(findings: "tuple[Finding, ...]") -> list[list[str]]:
    return [[each.code, each.name, each.sentence, _evidence_text(each)] for each in findings]


def _evidence_text(finding: "Finding") -> str:
    def number(value: float | str) -> str:
        if isinstance(value, str):
            return value
        return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"

    return "; ".join(f"{name} {number(value)}" for name, value in finding.evidence.items())


def _title(report: "Report") -> str:
    title = report.data if report.split is None else f"{report.data}, split {report.split}"
    number = len(report.findings)
    if number == 0:
        return f"{title}: nothing was found."
    checks = "1 check" if number == 1 else f"{number} checks"
    return f"{title}: {checks} found something."


def _notes(report: "Report") -> list[str]:
    """Return what was looked at without a finding, and what was not looked at."""
    from hmnist.checks.catalogue import CHECKS
    from hmnist.scores.text import as_sentence_list

    name_of = {check.code: f"{check.code} {check.name}" for check in CHECKS}
    tripped = {finding.code for finding in report.findings}
    passed = [name_of[check.code] for check in report.looked if check.code not in tripped]
    names_of_need: dict[str, list[str]] = {}
    for code, need in sorted(report.skipped.items()):
        wanted = need.replace("a split", "a split: --split-file FILE")
        wanted = wanted.replace("features", "features: --feature-file FILE")
        names_of_need.setdefault(wanted, []).append(name_of[code])
    skipped = [f"{', '.join(names)} (would need {need})" for need, names in names_of_need.items()]
    notes = [f"Looked and found nothing: {', '.join(passed)}."] if passed else []
    codes = [check.code for check in report.looked if "sample" in check.needs]
    if codes and report.compared < report.images:
        notes.append(
            f"Of {report.images:,} different images, {report.compared:,} were compared, drawn at "
            f"random: {as_sentence_list(codes)} looked at these."
        )
    return notes + ([f"Not looked at: {'; '.join(skipped)}."] if skipped else [])


def _as_json(report: "Report") -> dict[str, Any]:
    return {
        "schema": "hmnist-check/2",
        "data": report.data,
        "split": report.split,
        "findings": [asdict(finding) for finding in report.findings],
        "looked": {check.code: check.name for check in report.looked},
        "skipped": dict(report.skipped),
        "images": report.images,
        "compared": report.compared,
    }
