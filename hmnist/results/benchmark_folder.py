"""The table in a benchmark folder."""

from pathlib import Path

from hmnist.errors import DataMissingError
from hmnist.results.table import Table

TABLE = "table.json"
"""The name of its file."""


def is_benchmark(folder: Path) -> bool:
    """Tell whether a folder holds a finished benchmark."""
    return (folder / TABLE).is_file()


def open_table(folder: str | Path) -> Table:
    """Read the table of a finished benchmark.

    Parameters
    ----------
    folder : str or pathlib.Path
        A folder that `hmnist.benchmark` has written.

    Returns
    -------
    Table

    Raises
    ------
    DataMissingError
        If there is no such folder, or its benchmark is not finished.
    TrustError
        If the table is damaged, or of another version.
    """
    folder = Path(folder)
    try:
        return Table.from_json((folder / TABLE).read_bytes())
    except OSError as error:
        raise DataMissingError(
            f"{folder} holds no finished benchmark: it has no {TABLE}.",
            f"Finish it: hmnist benchmark --out {folder}",
        ) from error
