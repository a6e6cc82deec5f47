"""`benchmark`: every model on the same split, in one table.

The cells of the grid are model × oversampling × seed × fold. Each becomes a run folder, so that an
interrupted benchmark goes on where it was; the table is made from the folders alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hmnist.dataset import LesionDataset
from hmnist.decision import KINDS
from hmnist.diagnoses import CODES, RARE
from hmnist.errors import UsageError
from hmnist.experiment import run_cell
from hmnist.files import write_file
from hmnist.models.registry import EFFORTS, MAJORITY, MODELS, find_model
from hmnist.oversampling import METHODS
from hmnist.recipe import Recipe
from hmnist.runs import Run
from hmnist.splits import Split, split, split_folds
from hmnist.summary import make_row, make_table
from hmnist.table import Table
from hmnist.threads import available_cores

__all__ = ["Cell", "Watcher", "benchmark", "estimate_seconds"]


@dataclass(frozen=True)
class Cell:
    """One place in the grid.

    Attributes
    ----------
    recipe : Recipe
        What is trained, and how.
    on : Split
        Who trains, validates and is tested.
    folder : pathlib.Path
        Where its run goes.
    """

    recipe: Recipe
    on: Split
    folder: Path


class Watcher:
    """Is told how a benchmark gets on; this one does not care."""

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        """Take note of the cells, and about how many seconds of fitting they need."""

    def started(self, cell: Cell) -> None:
        """Take note that a cell begins (told only when cells run one after the other)."""

    def step(self, cell: Cell, done: int, total: int) -> None:
        """Take note that a model has done some of its epochs or rounds (likewise)."""

    def finished(self, cell: Cell, run: Run, table: Table) -> None:
        """Take note that a cell is done; `table` holds the rows so far."""


def benchmark(
    data: LesionDataset,
    models: Sequence[str] = tuple(MODELS),
    *,
    by: str | Path | None = None,
    folds: int | None = None,
    seed: int = 0,
    seeds: int = 1,
    oversampling: Sequence[str] | str = ("random",),
    rare: Sequence[str] = RARE,
    rare_to: int | None = None,
    decision: str = "natural",
    sensitivity: float = 0.9,
    effort: str = "standard",
    jobs: int = 1,
    threads: int | None = None,
    sort: str = "balanced_accuracy",
    out: str | Path | None = None,
    watcher: Watcher | None = None,
) -> Table:
    """Train models on one split and compare them on its test part.

    Parameters
    ----------
    data : LesionDataset
        What to train, validate and test on.
    models : sequence of str
        Names of the registry. The majority model always takes part.
    by : str, pathlib.Path or None
        The split; see `hmnist.split`.
    folds : int or None
        Cross-validate in so many folds by lesion instead of one split.
    seed : int
        What fixes the split, and the first seed of the models.
    seeds : int
        How many models of each kind to train on that split, with seeds ``seed, seed + 1, …``.
    oversampling : sequence of str
        Methods of `hmnist.oversampling.oversample`; several are compared in one table.
    rare, rare_to
        Which diagnoses are raised, and to which count.
    decision, sensitivity
        See `hmnist.decision.fit_decision`.
    effort : str
        ``quick``, ``standard`` or ``best``.
    jobs : int
        How many cells run side by side, in processes of their own.
    threads : int or None
        Threads per cell; None takes the cores that this process may use. At equal threads the
        scores are equal, whatever `jobs` is.
    sort : str
        The score or cost that orders the rows.
    out : str, pathlib.Path or None
        The benchmark folder; None makes one in ``hmnist-runs``. Finished cells in it are skipped.
    watcher : Watcher or None
        Is told how the work gets on.

    Returns
    -------
    Table
        Also written to ``table.json`` in the folder.

    Raises
    ------
    UsageError
        If a name is unknown or an option unsuitable; before any work begins.
    WorkError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from hmnist.sources.sample import load_sample
    >>> table = benchmark(load_sample(), models=["majority"], out=tempfile.mkdtemp())
    >>> [row["model"] for row in table.rows]
    ['majority']
    """
    if seeds < 1 or jobs < 1 or (threads is not None and threads < 1):
        raise UsageError("Seeds, jobs and threads are counted from 1.")
    if not 0 < sensitivity < 1:
        raise UsageError(f"A sensitivity of {sensitivity:g} is not between 0 and 1.")
    methods = [oversampling] if isinstance(oversampling, str) else list(oversampling)
    recipes = [
        Recipe(
            model,
            method,
            tuple(rare),
            rare_to,
            decision,
            sensitivity,
            effort,
            model_seed,
            threads or available_cores(),
        )
        for model, method in _contestants(models, methods)
        for model_seed in range(seed, seed + seeds)
    ]
    _check_names(recipes, sort)
    splits = split_folds(data, folds, seed) if folds else [split(data, by, seed)]
    root = Path(out) if out else Path("hmnist-runs") / f"{datetime.now():%Y%m%d-%H%M%S}"
    cells = [
        Cell(recipe, on, root / _folder_name(recipe, on)) for recipe in recipes for on in splits
    ]
    watcher = watcher or Watcher()
    watcher.planned(cells, sum(estimate_seconds(cell) for cell in cells))
    progress = _Progress(cells, jobs)
    for place, run in _run_all(cells, jobs, watcher):
        progress.add(place, run)
        watcher.finished(cells[place], run, progress.table().sorted(sort))
    table = progress.table().sorted(sort)
    with write_file(root / "table.json") as temporary:
        temporary.write_text(table.to_json(), encoding="utf-8")
    return table


def estimate_seconds(cell: Cell) -> float:
    """Return about how long a cell takes to fit on two cores, 0 if it is finished."""
    if cell.folder.exists():
        return 0.0
    seconds = find_model(cell.recipe.model).seconds[cell.recipe.effort]
    return seconds * len(cell.on.train_indices) / 7000


def _contestants(models: Sequence[str], methods: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield models and methods; the majority model once, last, on the natural shares."""
    for method in dict.fromkeys(methods):
        for model in dict.fromkeys(models):
            if model != MAJORITY:
                yield model, method
    yield MAJORITY, "none"


