"""``predictions.csv`` and ``history.csv``: the predictions of a run, its training by epoch.

Reading checks columns, names and ranges: what comes out can be scored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.arrays import Float64, Indices, Labels, Strings
from hmnist.dataset import PARTS
from hmnist.diagnoses import CODES
from hmnist.errors import HmnistError, TrustError
from hmnist.scores.predictions import Predictions, check_probabilities

if TYPE_CHECKING:
    import pandas as pd

    from hmnist.splits.split import Split

PREDICTED_PARTS = ("validation", "test")
"""The parts of a split whose predictions are kept."""

_PREDICTIONS, _HISTORY = "predictions.csv", "history.csv"


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
    try:
        table = pd.read_csv(path, dtype={**text, **numbers}, index_col=False)
    except (OSError, ValueError) as error:
        raise TrustError(f"{path} is damaged: {error}.", "Train the run again.") from error
    if missing := {"part", "diagnosis", "predicted", *numbers} - set(table.columns):
        raise TrustError(f"{path} has no column {min(missing)!r}.", "Train the run again.")
    if unknown := set(table["part"]) - set(PARTS):
        sentence = f"{path}: a row belongs to the part {unknown.pop()!r}."
        raise TrustError(sentence, "Train the run again.")
    return {part: _read_part(path, table[table["part"] == part]) for part in PREDICTED_PARTS}


def _read_part(path: Path, table: "pd.DataFrame") -> PartPredictions:
    probabilities = table[list(CODES)].to_numpy(dtype=np.float64)
    try:
        if len(table):
            check_probabilities(probabilities, len(table))
    except HmnistError as error:
        raise TrustError(f"{path}: {error.message}", "Train the run again.") from error
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
        raise TrustError(f"{path}: {unknown!r} is no diagnosis.", "Train the run again.")
    return np.asarray(labels, dtype=np.int64)


def write_history(folder: Path, history: Mapping[str, list[float]]) -> None:
    """Write ``history.csv``: a row per epoch, recalls under the diagnoses' codes."""
    import pandas as pd

    # A model numbers the diagnoses; the reader of the file needs their codes.
    names = {f"val_recall_{label}": f"val_recall_{code}" for label, code in enumerate(CODES)}
    table = pd.DataFrame({names.get(name, name): values for name, values in history.items()})
    table.insert(0, "epoch", range(1, len(table) + 1))
    table.to_csv(folder / _HISTORY, index=False)


def read_history(folder: Path) -> "pd.DataFrame | None":
    """Return what `write_history` wrote, a row per epoch; None if there is no such file."""
    import pandas as pd

    path = folder / _HISTORY
    return pd.read_csv(path) if path.is_file() else None
