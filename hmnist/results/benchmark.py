"""`benchmark`: train models on one split, and compare them in a table.

Every cell becomes a run folder, so that an interrupted benchmark goes on where it was; the table is
made from the folders alone. The function stands here because it returns a table: what trains the
cells (`hmnist.experiments`) knows nothing of tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from hmnist.dataset import LesionDataset
from hmnist.experiments.cells import Cell, Watcher, Workers, estimate_seconds, run_cells
from hmnist.experiments.grid import plan_benchmark
from hmnist.experiments.workers import open_workers
from hmnist.files import new_runs_folder, write_file
from hmnist.models.registry import COMPARED
from hmnist.results.cautions import warn_of_cheaper, warn_of_folds, warn_of_leaks
from hmnist.results.differences import compare_rows
from hmnist.results.rows import (
    TableRow,
    fold_scores,
    label_rows,
    make_row,
    summarise_settings,
)
from hmnist.results.table import Table, check_column
from hmnist.runs.facts import describe_data, describe_split
from hmnist.runs.recipe import Settings
from hmnist.runs.run import Run
from hmnist.scores.scoring import SCORE_NAMES


def benchmark(
    data: LesionDataset,
    models: Sequence[str] | str = COMPARED,
    *,
    split: str | Path | None = None,
    folds: int | None = None,
    seeds: int = 1,
    jobs: int = 1,
    dask: str | None = None,
    sort: str = "balanced_accuracy",
    out: str | Path | None = None,
    watcher: Watcher | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Unpack[Settings],
) -> Table:
    """Train models on one split and compare them on its test part.

    Parameters
    ----------
    data : LesionDataset
        The images to train, validate and test on.
    models : sequence of str
        Names of the registry; by default all but the published systems. The baseline always takes
        part.
    split : str, pathlib.Path or None
        As `by` of `hmnist.split`. ``published:<system>`` resamples and decides by itself.
    folds : int or None
        Cross-validate in so many folds by lesion instead of one split.
    seeds : int
        How many models of each kind are trained on that split, with the seeds ``seed, seed + 1,
        …``; ``seed`` itself fixes the split.
    jobs : int
        How many cells run side by side, in processes of their own; they share the cores unless
        ``threads`` are given. At equal ``threads`` the scores are equal, whatever it is.
    dask : str or None
        The address of the scheduler of a Dask cluster, such as ``"tcp://localhost:8786"``, whose
        workers train the cells instead of this machine. At equal ``threads``, which are those of
        the smallest worker if none are given, and on equal processors, the scores are equal.
    sort : str
        The score or the cost that orders the rows. Rows are compared with the best one on this
        score; with a cost, on balanced accuracy.
    out : str, pathlib.Path or None
        The benchmark folder; None makes one in ``hmnist-runs``. Finished cells in it are kept.
    watcher : Watcher or None
        Is told about the progress.
    parameters : mapping or None
        Constructor parameters by model, such as ``{"cnn": {"epochs": 20}}``.
    **settings
        The settings of `Recipe`: ``oversample`` (one method, or several that are compared in one
        table), ``patients`` (``"both"`` compares models with and without patient data),
        ``decide``, ``effort``, ``seed`` …

    Returns
    -------
    Table
        The best row first; also written to ``table.json`` in the folder.

    Raises
    ------
    UsageError
        If a name is unknown or an option unsuitable; before any work begins.
    DataError
        If a file of pretrained weights is missing or malformed, or none can be downloaded.
    WorkError
        If the folder cannot be written, or a process or all workers of a cluster are lost.

    Examples
    --------
    >>> import tempfile
    >>> from hmnist.sources.sample import load_sample
    >>> table = benchmark(load_sample(), models=["majority"], out=tempfile.mkdtemp())
    >>> [row.model for row in table.rows]
    ['majority']
    """
    check_column(sort)
    folder = Path(out) if out else new_runs_folder()
    watcher = watcher or Watcher()
    with open_workers(jobs, settings.get("threads"), dask) as workers:
        settings["threads"] = workers.threads
        cells = plan_benchmark(
            data,
            models,
            folder,
            split=split,
            folds=folds,
            seeds=seeds,
            parameters=parameters,
            **settings,
        )
        watcher.planned(cells, sum(map(estimate_seconds, cells)))
        growing = fill_table(cells, workers, watcher)
    table = growing.compared_table(sort if sort in SCORE_NAMES else "balanced_accuracy").sorted(
        sort
    )
    with write_file(folder / "table.json") as temporary:
        temporary.write_text(table.to_json(), encoding="utf-8")
    return table


class GrowingTable:
    """The rows of the runs so far; a new run changes its own row only.

    A row is computed when it is asked for, because its intervals take time. Rows and sums are in
    the order of the grid, whichever cell is finished first.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._cells = cells
        self._runs: dict[Path, Run] = {}
        self._rows: dict[tuple[str, str, bool], TableRow | None] = {}

    def add(self, cell: Cell, run: Run) -> None:
        """Add a finished cell."""
        self._runs[cell.folder] = run
        self._rows[cell.row] = None

    def row(self, name: tuple[str, str, bool]) -> TableRow:
        """Return the row of a name (`Cell.row`) that has a run."""
        row = self._rows[name]
        if row is None:
            row = make_row(self._runs_of(name))
            self._rows[name] = row
        return row

    def _runs_of(self, name: tuple[str, str, bool]) -> list[Run]:
        folders = [cell.folder for cell in self._cells if cell.row == name]
        return [self._runs[folder] for folder in folders if folder in self._runs]

    def table(self) -> Table:
        """Return the table so far, the best row first."""
        split = self._cells[0].split
        finished = [cell for cell in self._cells if cell.folder in self._runs]
        return Table(
            data=describe_data(split.data),
            split=describe_split(split),
            settings=summarise_settings([self._runs[cell.folder] for cell in finished]),
            rows=tuple(map(self.row, self._names())),
        ).sorted()

    def compared_table(self, score: str) -> Table:
        """Return the table with its rows compared on a score, and with its warnings.

        This takes time: it belongs to the end, when every row has all its runs.
        """
        names, table = self._names(), self.table()
        labels = label_rows([self.row(name) for name in names])
        rows = dict(zip(labels, map(self.row, names), strict=True))
        runs = dict(zip(labels, map(self._runs_of, names), strict=True))
        tested = {label: [run.part("test") for run in of_row] for label, of_row in runs.items()}
        differences = compare_rows(rows, tested, score)
        by_fold = {label: fold_scores(of_row, score) for label, of_row in runs.items()}
        to_best = {} if differences is None else differences.to_best
        return replace(
            table,
            rows=tuple(replace(row, difference=to_best.get(label)) for label, row in rows.items()),
            ranking=None if differences is None else differences.ranking,
            warnings=(
                *warn_of_leaks(rows, table.data, table.split),
                *warn_of_folds(rows, by_fold, score),
                *warn_of_cheaper(differences),
            ),
        )

    def _names(self) -> list[tuple[str, str, bool]]:
        """Return the names of the rows that have a run, in the order of the grid."""
        finished = (cell for cell in self._cells if cell.folder in self._runs)
        return list(dict.fromkeys(cell.row for cell in finished))


def fill_table(cells: Sequence[Cell], workers: Workers, watcher: Watcher) -> GrowingTable:
    """Run cells, and return the table of their runs."""
    growing = GrowingTable(cells)
    for cell, run in run_cells(cells, workers, watcher):
        growing.add(cell, run)
    return growing
