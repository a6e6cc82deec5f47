"""``history.csv``: the training of a network by epoch."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hmnist.diagnoses import CODES
from hmnist.guarded import open_guarded

if TYPE_CHECKING:
    import pandas as pd

HISTORY = "history.csv"

_LARGEST = 2**24

_COLUMNS = 64


def write_history(folder: Path, history: Mapping[str, list[float]]) -> None:
    """Write ``history.csv``: a row per epoch, recalls under the diagnoses' codes."""
    import pandas as pd

    # A model numbers the diagnoses; the reader of the file needs their codes.
    names = {f"val_recall_{label}": f"val_recall_{code}" for label, code in enumerate(CODES)}
    table = pd.DataFrame({names.get(name, name): values for name, values in history.items()})
    table.insert(0, "epoch", range(1, len(table) + 1))
    table.to_csv(folder / HISTORY, index=False)


def read_history(folder: Path) -> "pd.DataFrame":
    """Return what `write_history` wrote: a row per epoch, columns of numbers.

    Raises
    ------
    TrustError
        If the file is missing or damaged.
    """
    import pandas as pd

    with open_guarded(folder / HISTORY, _LARGEST) as file:
        table = pd.read_csv(file, index_col=False)
        if len(table.columns) > _COLUMNS or not {"epoch", "loss"} <= set(table.columns):
            raise ValueError("its columns are not those of a training")
        if not len(table) or any(kind.kind not in "if" for kind in table.dtypes):
            raise ValueError("it is not a table of numbers")
        return table
