"""The sections of a page that are the same whoever reads it: tables, notes, how to repeat it."""

from collections.abc import Iterable

from hmnist.results.audit_table import LEAK_HEADER, Audit, claim_cells, leak_cells
from hmnist.results.costs import COSTS
from hmnist.results.evaluation import Evaluation
from hmnist.results.page.markup import (
    Cell,
    Heading,
    html_facts,
    html_list,
    html_section,
    html_table,
)
from hmnist.results.rows import ScoreSummary, TableRow
from hmnist.results.table import MARK, Table, summary_text
from hmnist.runs.facts import DataFacts
from hmnist.scores.scoring import SCORE_OF, SCORES, Score
from hmnist.scores.text import interval_text, p_text, score_text, signed_text

_UNKNOWN = -1.0
"""Scores that are unknown are sorted below all others."""


def scores_section(table: Table) -> str:
    """Return the comparison: a row for each model, which a click selects."""
    headings = [Heading("model", first="rising"), *map(_score_heading, SCORES)]
    headings += [Heading(cost.heading, cost.about, first="rising") for cost in COSTS]
    body = [
        _table_row(row, label, number)
        for number, (row, label) in enumerate(zip(table.rows, table.labels(), strict=True))
    ]
    caption = (
        f"Mean ± standard deviation and [95% interval over {table.data.unit}] on the test part. A "
        "heading sorts the rows; the name of a model shows its details below."
    )
    if table.ranking is not None:
        caption += f" {MARK.strip()} Best, or not distinguishable from the best."
    return html_section("scores", "Scores", html_table(caption, headings, body, kind="sortable"))


def differences_section(table: Table) -> str:
    """Return each row's difference to the best one; nothing where rows were not compared."""
    if table.ranking is None:
        return ""
    score = SCORE_OF[table.ranking.score]
    headings = [
        Heading("model", first="rising"),
        Heading("difference", f"{score.title}, minus that of {table.ranking.best}", "falling"),
        Heading("95% interval"),
        Heading("p", "corrected for all tests together (Holm)", first="rising"),
    ]
    body = [
        [
            Cell(label),
            Cell(signed_text(difference.difference), difference.difference),
            Cell(interval_text(difference.low, difference.high, signed=True)),
            Cell(p_text(difference.p_value), difference.p_value),
        ]
        for label, row in zip(table.labels(), table.rows, strict=True)
        if (difference := row.difference) is not None
    ]
    caption = (
        f"The {score.title} of each model minus that of {table.ranking.best}, the best. "
        "The test is described below."
    )
    content = html_table(caption, headings, body, kind="sortable")
    return html_section("differences", "Differences", content)


def estimates_section(evaluation: Evaluation, data: DataFacts) -> str:
    """Return the scores of one run."""
    scores = evaluation.report.scores
    body = [
        [
            Cell(score.title),
            _number(scores[score.name].mean),
            Cell(interval_text(scores[score.name].low, scores[score.name].high)),
        ]
        for score in SCORES
        if score.diagnosis is None
    ]
    headings = [Heading("score"), Heading("value"), Heading("95% interval")]
    caption = f"Scores on the test part, with intervals over {data.unit}."
    return html_section("scores", "Scores", html_table(caption, headings, body))


def audit_section(audit: Audit) -> str:
    """Return each system's claim, what came out, and what each leak is worth."""
    claims = []
    for row in audit.rows:
        _, claimed, reproduced, best, clean = claim_cells(row)
        claims.append(
            [
                Cell(row.system),
                Cell(claimed, row.claim.accuracy or _UNKNOWN),
                Cell(reproduced, row.reproduced["accuracy"].mean),
                Cell(best, _UNKNOWN if row.best_epoch is None else row.best_epoch.mean),
                Cell(clean, row.clean["accuracy"].mean),
            ]
        )
    caption = (
        "Published systems: the accuracy that was claimed, what comes out under their own "
        "protocol, and without its leaks. A heading sorts the rows."
    )
    headings = [
        Heading("system", first="rising"),
        Heading("claimed", first="falling"),
        Heading("reproduced", "under its own protocol, last epoch", first="falling"),
        Heading("best epoch", "under its own protocol, chosen on the test part", first="falling"),
        Heading("clean", "on lesions that did not train", first="falling"),
    ]
    leaks = [
        [Cell(row.system), *map(Cell, cells)] for row in audit.rows for cells in leak_cells(row)
    ]
    tables = [
        html_table(caption, headings, claims, kind="sortable"),
        html_table(
            "Leaks by themselves: scores without leaks, and what each leak adds to the row above. "
            "[95% interval].",
            [Heading("system"), *map(Heading, LEAK_HEADER[1:])],
            leaks,
        ),
        html_list(f"{row.system}: {row.reason}" for row in audit.rows),
    ]
    return html_section("scores", "Claims and leaks", "\n".join(tables))


def notes_section(notes: Iterable[str]) -> str:
    """Return what was done to the data, and everything else that a reader has to know."""
    return html_section("notes", "What was done", html_list(notes))


def repeat_section(facts: Iterable[tuple[str, str]]) -> str:
    """Return everything that is needed to train the same models again."""
    return html_section("repeat", "To repeat this", html_facts(facts))


def _score_heading(score: Score) -> Heading:
    about = score.title
    heading = score.heading if score.diagnosis is None else f"recall {score.diagnosis}"
    return Heading(heading, about, first="rising" if score.lower_is_better else "falling")


def _table_row(row: TableRow, name: str, number: int) -> list[Cell]:
    scores = [
        _summary(row.scores[score.name], interval=score.name == "balanced_accuracy")
        for score in SCORES
    ]
    costs = [(cost, getattr(row, cost.name)) for cost in COSTS]
    cells = [Cell(cost.text(value), float(value)) for cost, value in costs]
    return [Cell(name, model=number), *scores, *cells]


def _summary(summary: ScoreSummary, *, interval: bool) -> Cell:
    value = _UNKNOWN if summary.mean is None else summary.mean
    return Cell(summary_text(summary, spread=interval, interval=interval), value)


def _number(value: float | None) -> Cell:
    return Cell(score_text(value), value)
