"""`Report`: the scores of one set of predictions, and the files that hold them."""

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Literal

from hmnist.diagnoses import CODES
from hmnist.errors import TrustError
from hmnist.files import write_file
from hmnist.guarded import read_json
from hmnist.runs.facts import json_text
from hmnist.scores.intervals import mean_scores, score_intervals
from hmnist.scores.predictions import Predictions
from hmnist.scores.reliability import ReliabilityBin, measure_reliability
from hmnist.scores.report import (
    ReportRow,
    average_report,
    classification_report,
    confusion_matrix,
)
from hmnist.scores.scoring import SCORE_NAMES, none_if_unknown

SCHEMA = "hmnist-report/2"
REPORT = "report.json"


@dataclass(frozen=True)
class Estimate:
    """A score with its 95% interval; None where the images cannot tell."""

    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """How one set of predictions scores.

    Scores go by the names of `hmnist.SCORE_NAMES`; their intervals are bootstrapped over lesions.
    `averages` are means over the diagnoses. The confusion matrix counts images by true diagnosis
    (rows) and predicted diagnosis (columns), in the Kaggle order; reliability tells how confident
    the model is, and how often right.
    """

    scores: Mapping[str, Estimate]
    diagnoses: Mapping[str, ReportRow]
    averages: Mapping[str, ReportRow]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[ReliabilityBin, ...]

    def __post_init__(self) -> None:
        if set(self.scores) != set(SCORE_NAMES):
            raise ValueError("its scores are not those of this version")


@dataclass(frozen=True, kw_only=True)
class _StoredReport(Report):
    schema: Literal["hmnist-report/2"]


def make_report(predictions: Predictions) -> Report:
    """Score predictions, with intervals."""
    intervals = score_intervals([predictions])
    diagnoses = classification_report(predictions)
    return Report(
        scores={
            name: Estimate(none_if_unknown(mean), *map(none_if_unknown, intervals[name]))
            for name, mean in mean_scores([predictions]).items()
        },
        diagnoses=diagnoses,
        averages=average_report(diagnoses),
        confusion=tuple(map(tuple, confusion_matrix(predictions).tolist())),
        reliability=tuple(measure_reliability([predictions])),
    )


def write_report(report: Report, folder: Path) -> None:
    """Write ``report.json``, ``report.csv`` and ``confusion.csv`` into a folder."""
    facts = {"schema": SCHEMA, **asdict(report)}
    with write_file(folder / REPORT) as temporary:
        temporary.write_text(json_text(facts) + "\n", encoding="utf-8")
    columns = ("precision", "recall", "f1", "images")
    values = attrgetter(*columns)
    every = {**report.diagnoses, **report.averages}
    rows = [[name, *values(row)] for name, row in every.items()]
    _write_csv(folder / "report.csv", ["diagnosis", *columns], rows)
    counts = [[code, *row] for code, row in zip(CODES, report.confusion, strict=True)]
    header = ["diagnosis", *(f"predicted_{code}" for code in CODES)]
    _write_csv(folder / "confusion.csv", header, counts)


def read_report(folder: Path) -> Report:
    """Return the report that ``report.json`` in a folder holds.

    Raises
    ------
    TrustError
        If the file is missing, damaged or of another version.
    """
    import msgspec

    path = folder / REPORT
    try:
        return msgspec.convert(read_json(path), _StoredReport)
    except msgspec.MsgspecError as error:
        reason = str(error).rstrip(".")
        raise TrustError(f"{path} is damaged: {reason}.", "Train it again.") from error


def _write_csv(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with write_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
