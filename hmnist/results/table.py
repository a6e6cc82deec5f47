"""`Table`: the comparison of models, and the formats it is printed in.

A row is one model under one oversampling method, with patient data or without. Each score has a
mean over the trained models, their standard deviation and a 95% interval over lesions.
"""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from hmnist.html import html_of
from hmnist.results import formatting
from hmnist.results.columns import find_column
from hmnist.results.costs import COST_NAMES, COSTS, fit_cost
from hmnist.results.flat_rows import flatten, flatten_scores, nest_scores
from hmnist.results.result import Result, decode_result
from hmnist.results.rows import (
    WITH_PATIENTS,
    Ranking,
    ScoreSummary,
    TableRow,
    TableSettings,
    data_note,
    label_rows,
    pretrained_notes,
    processor_notes,
)
from hmnist.runs.facts import DataFacts, SplitFacts, as_json
from hmnist.scores.comparison import SIGNIFICANT
from hmnist.scores.scoring import LOWER_IS_BETTER, SCORE_OF, SCORES
from hmnist.scores.text import bound_text, interval_text, score_text

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Group

SCHEMA = "hmnist-table/7"

FORMATS = ("table", "markdown", "csv", "json", "latex")
"""The formats of ``--format``; ``table`` is for the terminal."""

MARK = " •"
"""What follows the name of the best row, and of rows that are not distinguishable from it."""

_WITH_SPREAD, _WITH_INTERVAL = {"balanced_accuracy", "accuracy"}, {"balanced_accuracy"}
"""The scores whose columns have room for a standard deviation, and for an interval."""


