"""`Table`: the comparison, and the formats it is printed in.

A row is one model under one oversampling. Every score has a mean over the trained models, their
standard deviation (null when there is only one) and a 95 % interval over lesions.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.models.registry import MODELS
from hmnist.scores.scoring import LOWER_IS_BETTER, SCORE_NAMES

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Group
    from rich.table import Table as RichTable

__all__ = [
    "FORMATS",
    "SCHEMA",
    "Table",
    "check_column",
    "markdown_table",
    "plain_table",
    "score_text",
    "short_number",
]

SCHEMA = "hmnist-table/1"

FORMATS = ("table", "markdown", "csv", "json", "latex")
"""What ``--format`` accepts; ``table`` is for the terminal."""

COSTS = ("fit_seconds", "predict_ms_per_1000", "parameters", "model_bytes")

_HEADINGS = {
    "balanced_accuracy": "balanced acc.",
    "accuracy": "accuracy",
    "f1_macro": "F1",
    "roc_auc_ovr": "AUC",
    "log_loss": "log loss",
    "calibration_error": "ECE",
    "sensitivity_malignant": "sens.",
    "specificity_malignant": "spec.",
    "fit_seconds": "fit s",
    "predict_ms_per_1000": "ms/1000",
    "parameters": "params",
    "model_bytes": "size",
}

_SHOWN = tuple(name for name in SCORE_NAMES if not name.startswith("recall_"))


@dataclass(frozen=True)
class Table:
    """A comparison of models.

    Attributes
    ----------
    data : dict
        ``name, digest, rows, lesions, synthetic, image_shape``.
    split : dict
        ``kind, seed, folds, sizes, shared_lesions`` and ``proof``, a sentence.
    settings : dict
        ``threads, device``, whether cells ran ``side_by_side``, and the ``versions`` of libraries.
    rows : list of dict
        ``model, oversampling, decision, features, weights, effort, seeds``, and
        ``oversampling_note`` and ``decision_note`` in words; for every score
        ``{mean, std, low, high}``; ``fit_seconds, predict_ms_per_1000, parameters, model_bytes``.
    """

    data: Mapping[str, Any]
    split: Mapping[str, Any]
    settings: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]

    def sorted(self, by: str = "balanced_accuracy") -> "Table":
        """Return the table with its best row first and the majority model last.

        Raises
        ------
        UsageError
            If `by` is no score and no cost.
        """
        check_column(by)
        rising = by in LOWER_IS_BETTER or by in COSTS

        def place(row: Mapping[str, Any]) -> tuple[bool, float]:
            value = row[by]["mean"] if by in SCORE_NAMES else row[by]
            known = math.inf if value is None else (value if rising else -value)
            return _is_baseline(row), known

        return replace(self, rows=sorted(self.rows, key=place))

    def notes(self) -> Iterator[str]:
        """Yield the sentences that stand under the table."""
        data, split, settings = self.data, self.split, self.settings
        lesions = "lesions unknown" if data["lesions"] is None else f"{data['lesions']:,} lesions"
        what = "Synthetic sample, no photographs: " if data["synthetic"] else ""
        yield f"Data: {what}{data['name']}, {data['rows']:,} images, {lesions}."
        sizes = " / ".join(f"{size:,}" for size in split["sizes"].values())
        seed = "" if split["seed"] is None else f", seed {split['seed']}"
        folds = f", {split['folds']} folds" if split["folds"] else ""
        where = " in the first fold," if split["folds"] else ""
        yield (
            f"Split: by {split['kind']}{folds}{seed}: {sizes} images{where} train / validate / "
            f"test. {split['proof']}"
        )
        seeds = max(row["seeds"] for row in self.rows)
        trained = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
        if seeds == 1 and split["folds"]:
            trained = f"one seed, mean ± standard deviation over {split['folds']} folds"
        yield f"Scores: on the test part, {trained}; [95 % interval over lesions]."
        yield f"Oversampling: {'; '.join(_unique(self.rows, 'oversampling_note'))}."
        yield f"Decision: {'; '.join(_unique(self.rows, 'decision_note'))}."
        started = [f"{row['model']} {row['weights']}" for row in self.rows if row.get("weights")]
        if started:
            yield f"Pretrained weights: {'; '.join(dict.fromkeys(started))}."
        side = ", cells side by side: times are not comparable" if settings["side_by_side"] else ""
        threads = "1 thread" if settings["threads"] == 1 else f"{settings['threads']} threads"
        yield (
            f"Effort: {' and '.join(dict.fromkeys(row['effort'] for row in self.rows))}. "
            f"Device: {settings['device']}, {threads}{side}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON's types: ``schema, data, split, settings, rows``."""
        return {
            "schema": SCHEMA,
            "data": dict(self.data),
            "split": dict(self.split),
            "settings": dict(self.settings),
            "rows": [dict(row) for row in self.rows],
        }

    def to_json(self) -> str:
        """Return the table as a JSON object."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a row per model and a column per number, scores as ``<name>_mean`` and so on."""
        import pandas as pd

        return pd.DataFrame([_flat(row) for row in self.rows])

    def to_csv(self) -> str:
        """Return the columns of `to_pandas` as CSV."""
        text = io.StringIO()
        flat = [_flat(row) for row in self.rows]
        writer = csv.DictWriter(text, fieldnames=list(flat[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)
        return text.getvalue()

    def to_markdown(self) -> str:
        """Return both halves of the table as Markdown, the notes below."""
        halves = [
            markdown_table(header, body) for header, body in (self._scores(), self._details())
        ]
        return "\n\n".join([*halves, *self.notes()]) + "\n"

    def to_latex(self) -> str:
        """Return the scores as a LaTeX ``tabular``, the notes as comments."""
        header, body = self._scores()
        lines = [rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"\hline"]
        lines += [" & ".join(_tex(cell) for cell in row) + r" \\" for row in (header, *body)]
        lines.insert(3, r"\hline")
        lines += [r"\hline", r"\end{tabular}", *(f"% {note}" for note in self.notes())]
        return "\n".join(lines) + "\n"

    def to_rich(self, *, notes: bool = True) -> "Group":
        """Return the table for a terminal of 100 columns, with or without what stands under it."""
        from rich.console import Group
        from rich.text import Text

        halves = [plain_table(header, body) for header, body in (self._scores(), self._details())]
        below = [Text(note, style="dim") for note in self.notes()] if notes else []
        return Group(*halves, *below)

    def format(self, name: str) -> str:
        """Return the table in a format of `FORMATS` other than ``table``."""
        writers = {
            "markdown": self.to_markdown,
            "csv": self.to_csv,
            "json": lambda: self.to_json() + "\n",
            "latex": self.to_latex,
        }
        if name not in writers:
            raise UsageError(f"There is no format {name!r}.", f"Choose {', '.join(FORMATS)}.")
        return writers[name]()

    def _scores(self) -> tuple[list[str], list[list[str]]]:
        """Return header and cells of the upper half: who is how good."""
        header = ["model", *(_HEADINGS[name] for name in _SHOWN)]
        body = [
            [
                self._label(row),
                score_text(row["balanced_accuracy"], interval=True),
                score_text(row["accuracy"]),
                *(score_text(row[name], spread=False) for name in _SHOWN[2:]),
            ]
            for row in self.rows
        ]
        return header, body

    def _details(self) -> tuple[list[str], list[list[str]]]:
        """Return header and cells of the lower half: recall of each diagnosis, and cost."""
        header = ["recall of", *CODES, *(_HEADINGS[name] for name in COSTS)]
        body = [
            [
                self._label(row),
                *(score_text(row[f"recall_{code}"], spread=False) for code in CODES),
                f"{row['fit_seconds']:.1f}",
                f"{row['predict_ms_per_1000']:.0f}",
                _count(row["parameters"]),
                _bytes(row["model_bytes"]),
            ]
            for row in self.rows
        ]
        return header, body

    def _label(self, row: Mapping[str, Any]) -> str:
        several = len({other["oversampling"] for other in self.rows if not _is_baseline(other)})
        if several > 1 and not _is_baseline(row):
            return f"{row['model']} {row['oversampling']}"
        return str(row["model"])


def check_column(name: str) -> None:
    """Refuse a column that rows cannot be sorted by.

    Raises
    ------
    UsageError
        If it is no score and no cost.
    """
    if name not in (*SCORE_NAMES, *COSTS):
        raise UsageError(
            f"The table has no column {name!r}.", f"Sort by {', '.join((*SCORE_NAMES, *COSTS))}."
        )


def plain_table(
    header: Sequence[str], body: Sequence[Sequence[str]], *, text: Sequence[str] = ()
) -> "RichTable":
    """Return a table for the terminal, one rule: numbers right, first column and `text` left."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for number, heading in enumerate(header):
        words = number == 0 or heading in text
        # Words may take a second line where space is short; numbers are read whole or not at all.
        # As Text: in a plain string, brackets would be rich's markup.
        table.add_column(Text(heading), justify="left" if words else "right", no_wrap=not words)
    for cells in body:
        table.add_row(*map(Text, cells))
    return table


def _is_baseline(row: Mapping[str, Any]) -> bool:
    entry = MODELS.get(row["model"])
    return entry is not None and entry.baseline


def _unique(rows: Sequence[Mapping[str, Any]], what: str) -> list[str]:
    return list(dict.fromkeys(row[what] for row in rows if not _is_baseline(row))) or ["none"]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}_{part}": number for part, number in value.items()}
        else:
            flat[name] = value
    return flat


def score_text(
    score: Mapping[str, float | None], *, spread: bool = True, interval: bool = False
) -> str:
    """Return a score's mean, with its standard deviation and its interval where they are known."""
    if score["mean"] is None:
        return "–"
    text = short_number(score["mean"])
    if spread and score["std"] is not None:
        text += f" ± {short_number(score['std'])}"
    if interval and score["low"] is not None and score["high"] is not None:
        text += f" [{short_number(score['low'])}, {short_number(score['high'])}]"
    return text


def short_number(value: float) -> str:
    """Return a number with three decimals and without the zero before the point.

    Examples
    --------
    >>> short_number(0.5), short_number(1.0)
    ('.500', '1.000')
    """
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


def _count(number: float) -> str:
    return f"{number:,.0f}" if number < 1e5 else f"{number / 1e6:.2f} M"


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def markdown_table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown: the first column to the left, all others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *body))


def _tex(cell: str) -> str:
    return cell.replace("%", r"\%").replace("±", r"$\pm$").replace("–", "--").replace("_", r"\_")
