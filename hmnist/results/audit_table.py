"""`Audit`: published claims beside what comes out under their own protocol and by lesion.

A row is one system, trained twice. Scores stand in pairs: on the test part of its own protocol, and
on lesions that it has never seen.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmnist.html import html_of
from hmnist.results import formatting
from hmnist.results.result import Result, decode_result
from hmnist.results.rows import (
    ScoreSummary,
    TableSettings,
    data_note,
    pretrained_notes,
    processor_notes,
    subtract,
)
from hmnist.results.table import summary_text
from hmnist.runs.facts import DataFacts, SplitFacts, as_json
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.scores.text import as_sentence_list, signed_text
from hmnist.systems.system import Claim

if TYPE_CHECKING:
    from rich.console import Group

SCHEMA = "hmnist-audit/3"

FORMATS = ("table", "markdown", "json")
"""The formats of ``hmnist audit --format``; ``table`` is for the terminal."""

_HEADER = (
    *("system", "claimed", "acc. repr.", "acc. honest", "differs"),
    *("bal. repr.", "bal. honest", "bal. differs"),
)


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One published system under its own protocol, and by lesion.

    Attributes
    ----------
    system, model : str
        The system, and the model that is trained.
    claim : Claim
        What its source published.
    protocol : str
        How its source split and resampled, in a phrase.
    balanced : bool
        Whether the protocol's test part holds every diagnosis about equally often.
    split : SplitFacts
        The split of the protocol, leaks included.
    resampling : str
        What the protocol does to the training part, in words.
    epochs, own_epochs : int
        How often training images were seen here, and by its source.
    own_size : tuple of int or None
        Height and width of its source where the network is built for the images as they are.
    seeds : int
    pretrained : str or None
        Where a transfer model started from.
    reproduced, honest : mapping of str to ScoreSummary
        The scores under its own protocol, and by lesion.
    """

    system: str
    model: str
    claim: Claim
    protocol: str
    balanced: bool
    split: SplitFacts
    resampling: str
    epochs: int
    own_epochs: int
    own_size: tuple[int, int] | None
    seeds: int
    pretrained: str | None
    reproduced: Mapping[str, ScoreSummary]
    honest: Mapping[str, ScoreSummary]

    def difference(self, score: str) -> float | None:
        """Return honest − reproduced of a score; None where one of them is unknown."""
        return subtract(self.honest[score].mean, self.reproduced[score].mean)

    @property
    def reason(self) -> str:
        """The protocol, and what its test part shares with the other parts, in words."""
        leaks = "; ".join(f"{leak.sentence} ({leak.code})" for leak in self.split.leaks or ())
        shared = leaks or "its test part shares nothing with the other two"
        return f"Protocol: {self.protocol}. {shared[0].upper()}{shared[1:]}."

    @property
    def within_chance(self) -> bool:
        """Whether the intervals of both accuracies, their half widths added in squares, allow 0."""
        sides = (self.reproduced["accuracy"], self.honest["accuracy"])
        widths = [subtract(side.high, side.low) for side in sides]
        half_widths = [width / 2 for width in widths if width is not None]
        difference = self.difference("accuracy")
        if len(half_widths) < len(sides) or difference is None:
            return False
        return abs(difference) <= math.hypot(*half_widths)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a source promises of the first of two systems over the second, and what came out.

    They were trained for `epochs` of their `own_epochs`; `reproduced` and `honest` are the
    differences of accuracies on each side.
    """

    systems: tuple[str, str]
    promised: str
    epochs: int
    own_epochs: int
    reproduced: float | None
    honest: float | None

    def __str__(self) -> str:
        return (
            f"{' − '.join(self.systems)}: promised is {self.promised}; the difference of test "
            f"accuracy after {self.epochs} of {self.own_epochs} epochs is "
            f"{signed_text(self.reproduced)} under their protocol, {signed_text(self.honest)} by "
            "lesion."
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class Audit(Result):
    """Published systems, each under its own protocol and by lesion; `split` is the honest one."""

    data: DataFacts
    split: SplitFacts
    settings: TableSettings
    rows: tuple[AuditRow, ...]
    promises: tuple[Promise, ...] = ()

    formats = FORMATS

    def notes(self) -> Iterator[str]:
        """Yield the sentences that stand under the table."""
        yield from map(str, self.promises)
        split = self.split
        yield data_note(self.data)
        sizes = " / ".join(f"{size:,}" for size in split.sizes.values())
        yield (
            f"Honest: {split.description}, seed {split.seed}, {sizes} images train / validate / "
            f"test. {split.proof} What a source does to its images before the split is done to the "
            "training part alone, so that only the leaks differ."
        )
        yield self._describe_scores()
        yield self._describe_chance()
        if balanced := [row.system for row in self.rows if row.balanced]:
            yield (
                f"Read the accuracy of {as_sentence_list(balanced)} beside the honest balanced "
                "accuracy: in that test part every diagnosis is about equally frequent."
            )
        yield self._describe_epochs()
        if notes := [f"{row.system} ({row.claim.note})" for row in self.rows if row.claim.note]:
            yield f"About the claims: {', '.join(notes)}."
        height, width, _ = self.data.image_shape
        if built := [
            f"{row.system} ({'×'.join(map(str, row.own_size))})"
            for row in self.rows
            if row.own_size not in {None, (height, width)} and row.own_size
        ]:
            yield f"Built for {height}×{width} pixels, not as in its source: {', '.join(built)}."
        yield from pretrained_notes(self.rows)
        yield from processor_notes(self.settings)
        yield f"{self.settings}. Research software, no medical device."

    @classmethod
    def from_json(cls, text: str | bytes) -> "Audit":
        """Return the audit that `to_json` wrote, every key, type and range checked.

        Raises
        ------
        TrustError
            If it is damaged, or of another version.
        """
        return decode_result(text, SCHEMA, cls)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as JSON's types: ``schema, data, split, settings, rows, promises``."""
        rows = [
            {
                **as_json(row),
                "difference": {name: row.difference(name) for name in SCORE_NAMES},
                "reason": row.reason,
            }
            for row in self.rows
        ]
        return {"schema": SCHEMA, **as_json(self), "rows": rows, "notes": list(self.notes())}

    def to_markdown(self) -> str:
        """Return the table as Markdown, reasons and notes below."""
        table = formatting.markdown_table(_HEADER, self._body(interval=True))
        reasons = [f"- `{row.system}`: {row.reason}" for row in self.rows]
        return "\n".join([table, "", *reasons, "", "\n\n".join(self.notes())]) + "\n"

    def to_rich(self) -> "Group":
        """Return the table for a terminal, reasons and notes below."""
        from rich.console import Group
        from rich.text import Text

        reasons = [Text.assemble((f"{row.system}: ", "bold"), row.reason) for row in self.rows]
        below = [Text(note, style="dim") for note in self.notes()]
        return Group(formatting.plain_table(_HEADER, self._body()), *reasons, Text(""), *below)

    def __repr__(self) -> str:
        return f"Audit({', '.join(row.system for row in self.rows)} on {self.data.name})"

    def _repr_html_(self) -> str:
        reasons = [f"{row.system}: {row.reason}" for row in self.rows]
        return html_of([(_HEADER, self._body(interval=True))], [*reasons, *self.notes()])

    def _body(self, *, interval: bool = False) -> list[list[str]]:
        body = []
        for row in self.rows:
            cells = [row.system, row.claim.published or "–"]
            for score in ("accuracy", "balanced_accuracy"):
                sides = (row.reproduced[score], row.honest[score])
                cells += [summary_text(side, interval=interval) for side in sides]
                cells.append(signed_text(row.difference(score)))
            body.append(cells)
        return body

    def _describe_scores(self) -> str:
        seeds = max(row.seeds for row in self.rows)
        spread = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
        return (
            "Scores: accuracy and balanced accuracy, reproduced under a system's own protocol, and "
            f"honest; {spread}, after the last epoch. Claims are accuracies on the data of their "
            "source."
        )

    def _describe_chance(self) -> str:
        """Return which differences of accuracy other lesions could have reversed."""
        within = [row.system for row in self.rows if row.within_chance]
        systems = as_sentence_list(within) if within else ""
        verdict = f"no more than chance for {systems}" if within else "beyond chance for all"
        return (
            f"The difference of accuracy is {verdict} (95% over lesions, the two test parts taken "
            "as independent)."
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