@dataclass(frozen=True, repr=False)
class Table(Result):
    """A comparison of models.

    Attributes
    ----------
    data : DataFacts
    split : SplitFacts
        With several folds, the first one, without its number.
    settings : TableSettings
        Threads, devices and versions.
    rows : tuple of TableRow
    ranking : Ranking or None
        How the rows were compared with the best one; None if they were not.
    warnings : tuple of str
        What a reader should be warned of, in sentences; see `hmnist.results.cautions`.
    """

    data: DataFacts
    split: SplitFacts
    settings: TableSettings
    rows: Annotated[tuple[TableRow, ...], Meta(min_length=1)]
    ranking: Ranking | None = None
    warnings: tuple[str, ...] = ()

    formats = FORMATS

    def sorted(self, by: str = "balanced_accuracy") -> "Table":
        """Return the table with its best row first and the baseline last.

        The rows stay compared on the score of `ranking`.

        Raises
        ------
        UsageError
            If `by` is neither a score nor a cost.
        """
        by = find_column(by)
        rising = by in LOWER_IS_BETTER or by in COST_NAMES

        def order(row: TableRow) -> tuple[bool, float]:
            value = getattr(row, by) if by in COST_NAMES else row.scores[by].mean
            known = math.inf if value is None else (value if rising else -value)
            return row.baseline, known

        return replace(self, rows=tuple(sorted(self.rows, key=order)))

    def labels(self) -> list[str]:
        """Return the label of each row, with the mark where it is as good as the best."""
        labels = zip(label_rows(self.rows), self._are_among_best(), strict=True)
        return [f"{label}{MARK if among_best else ''}" for label, among_best in labels]

    def notes(self) -> Iterator[str]:
        """Yield the sentences that stand under the table."""
        if self.ranking is not None:
            yield self._ranking_note(self.ranking)
        yield from (f"Warning: {warning}" for warning in self.warnings)
        yield data_note(self.data)
        split = self.split
        sizes = " / ".join(f"{size:,}" for size in split.sizes.values())
        seed = "" if split.seed is None else f", seed {split.seed}"
        first = " in the first fold," if split.folds and split.fold is None else ""
        yield (
            f"Split: {split.description}{split.fold_text}{seed}: {sizes} images{first} train / "
            f"validate / test. {split.proof}"
        )
        yield (
            f"Scores: on the test part, {self._spread_note()}; [95% interval over "
            f"{self.data.unit}]."
        )
        if any(row.patients for row in self.rows):
            yield f"Rows{WITH_PATIENTS}: trained and tested with patient data (age, sex, site)."
        yield f"Oversampling: {'; '.join(self._unique('oversampling_note'))}."
        yield f"Decision: {'; '.join(self._unique('decision_note'))}."
        yield from self._ensemble_notes()
        yield from pretrained_notes(self.rows)
        efforts = " and ".join(dict.fromkeys(row.effort for row in self.rows))
        times = ", models trained side by side: times are not comparable"
        yield (f"Effort: {efforts}. {self.settings}{times if self.settings.side_by_side else ''}.")
        changed = {row.model: row.changed for row in self.rows if row.changed}
        if changed:
            named = (
                f"{model} {', '.join(f'{name} {value}' for name, value in parameters.items())}"
                for model, parameters in changed.items()
            )
            yield f"Parameters that were set: {'; '.join(named)}."
        yield from processor_notes(self.settings)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Table":
        """Return the table that `to_json` wrote, every key, type and range checked.

        Raises
        ------
        UsageError
            If it is the name of a file, not its text.
        TrustError
            If it is damaged, or of another version.
        """
        return decode_result(text, SCHEMA, cls, nest_scores)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON's types: ``schema`` and the attributes."""
        facts = as_json(self)
        return {"schema": SCHEMA, **facts, "rows": [flatten_scores(row) for row in facts["rows"]]}

    def to_pandas(self) -> "pd.DataFrame":
        """Return a row per model and a column per number, scores as ``<name>_mean`` and so on."""
        import pandas as pd

        return pd.DataFrame([flatten(row) for row in self.rows])

    def to_csv(self) -> str:
        """Return the columns of `to_pandas` as CSV."""
        text = io.StringIO()
        rows = [flatten(row) for row in self.rows]
        names = dict.fromkeys(name for row in rows for name in row)  # ensembles have weights, too
        writer = csv.DictWriter(text, fieldnames=list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def to_markdown(self) -> str:
        """Return both halves of the table as Markdown, the notes below."""
        halves = [formatting.markdown_table(*half) for half in self._halves()]
        return "\n\n".join([*halves, *self.notes()]) + "\n"

    def to_latex(self) -> str:
        """Return a LaTeX ``table`` for the package booktabs: caption, both halves, the notes below.

        The best row and those not distinguishable from it are bold.
        """
        labels, bold = label_rows(self.rows), self._are_among_best()
        halves = [
            formatting.latex_tabular(*half, bold=bold)
            for half in (self._scores(labels), self._details(labels))
        ]
        notes = [
            f"Bold: {note.removeprefix(MARK.strip()).strip()}"
            if note.startswith(MARK.strip())
            else note
            for note in self.notes()
        ]
        return formatting.latex_table(
            halves, caption=f"Models on the test part of {self.data.name}.", notes=notes
        )

    def __repr__(self) -> str:
        best = "" if self.ranking is None else f", best: {self.ranking.best}"
        return f"Table({len(self.rows)} rows, {self.data.name}{best})"

    def _repr_html_(self) -> str:
        return html_of(self._halves(), self.notes())

    def to_rich(self, *, notes: bool = True) -> "Group":
        """Return the table for a terminal of any width, with or without the notes."""
        from rich.console import Group
        from rich.text import Text

        halves = [formatting.plain_table(*half, first=formatting.FIRST) for half in self._halves()]
        below = [Text(note, style="dim") for note in self.notes()] if notes else []
        return Group(*halves, *below)

    def _spread_note(self) -> str:
        seeds = max(row.seeds for row in self.rows)
        if seeds > 1:
            return f"mean ± standard deviation over {seeds} seeds"
        if self._folds == 1:
            return "one seed"
        return f"one seed, mean ± standard deviation over {self._folds} folds"

    @property
    def _folds(self) -> int:
        """How many folds were tested; 1 without folds."""
        return 1 if self.split.folds is None or self.split.fold is not None else self.split.folds

    def _unique(self, field: str) -> list[str]:
        notes = [getattr(row, field) for row in self.rows if not row.baseline]
        return list(dict.fromkeys(notes)) or ["none"]

    def _halves(self) -> list[tuple[list[str], list[list[str]]]]:
        labels = self.labels()
        return [self._scores(labels), self._details(labels)]

    def _scores(self, labels: Sequence[str]) -> tuple[list[str], list[list[str]]]:
        """Return header and cells of the upper half: the scores over all diagnoses."""
        shown = [score for score in SCORES if score.diagnosis is None]
        body = []
        for row, label in zip(self.rows, labels, strict=True):
            cells = [label]
            for score in shown:
                spread, interval = score.name in _WITH_SPREAD, score.name in _WITH_INTERVAL
                cells.append(summary_text(row.scores[score.name], spread=spread, interval=interval))
            body.append(cells)
        return ["model", *(score.heading for score in shown)], body

    def _details(self, labels: Sequence[str]) -> tuple[list[str], list[list[str]]]:
        """Return header and cells of the lower half: the recall of each diagnosis, and costs."""
        recalls = [score for score in SCORES if score.diagnosis is not None]
        body = []
        for row, label in zip(self.rows, labels, strict=True):
            shown = [score_text(row.scores[score.name].mean) for score in recalls]
            shown += [cost.text(getattr(row, cost.name)) for cost in COSTS]
            body.append([label, *shown])
        costs = [cost.heading for cost in COSTS]
        return ["recalls, costs", *(score.heading for score in recalls), *costs], body

    def _ensemble_notes(self) -> Iterator[str]:
        """Yield a sentence for each ensemble: the weights of its models, and who was left out."""
        for row, label in zip(self.rows, label_rows(self.rows), strict=True):
            if row.members:
                kept = [f"{name} {score_text(mean)}" for name, mean in row.members.items() if mean]
                left_out = [name for name, mean in row.members.items() if not mean]
                others = f"; left out: {', '.join(left_out)}" if left_out else ""
                seconds = fit_cost(row, self.rows)
                together = "" if seconds is None else f" Fitted with its models: {seconds:.1f} s."
                yield f"Weights in {label}: {', '.join(kept)}{others}.{together}"

    def _ranking_note(self, ranking: Ranking) -> str:
        count = f"{ranking.tests} tests" if ranking.tests > 1 else "1 test"
        return (
            f"{MARK.strip()} Best on {SCORE_OF[ranking.score].title}, or not distinguishable from "
            f"the best: p ≥ {SIGNIFICANT} by a paired bootstrap over {self.data.unit}"
            f"{' and trainings' if min(row.seeds for row in self.rows) > 1 else ''}, "
            f"{ranking.resamples:,} resamples, {self._pooled()}{count} corrected together (Holm)."
            f"{self._describe_farthest(ranking)}"
        )

    def _describe_farthest(self, ranking: Ranking) -> str:
        """Return how much worse than the best the marked rows may be, if that is known."""
        marked = [
            -row.difference if ranking.score in LOWER_IS_BETTER else row.difference
            for row, is_marked in zip(self.rows, self._are_among_best(), strict=True)
            if is_marked and row.difference is not None
        ]
        lows = [0.0 if each.difference == 0 and each.low is None else each.low for each in marked]
        known = [low for low in lows if low is not None]
        if not known or len(known) < len(lows):
            return ""
        farthest = bound_text(-min(known))
        return f" How much worse they may be: up to {farthest} (95% intervals, uncorrected)."

    def _pooled(self) -> str:
        counts = {"folds": self._folds, "seeds": max(row.seeds for row in self.rows)}
        several = [name for name, count in counts.items() if count > 1]
        return f"pooled over {' and '.join(several)}, " if several else ""

    def _are_among_best(self) -> list[bool]:
        """Return for each row whether it is the best or not distinguishable from it."""
        best = None if self.ranking is None else self.ranking.best
        return [
            label == best if row.difference is None else row.difference.p_value >= SIGNIFICANT
            for row, label in zip(self.rows, label_rows(self.rows), strict=True)
        ]


def summary_text(summary: ScoreSummary, *, spread: bool = True, interval: bool = False) -> str:
    """Return a score's mean, with its standard deviation and its interval where they are known."""
    text = score_text(summary.mean)
    if spread and summary.mean is not None and summary.std is not None:
        text += f" ± {score_text(summary.std)}"
    if interval and summary.low is not None and summary.high is not None:
        text += f" {interval_text(summary.low, summary.high)}"
    return text
