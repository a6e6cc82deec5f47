"""`benchmark`: train models on one split, and compare them in a table.

Every cell becomes a run folder, so that an interrupted benchmark goes on where it was; the table is
made from the folders alone. The function stands here because it returns a table: what trains the
cells (`hmnist.experiments`) knows nothing of tables.
"""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from hmnist.dataset import LesionDataset
from hmnist.experiments.cells import Cell, Watcher, Workers, estimate_seconds, run_cells
from hmnist.experiments.grid import plan_benchmark
from hmnist.experiments.workers import open_workers
from hmnist.files import sweep, write_file
from hmnist.models.registry import COMPARED
from hmnist.results.benchmark_folder import TABLE, describe_replaced
from hmnist.results.columns import find_column
from hmnist.results.growing_table import GrowingTable
from hmnist.results.table import Table
from hmnist.results.watching import watch_quietly
from hmnist.runs.folders import runs_folder
from hmnist.runs.keywords import check_keywords
from hmnist.runs.recipe import Settings
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.splits.split import Split


def benchmark(
    data: LesionDataset,
    models: Sequence[str] | str = COMPARED,
    *,
    split: str | Path | Split | None = None,
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
        Names of the registry; by default all but ``transfer`` and the published systems. The
        baseline always takes part.
    split : str, pathlib.Path, Split or None
        As `by` of `hmnist.split`. ``published:<system>`` resamples and decides by itself.
    folds : int or None
        Cross-validate in so many folds by lesion instead of one split.
    seeds : int
        How many models of each kind are trained on that split, with the seeds ``seed, seed + 1,
        …``; ``seed`` itself fixes the split.
    jobs : int
        How many models train side by side, in processes of their own; they share the cores unless
        ``threads`` are given. At equal ``threads`` the scores are equal, whatever it is.
    dask : str or None
        The address of the scheduler of a Dask cluster, such as ``"tcp://localhost:8786"``, whose
        workers train the models instead of this machine. At equal ``threads``, which are those of
        the smallest worker if none are given, and on equal processors, the scores are equal.
    sort : str
        The score or the cost that orders the rows, by its name or its heading in the table. Rows
        are compared with the best one on this score; with a cost, on balanced accuracy.
    out : str, pathlib.Path or None
        The benchmark folder; None makes one in ``hmnist-runs``. Finished runs in it are kept. The
        table of another benchmark in it is replaced, which the watcher is told.
    watcher : Watcher or None
        Is told about the progress. None shows the growing table in a notebook (a line for each
        model if ipywidgets is not installed), and nothing elsewhere.
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
    check_keywords(benchmark, settings)
    sort = find_column(sort)
    with (
        runs_folder(out) as folder,
        watch_quietly() if watcher is None else contextlib.nullcontext(watcher) as watching,
        open_workers(jobs, settings.get("threads"), dask) as workers,
    ):
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
        watching.planned(cells, sum(map(estimate_seconds, cells)))
        if (sentence := describe_replaced(folder, cells[0].split)) is not None:
            watching.noted(sentence)
        growing = fill_table(cells, workers, watching)
    table = growing.compared_table(sort if sort in SCORE_NAMES else "balanced_accuracy").sorted(
        sort
    )
    with write_file(folder / TABLE) as temporary:
        temporary.write_text(table.to_json(), encoding="utf-8")
    return table


def fill_table(cells: Sequence[Cell], workers: Workers, watcher: Watcher) -> GrowingTable:
    """Run cells, and return the table of their runs.

    Half-written files that killed processes have left in the folders of the cells are removed
    first. Trainings that were interrupted can go on, those of other commands as well.
    """
    for folder in {cell.folder.parent for cell in cells}:
        sweep(folder)
    growing = GrowingTable(cells)
    for cell, run in run_cells(cells, workers, watcher):
        growing.add(cell, run)
    return growing