def _check_names(recipes: Sequence[Recipe], sort: str) -> None:
    """Refuse unknown names before hours of work rather than after."""
    for recipe in recipes:
        find_model(recipe.model)
        for what, name, known in (
            ("oversampling", recipe.oversampling, tuple(METHODS)),
            ("decision", recipe.decision, KINDS),
            ("effort", recipe.effort, EFFORTS),
            *(("diagnosis", code, CODES) for code in recipe.rare),
        ):
            if name not in known:
                raise UsageError(
                    f"There is no {what} called {name!r}.", f"Choose {', '.join(known)}."
                )
    Table({}, {}, {}, []).sorted(sort)


def _folder_name(recipe: Recipe, on: Split) -> str:
    fold = "" if on.fold is None else f"-fold{on.fold}"
    return f"{recipe.model}-{recipe.oversampling}-seed{recipe.seed}{fold}-{recipe.key(on)}"


def _run_all(cells: Sequence[Cell], jobs: int, watcher: Watcher) -> Iterator[tuple[int, Run]]:
    """Yield the place and the run of each cell as it is finished."""
    if jobs == 1:
        for place, cell in enumerate(cells):
            watcher.started(cell)
            yield place, _run_one(cell, watcher)
        return
    import joblib

    # loky starts fresh processes; forking after TensorFlow has begun would hang.
    threads = cells[0].recipe.threads
    with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=threads):
        parallel = joblib.Parallel(return_as="generator_unordered")
        yield from parallel(
            joblib.delayed(_run_numbered)(place, cell) for place, cell in enumerate(cells)
        )


def _run_one(cell: Cell, watcher: Watcher) -> Run:
    def on_step(done: int, total: int) -> None:
        watcher.step(cell, done, total)

    return run_cell(cell.on, cell.recipe, cell.folder, on_step)


def _run_numbered(place: int, cell: Cell) -> tuple[int, Run]:
    return place, run_cell(cell.on, cell.recipe, cell.folder)


class _Progress:
    """The rows so far; only those that a new run changes are made again."""

    def __init__(self, cells: Sequence[Cell], jobs: int) -> None:
        self._cells = cells
        self._jobs = jobs
        self._runs: dict[int, Run] = {}
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, place: int, run: Run) -> None:
        self._runs[place] = run
        row = self._row_of(place)
        # In the order of the grid: sums must not depend on which cell was finished first.
        members = [self._runs[other] for other in sorted(self._runs) if self._row_of(other) == row]
        self._rows[row] = make_row(members)

    def table(self) -> Table:
        first = self._cells[0]
        return make_table(
            list(self._rows.values()),
            first.on,
            threads=first.recipe.threads,
            jobs=self._jobs,
            runs=list(self._runs.values()),
        )

    def _row_of(self, place: int) -> tuple[str, str]:
        recipe = self._cells[place].recipe
        return recipe.model, recipe.oversampling
