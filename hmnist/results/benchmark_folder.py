"""A benchmark folder read again: its table, and the runs of each row."""

from dataclasses import dataclass
from pathlib import Path

from hmnist.errors import DataMissingError, TrustError
from hmnist.results.table import Table
from hmnist.runs.run import Run, open_run

TABLE = "table.json"
"""The name of the table's file."""


@dataclass(frozen=True, eq=False)
class BenchmarkFolder:
    """A table, and the runs of each of its rows."""

    table: Table
    runs: tuple[tuple[Run, ...], ...]


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


def open_benchmark(folder: Path) -> BenchmarkFolder:
    """Read the table of a benchmark folder and open its runs.

    Errors are those of `open_table`, and a TrustError if a run is missing or damaged.
    """
    table = open_table(folder)
    for row in table.rows:
        # A name from a file must not lead out of the folder.
        if not row.runs or any(Path(name).name != name for name in row.runs):
            raise TrustError(
                f"{folder / TABLE} does not say which runs {row.model} has.",
                "Run the benchmark again with the same --out: finished runs are kept.",
            )
    return BenchmarkFolder(
        table, tuple(tuple(open_run(folder / name) for name in row.runs) for row in table.rows)
    )
