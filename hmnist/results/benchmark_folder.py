"""`open_benchmark`: a benchmark folder read again, each row of its table with its runs."""

from dataclasses import dataclass
from pathlib import Path

from hmnist.errors import TrustError
from hmnist.results.table import Table
from hmnist.runs.run import Run, open_run

TABLE = "table.json"


@dataclass(frozen=True, eq=False)
class BenchmarkFolder:
    """A table, and the runs of each of its rows."""

    table: Table
    runs: tuple[tuple[Run, ...], ...]


def open_benchmark(folder: Path) -> BenchmarkFolder:
    """Read the table of a benchmark folder and open its runs.

    Raises
    ------
    TrustError
        If the table or a run is missing, damaged or of another version.
    """
    try:
        table = Table.from_json((folder / TABLE).read_bytes())
    except OSError as error:
        raise TrustError(
            f"{folder / TABLE} cannot be read: {error.strerror}.", "Run the benchmark again."
        ) from error
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
