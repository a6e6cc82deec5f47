"""``predictions.csv``: the predictions of a run.

Reading checks columns, names and ranges: what comes out can be scored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.arrays import Float64, Indices, Labels, Strings
from hmnist.dataset import LONGEST_ID
from hmnist.decisions.given import as_probabilities
from hmnist.diagnoses import CODES
from hmnist.errors import HmnistError, TrustError
from hmnist.guarded import open_guarded
from hmnist.runs.manifest import Manifest
from hmnist.scores.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd

    from hmnist.splits.split import Split

PREDICTED_PARTS = ("validation", "test")
"""The parts of a split whose predictions are kept."""

_PREDICTIONS = "predictions.csv"

_LARGEST = 2**28
"""Bytes of the file: a quarter of a gigabyte, for more than a million images."""

_CURE = "Train it again."


@dataclass(frozen=True, kw_only=True, eq=False)
class PartPredictions:
    """What a run predicts for one part of its split, which may be empty.

    Attributes
    ----------
    rows : numpy.ndarray of int64, shape (n,)
        Which rows of the data set the images are.
    labels, predicted : numpy.ndarray of int64, shape (n,)
        The true and the predicted diagnoses, 0–6 in the Kaggle order.
    probabilities : numpy.ndarray of float64, shape (n, 7)
        Calibrated.
    image_ids, lesion_ids : numpy.ndarray of str, shape (n,), or None
        None where they are unknown.
    """

    rows: Indices
    labels: Labels
    predicted: Labels
    probabilities: Float64
    image_ids: Strings | None = None
    lesion_ids: Strings | None = None

    def to_score(self, fold: int = 0) -> Predictions:
        """Return them in the form that scores are computed from; UsageError if there are none."""
        return Predictions(self.labels, self.probabilities, self.predicted, self.lesion_ids, fold)


def predictions_of_split(
    split: "Split", probabilities: Mapping[str, Float64], predicted: Mapping[str, Labels]
) -> dict[str, PartPredictions]:
    """Put the predictions for the parts of a split together with what is known of the images."""
    image_ids, lesion_ids = split.data.image_ids, split.data.lesion_ids
    return {
        part: PartPredictions(
            rows=rows,
            labels=split.data.labels[rows],
            predicted=predicted[part],
            probabilities=probabilities[part],
            image_ids=None if image_ids is None else image_ids[rows],
            lesion_ids=None if lesion_ids is None else lesion_ids[rows],
        )
        for part, rows in split.indices.items()
        if part in probabilities
    }


def write_predictions(folder: Path, parts: Mapping[str, PartPredictions]) -> None:
    """Write ``predictions.csv``: a row for each image of each part."""
    import pandas as pd

    codes = np.array(CODES)
    tables = []
    for name, part in parts.items():
        table = pd.DataFrame({"part": name, "row": part.rows})
        if part.image_ids is not None:
            table["image_id"] = part.image_ids
        if part.lesion_ids is not None:
            table["lesion_id"] = part.lesion_ids
        table["diagnosis"] = codes[part.labels]
        table["predicted"] = codes[part.predicted]
        table[list(CODES)] = part.probabilities
        tables.append(table)
    pd.concat(tables).to_csv(folder / _PREDICTIONS, index=False)


def read_predictions(folder: Path) -> dict[str, PartPredictions]:
    """Read ``predictions.csv`` of a run folder, by part: ``validation`` and ``test``."""
    import pandas as pd

    path = folder / _PREDICTIONS
    text = dict.fromkeys(("part", "image_id", "lesion_id", "diagnosis", "predicted"), str)
    numbers = {"row": np.int64, **dict.fromkeys(CODES, np.float64)}
    kinds = {**text, **numbers}
    with open_guarded(path, _LARGEST) as file:
        # An id may be the word null, or NA.
        table = pd.read_csv(file, dtype=kinds, index_col=False, na_filter=False)
        if unknown := set(table.columns) - kinds.keys():
            raise ValueError(f"it has a column {min(unknown)[:40]!r}")
        for column in text:
            if column in table and (table[column].str.len() > LONGEST_ID).any():
                raise ValueError(f"a text in the column {column} is too long")
    if missing := {"part", "diagnosis", "predicted", *numbers} - set(table.columns):
        raise TrustError(f"{path} has no column {min(missing)!r}.", _CURE)
    if others := set(table["part"]) - set(PREDICTED_PARTS):
        sentence = f"{path}: a row belongs to the part {others.pop()!r}."
        raise TrustError(sentence, _CURE)
    return {part: _read_part(path, table[table["part"] == part]) for part in PREDICTED_PARTS}


def _read_part(path: Path, table: "pd.DataFrame") -> PartPredictions:
    probabilities = table[list(CODES)].to_numpy(dtype=np.float64)
    try:
        as_probabilities(probabilities, len(table))
    except HmnistError as error:
        raise TrustError(f"{path}: {error.message}", _CURE) from error
    return PartPredictions(
        rows=table["row"].to_numpy(dtype=np.int64),
        labels=_read_diagnoses(path, table["diagnosis"]),
        predicted=_read_diagnoses(path, table["predicted"]),
        probabilities=probabilities,
        image_ids=table["image_id"].to_numpy(dtype=str) if "image_id" in table else None,
        lesion_ids=table["lesion_id"].to_numpy(dtype=str) if "lesion_id" in table else None,
    )


def _read_diagnoses(path: Path, column: "pd.Series[str]") -> Labels:
    labels = column.map({code: label for label, code in enumerate(CODES)})
    if labels.isna().any():
        unknown = column[labels.isna()].iloc[0]
        raise TrustError(f"{path}: {unknown!r} is not a diagnosis.", _CURE)
    return np.asarray(labels, dtype=np.int64)


def check_predictions(path: Path, parts: Mapping[str, PartPredictions], manifest: Manifest) -> None:
    """Refuse predictions that are not those of the data, the split and the decision of a run.

    Raises
    ------
    TrustError
        If a part has another size than the split says; if an image is none of the data or stands
        there twice, which only published protocols do; if lesions are known and the data have none,
        or the other way round; or if a predicted diagnosis is not that of its probabilities.
    """
    data, split, decision = manifest.data, manifest.split, manifest.decision
    damage = f"{path} is damaged: "
    for name, part in parts.items():
        if len(part.rows) != split.sizes[name]:
            raise TrustError(f"{damage}the {name} part has {len(part.rows):,} images.", _CURE)
        if (part.lesion_ids is None) != (data.lesions is None):
            raise TrustError(f"{damage}the lesions of the {name} part are not known.", _CURE)
        decided = decision.decide(part.probabilities)
        if not np.array_equal(decided, part.predicted):
            wrong = int(part.rows[decided != part.predicted][0])
            raise TrustError(
                f"{damage}row {wrong} was not decided as the manifest says ({decision.kind}).",
                _CURE,
            )
    rows = np.concatenate([part.rows for part in parts.values()])
    if ((rows < 0) | (rows >= data.rows)).any():
        raise TrustError(f"{damage}a row is none of the {data.rows:,} rows of the data.", _CURE)
    if not split.published and len(np.unique(rows)) < len(rows):
        raise TrustError(f"{damage}its rows are not distinct.", _CURE)
