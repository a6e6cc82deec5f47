"""`Audit`: published claims beside what comes out under their own protocol and on clean lesions.

A row is one system, trained twice. Scores stand in pairs: on the test part of its own protocol, and
on lesions that it has never seen.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmnist.errors import UsageError
from hmnist.results.table import markdown_table, plain_table, score_text, short_number

if TYPE_CHECKING:
    from rich.console import Group

__all__ = ["FORMATS", "SCHEMA", "Audit", "signed_number"]

SCHEMA = "hmnist-audit/1"

FORMATS = ("table", "markdown", "json")
"""What ``hmnist audit --format`` accepts; ``table`` is for the terminal."""

_HEADER = (
    "system",
    "claimed",
    "acc. repr.",
    "acc. honest",
    "differs",
    "bal. repr.",
    "bal. honest",
    "differs",
)

_PAIRED = ("accuracy", "balanced_accuracy")


@dataclass(frozen=True)
class Audit:
    """Published systems, each under its own protocol and under an honest one.

    Attributes
    ----------
    data : dict
        ``name, digest, rows, lesions, synthetic, image_shape``.
    split : dict
        The honest split: ``kind, seed, sizes, shared_lesions`` and ``proof``, a sentence.
    settings : dict
        ``threads, device, versions``.
    rows : list of dict
        ``system``; ``model``, which is trained; ``claimed``, an accuracy or None, ``published``,
        the same as text, and ``claim_note``; ``epochs`` and ``own_epochs``; ``own_size``, the
        ``[height, width]`` of its source where the network is built for the images as they are,
        else None; ``seeds``; ``weights``; ``reproduced`` and ``honest``, for every score ``{mean,
        std, low, high}``; ``difference``, honest − reproduced by score; ``protocol`` (``kind,
        words, sizes, leaks, balanced, resampling, notes``); and ``reason``, in words.
    promises : list of dict
        What is ``promised`` of the first of two ``systems`` over the second, the ``epochs`` that
        they were trained for and their own, and the difference of accuracies ``found`` on each
        side.
    """

    data: Mapping[str, Any]
    split: Mapping[str, Any]
    settings: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    promises: Sequence[Mapping[str, Any]] = ()

    def reasons(self) -> Iterator[tuple[str, str]]:
        """Yield each system with the reason for the difference, in words."""
        for row in self.rows:
            yield row["system"], row["reason"]

    def notes(self) -> Iterator[str]:
        """Yield the sentences that stand under the table."""
        for promise in self.promises:
            reproduced, honest = map(signed_number, promise["found"].values())
            epochs, own = promise["epochs"]
            yield (
                f"{' − '.join(promise['systems'])}: promised is {promise['promised']}; found, in "
                f"test accuracy after {epochs} of {own} epochs, is {reproduced} under their "
                f"protocol, {honest} on clean lesions."
            )
        data, split = self.data, self.split
        what = "Synthetic sample, no photographs: " if data["synthetic"] else ""
        yield f"Data: {what}{data['name']}, {data['rows']:,} images, {data['lesions']:,} lesions."
        sizes = " / ".join(f"{size:,}" for size in split["sizes"].values())
        yield (
            f"Honest: by {split['kind']}, seed {split['seed']}, {sizes} images train / validate / "
            f"test. {split['proof']} What a source does to its images before the split is done to "
            "the training part alone, behind it, so that the leaks are what differs."
        )
        seeds = max(row["seeds"] for row in self.rows)
        trained = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
        yield (
            "Scores: accuracy and balanced accuracy, reproduced under a system's own protocol, and "
            f"honest; {trained}, after the last epoch. Claims are accuracies on the data of their "
            "source."
        )
        yield self._chance()
        if even := [row["system"] for row in self.rows if row["protocol"]["balanced"]]:
            yield (
                f"Read the accuracy of {_listed(even)} beside the honest balanced accuracy: in "
                "that test part every diagnosis is about equally frequent."
            )
        yield self._epochs()
        if notes := [
            f"{row['system']} ({row['claim_note']})" for row in self.rows if row["claim_note"]
        ]:
            yield f"About the claims: {', '.join(notes)}."
        height, width = data["image_shape"][:2]
        if built := [
            f"{row['system']} ({'×'.join(map(str, row['own_size']))})"
            for row in self.rows
            if row["own_size"] not in (None, [height, width])
        ]:
            yield f"Built for {height}×{width} pixels, not as in its source: {', '.join(built)}."
        if started := [f"{row['model']} {row['weights']}" for row in self.rows if row["weights"]]:
            yield f"Pretrained weights: {'; '.join(dict.fromkeys(started))}."
        threads = self.settings["threads"]
        yield (
            f"Device: {self.settings['device']}, "
            f"{'1 thread' if threads == 1 else f'{threads} threads'}. Research software, no "
            "medical device."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as JSON's types: ``schema, data, split, settings, rows, promises``."""
        return {
            "schema": SCHEMA,
            "data": dict(self.data),
            "split": dict(self.split),
            "settings": dict(self.settings),
            "rows": [dict(row) for row in self.rows],
            "promises": [dict(promise) for promise in self.promises],
            "notes": list(self.notes()),
        }

    def to_json(self) -> str:
        """Return the audit as a JSON object."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)

    def to_markdown(self) -> str:
        """Return the table as Markdown, reasons and notes below."""
        table = markdown_table(_HEADER, self._body(interval=True))
        reasons = [f"- `{system}`: {reason}" for system, reason in self.reasons()]
        return "\n".join([table, "", *reasons, "", "\n\n".join(self.notes())]) + "\n"

    def to_rich(self) -> "Group":
        """Return the table for a terminal of 100 columns, reasons and notes below."""
        from rich.console import Group
        from rich.text import Text

        reasons = [
            Text.assemble((f"{system}: ", "bold"), reason) for system, reason in self.reasons()
        ]
        below = [Text(note, style="dim") for note in self.notes()]
        return Group(plain_table(_HEADER, self._body()), *reasons, Text(""), *below)

    def format(self, name: str) -> str:
        """Return the audit in a format of `FORMATS` other than ``table``.

        Raises
        ------
        UsageError
            If there is no such format.
        """
        writers: dict[str, Callable[[], str]] = {
            "markdown": self.to_markdown,
            "json": lambda: self.to_json() + "\n",
        }
        if name not in writers:
            raise UsageError(f"There is no format {name!r}.", f"Choose {', '.join(FORMATS)}.")
        return writers[name]()

    def _body(self, *, interval: bool = False) -> list[list[str]]:
        return [
            [
                row["system"],
                row["published"] or "–",
                *(
                    text
                    for score in _PAIRED
                    for text in (
                        score_text(row["reproduced"][score], interval=interval),
                        score_text(row["honest"][score], interval=interval),
                        signed_number(row["difference"][score]),
                    )
                ),
            ]
            for row in self.rows
        ]

    def _chance(self) -> str:
        """Say which differences of accuracy other lesions could have turned round."""
        within = [row["system"] for row in self.rows if _is_within_chance(row)]
        found = f"no more than chance for {_listed(within)}" if within else "beyond chance for all"
        return (
            f"The difference of accuracy is {found} (95 % over lesions, the two test parts taken "
            "as independent)."
        )

    def _epochs(self) -> str:
        """Say who was trained for other epochs than its own."""
        other = [
            f"{row['system']} {row['epochs']} of {row['own_epochs']}"
            for row in self.rows
            if row["epochs"] != row["own_epochs"]
        ]
        if not other:
            return "Epochs: as many as each system is trained for."
        more = any(row["epochs"] > row["own_epochs"] for row in self.rows)
        rest = "" if len(other) == len(self.rows) else "; all others in full"
        return f"Epochs {'differ' if more else 'were cut'}: {', '.join(other)}{rest}."


def _is_within_chance(row: Mapping[str, Any]) -> bool:
    """Tell whether the two accuracies' intervals, their half widths added in squares, allow 0."""
    sides = [row[side]["accuracy"] for side in ("reproduced", "honest")]
    if any(side["low"] is None for side in sides):
        return False
    reach = math.hypot(*((side["high"] - side["low"]) / 2 for side in sides))
    return bool(abs(row["difference"]["accuracy"]) <= reach)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def signed_number(value: float | None) -> str:
    """Return a difference with its sign, to three digits; a dash where it is unknown.

    Examples
    --------
    >>> signed_number(-0.0741), signed_number(None)
    ('−.074', '–')
    """
    if value is None:
        return "–"
    rounded = round(value, 3) + 0.0
    sign = "−" if rounded < 0 else "+"
    return f"{sign}{short_number(abs(rounded))}"
