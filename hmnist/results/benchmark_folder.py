"""A benchmark folder read again: its table, and the runs of each row."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from hmnist.errors import DataMissingError, TrustError
from hmnist.files import expand_home
from hmnist.guarded import LARGEST_JSON, open_guarded
from hmnist.results.table import Table
from hmnist.runs.run import Run, open_listed
from hmnist.runs.verification import are_same, verify_run
from hmnist.scores.intervals import mean_scores
from hmnist.splits.split import Split

TABLE = "table.json"
"""The name of the table's file."""

_AGAIN = "Run the benchmark again with the same --out: finished runs are kept."


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
    path = expand_home(folder) / TABLE
    if not os.path.lexists(path):
        out = shlex.quote(str(folder))
        raise DataMissingError(
            f"{folder} holds no finished benchmark: it has no {TABLE}.",
            f"Run the same benchmark again with --out {out}: finished models are kept.",
        )
    with open_guarded(path, LARGEST_JSON, _AGAIN) as file:
        return Table.from_json(file.read())


def describe_replaced(folder: Path, split: Split) -> str | None:
    """Say which benchmark's table a benchmark on a split will replace; None if it is its own."""
    try:
        old = open_table(folder)
    except (DataMissingError, TrustError):
        return None
    if (old.data.digest, old.split.digest) == (split.data.digest, split.digest):
        return None
    seed = "" if old.split.seed is None else f", seed {old.split.seed}"
    return (
        f"{folder / TABLE} is that of another benchmark (data {old.data.name}, split "
        f"{old.split.description}{seed}) and will be replaced; its run folders stay."
    )


def open_benchmark(folder: Path) -> BenchmarkFolder:
    """Read the table of a benchmark folder and open its runs.

    Errors are those of `open_table`, and a TrustError if a run is missing, damaged or not the one
    that the table was made of.
    """
    table = open_table(folder)
    runs = []
    for row in table.rows:
        if not row.runs:
            raise TrustError(f"{folder / TABLE} does not say which runs {row.model} has.", _AGAIN)
        runs.append(tuple(open_listed(folder, *listed) for listed in row.runs.items()))
    return BenchmarkFolder(table, tuple(runs))


def verify_benchmark(folder: Path) -> int:
    """Verify a benchmark folder, and return how many files its runs have.

    The scores of the table are computed again from the predictions.

    Raises
    ------
    TrustError
        If a run is not to be trusted (`verify_run`), or is not the one that the table was made of,
        or a mean score of the table is another one.
    """
    opened = open_benchmark(folder)
    for row, runs in zip(opened.table.rows, opened.runs, strict=True):
        means = mean_scores([run.part("test") for run in runs])
        stated = {name: summary.mean for name, summary in row.scores.items()}
        if not are_same(stated, means):
            raise TrustError(
                f"{folder / TABLE} is not to be trusted: the scores of {row.model} are not those "
                "of its predictions.",
                _AGAIN,
            )
    runs_by_folder = {run.folder: run for runs in opened.runs for run in runs}
    members = {member.folder for run in runs_by_folder.values() for member in run.members}
    # An ensemble verifies its members.
    return sum(verify_run(run) for folder, run in runs_by_folder.items() if folder not in members)
