"""``predictions.csv`` and ``history.csv``: what a run answered, and how its training went."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hmnist.diagnoses import CODES

if TYPE_CHECKING:
    import pandas as pd

    from hmnist.splits.split import Split

__all__ = ["read_history", "read_predictions", "write_history", "write_predictions"]

_PREDICTIONS, _HISTORY = "predictions.csv", "history.csv"


def write_predictions(
    folder: Path,
    split: "Split",
    predicted: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]],
) -> None:
    """Write ``predictions.csv``: a row per image of each part that was predicted.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    split : Split
        Which images the parts hold.
    predicted : mapping of str to (probabilities, decisions)
        By part: float64 (n, 7) and int64 (n,).
    """
    import pandas as pd

    codes = np.array(CODES)
    tables = []
    for part, (probabilities, decisions) in predicted.items():
        rows = split.indices[part]
        table = pd.DataFrame({"part": part, "row": rows})
        if split.data.image_ids is not None:
            table["image_id"] = split.data.image_ids[rows]
        if split.data.lesion_ids is not None:
            table["lesion_id"] = split.data.lesion_ids[rows]
        table["diagnosis"] = codes[split.data.labels[rows]]
        table["decision"] = codes[decisions]
        table[list(CODES)] = probabilities
        tables.append(table)
    pd.concat(tables).to_csv(folder / _PREDICTIONS, index=False)


def read_predictions(folder: Path) -> "pd.DataFrame":
    """Return what `write_predictions` wrote: a row per validation and test image."""
    import pandas as pd

    text = {"part": str, "image_id": str, "lesion_id": str, "diagnosis": str, "decision": str}
    return pd.read_csv(folder / _PREDICTIONS, dtype=text)


def write_history(folder: Path, history: Mapping[str, list[float]]) -> None:
    """Write ``history.csv``: a row per epoch, recalls under the diagnoses' names.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    history : mapping of str to list of float
        What a network noted in each epoch; it numbers the diagnoses.
    """
    import pandas as pd

    # Models number the diagnoses; whoever reads the file shall not have to.
    names = {f"val_recall_{label}": f"val_recall_{code}" for label, code in enumerate(CODES)}
    table = pd.DataFrame({names.get(name, name): values for name, values in history.items()})
    table.insert(0, "epoch", range(1, len(table) + 1))
    table.to_csv(folder / _HISTORY, index=False)


def read_history(folder: Path) -> "pd.DataFrame | None":
    """Return what `write_history` wrote: a row per epoch; None if there is no such file."""
    import pandas as pd

    path = folder / _HISTORY
    return pd.read_csv(path) if path.is_file() else None
