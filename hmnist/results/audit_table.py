"""`Audit`: published claims, what came out under their protocols, and what each leak is worth.

A row is one system. The first table has its claim, its accuracy under its own protocol, which is
another experiment with another test part, and its accuracy without leaks. The second table has what
each leak adds, with its interval: the test images and the number of training images stay the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmnist.html import Cells, html_of
from hmnist.results import formatting
from hmnist.results.audit_rows import COMPARED, AuditRow, Promise
from hmnist.results.cautions import describe_failed
from hmnist.results.result import Result, decode_result
from hmnist.results.rows import TableSettings, data_note, pretrained_notes, processor_notes
from hmnist.results.table import summary_text
from hmnist.runs.facts import DataFacts, as_json
from hmnist.scores.comparison import SIGNIFICANT, Difference
from hmnist.scores.paired_differences import RESAMPLES
from hmnist.scores.text import UNKNOWN, as_sentence_list, interval_text, score_text

if TYPE_CHECKING:
    from rich.console import Group

SCHEMA = "hmnist-audit/6"

FORMATS = ("table", "markdown", "json")
"""The formats of ``hmnist audit --format``; ``table`` is for the terminal."""

CLAIM_HEADER = ("system", "claimed", "reproduced", "best epoch", "clean")
LEAK_HEADER = ("leaks alone", "switched on", "accuracy", "balanced accuracy")


@dataclass(frozen=True, kw_only=True, repr=False)
class Audit(Result):
    """Published systems under their own protocols, and the leaks of these by themselves.

    Attributes
    ----------
    data : DataFacts
    settings : TableSettings
    rows : tuple of AuditRow
    promises : tuple of Promise
        What sources promise of one system over another.
    """

    data: DataFacts
    settings: TableSettings
    rows: tuple[AuditRow, ...]
    promises: tuple[Promise, ...] = ()

    formats = FORMATS

    def notes(self) -> Iterator[str]:
        """Yield the sentences that stand under the tables."""
        yield from map(str, self.promises)
        yield data_note(self.data)
        yield self._describe_scores()
        yield (
            "Leaks alone: test images are drawn as by the protocol, but once each and a fifth of "
            "all at most. They stay the same, and so do the seeds, the number of training images "
            "of each diagnosis and, as far as possible, of their lesions; images are replaced by "
            "images of tested lesions, then by the tested ones, as often as under the protocol. "
            "The epoch is chosen by validation accuracy: on other lesions, with “test validates” "
            "on the test images."
        )
        yield self._describe_intervals()
        for row in self.rows:
            if row.failed:
                described = describe_failed(row.failed, row.trainings)
                yield f"{row.system}: {described}. Failed trainings are counted, too."
        yield from self._describe_few()
        if balanced := [row.system for row in self.rows if row.balanced]:
            yield (
                f"In the test part of {as_sentence_list(balanced)} under the own protocol, every "
                "diagnosis is about equally frequent: do not compare this accuracy with the clean "
                "one."
            )
        yield from self._describe_claims()
        yield self._describe_epochs()
        height, width, _ = self.data.image_shape
        if built := [
            f"{row.system} ({'×'.join(map(str, row.own_size))})"
            for row in self.rows
            if row.own_size not in {None, (height, width)} and row.own_size
        ]:
            yield f"Built for {height}×{width} pixels, not as in its source: {', '.join(built)}."
        yield from pretrained_notes(self.rows)
        yield from processor_notes(self.settings)
        yield f"{self.settings}. Research software, not a medical device."

    @classmethod
    def from_json(cls, text: str | bytes) -> "Audit":
        """Return the audit that `to_json` wrote, every key, type and range checked.

        Raises
        ------
        UsageError
            If it is the name of a file, not its text.
        TrustError
            If it is damaged, or of another version.
        """
        return decode_result(text, SCHEMA, cls)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as JSON's types: ``schema, data, settings, rows, promises, notes``."""
        rows = [{**as_json(row), "reason": row.reason} for row in self.rows]
        return {"schema": SCHEMA, **as_json(self), "rows": rows, "notes": list(self.notes())}

    def to_markdown(self) -> str:
        """Return the tables as Markdown, reasons and notes below."""
        tables = [formatting.markdown_table(*table) for table in self._tables(every_name=True)]
        reasons = "\n".join(f"- `{row.system}`: {row.reason}" for row in self.rows)
        return "\n\n".join([*tables, reasons, *self.notes()]) + "\n"

    def to_rich(self) -> "Group":
        """Return the tables for a terminal, reasons and notes below."""
        from rich.console import Group
        from rich.text import Text

        tables = [
            formatting.plain_table(*table, text=("switched on",))
            for table in self._tables(every_name=False)
        ]
        reasons = [Text.assemble((f"{row.system}: ", "bold"), row.reason) for row in self.rows]
        below = [Text(note, style="dim") for note in self.notes()]
        return Group(*tables, *reasons, Text(""), *below)

    def __repr__(self) -> str:
        return f"Audit({', '.join(row.system for row in self.rows)} on {self.data.name})"

    def _repr_html_(self) -> str:
        reasons = [f"{row.system}: {row.reason}" for row in self.rows]
        return html_of(self._tables(every_name=True), [*reasons, *self.notes()])

    def _tables(self, *, every_name: bool) -> list[Cells]:
        """Return the two tables; each row of the second has the system, or the first of each."""
        leaks = []
        for row in self.rows:
            for number, cells in enumerate(leak_cells(row)):
                leaks.append([row.system if every_name or not number else "", *cells])
        return [(CLAIM_HEADER, list(map(claim_cells, self.rows))), (LEAK_HEADER, leaks)]

    def _describe_scores(self) -> str:
        seeds = max(row.seeds for row in self.rows)
        spread = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
        return (
            "Upper table: accuracies; claimed by the source, reproduced under its own protocol "
            "after the last epoch, and in the best epoch where the test part validates; and "
            f"without leaks. {spread[0].upper()}{spread[1:]}. The reproduction is another "
            "experiment than the leaks alone: it has its own test part and more training images."
        )

    def _describe_intervals(self) -> str:
        seeds = max(row.seeds for row in self.rows)
        over = f"lesions and trainings ({seeds} seeds)"
        if seeds == 1:
            over = "lesions only: there is one seed, and another training may differ by more"
        return (
            "Differences from the row above, those of all leaks from the clean row: [95% "
            f"interval], uncorrected; paired bootstrap, {RESAMPLES:,} resamples over {over}. "
            f"* p < {SIGNIFICANT}, all differences of the table corrected together (Holm)."
        )

    def _describe_few(self) -> Iterator[str]:
        """Yield for which systems some diagnoses are tested on too few lesions."""
        for sentence in dict.fromkeys(row.few_lesions for row in self.rows if row.few_lesions):
            systems = [row.system for row in self.rows if row.few_lesions == sentence]
            yield f"{as_sentence_list(systems)}: {sentence[0].lower()}{sentence[1:]}"

    def _describe_claims(self) -> Iterator[str]:
        """Yield what has to be known about the claims, and how far they are from what came out."""
        if notes := [f"{row.system} ({row.claim.note})" for row in self.rows if row.claim.note]:
            yield f"About the claims: {', '.join(notes)}."
        claims = sum(row.tries_claim for row in self.rows)
        tried = [
            f"{row.system} {row.claim.published} "
            f"{'outside' if row.misses_claim(claims) else 'in'} {interval_text(*interval)}"
            for row in self.rows
            if (interval := row.claim_interval(claims)) is not None
        ]
        if tried:
            together = "" if claims == 1 else f", {claims} claims corrected together (Bonferroni)"
            yield (
                f"Claims tried: {as_sentence_list(tried)}. What one more training may reach on "
                f"other lesions lies in the brackets (95% prediction interval{together}); a claim "
                "outside is not reproduced, one inside is not contradicted."
            )

    def _describe_epochs(self) -> str:
        """Return which systems were trained for other epochs than their own."""
        differing = [row for row in self.rows if row.epochs != row.own_epochs]
        if not differing:
            return "Epochs: as many as each system is trained for."
        listed = ", ".join(f"{row.system} {row.epochs} of {row.own_epochs}" for row in differing)
        verb = "differ" if any(row.epochs > row.own_epochs for row in differing) else "were cut"
        rest = "" if len(differing) == len(self.rows) else "; all others in full"
        return f"Epochs {verb}: {listed}{rest}."


def claim_cells(row: AuditRow) -> list[str]:
    """Return the cells of a system under `CLAIM_HEADER`."""
    claimed = f"{row.claim.published or '–'}{' best' if row.claim.best_epoch else ''}"
    reproduced, clean = (summary_text(each["accuracy"]) for each in (row.reproduced, row.clean))
    best = None if row.best_epoch is None else row.best_epoch.mean
    return [row.system, claimed, reproduced, score_text(best), clean]


def leak_cells(row: AuditRow) -> Iterator[list[str]]:
    """Yield the cells under `LEAK_HEADER` behind the name of the system, step by step."""
    first, *others = row.steps
    yield [first.name, *(summary_text(first.scores[score]) for score in COMPARED)]
    for step in others:
        yield [f"+ {step.name}", *(_effect_cell(step.effect[score]) for score in COMPARED)]
    if len(others) > 1:
        yield ["all leaks", *(_effect_cell(row.all_leaks[score]) for score in COMPARED)]


def _effect_cell(effect: Difference) -> str:
    """Return an effect with its interval; without one it is not printed."""
    return UNKNOWN if effect.low is None and effect.difference != 0 else effect.marked()
