"""`benchmark`: every model on the same split, in one table.

The cells of the grid are model × oversampling × seed × fold. Each becomes a run folder, so that an
interrupted benchmark goes on where it was; the table is made from the folders alone.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import KINDS
from hmnist.diagnoses import CODES, RARE
from hmnist.errors import UsageError
from hmnist.experiments.cells import Cell, Watcher, estimate_seconds, run_cells
from hmnist.files import write_file
from hmnist.hardware import available_cores
from hmnist.models.registry import COMPARED, EFFORTS, FEATURES, MODELS, find_model
from hmnist.oversampling import METHODS
from hmnist.results.rows import make_row, make_table
from hmnist.results.table import Table, check_column
from hmnist.runs.recipe import Recipe, check_one_file
from hmnist.runs.run import Run
from hmnist.splits.split import Split, split, split_folds

__all__ = ["benchmark"]


def benchmark(
    data: LesionDataset,
    models: Sequence[str] | str = COMPARED,
    *,
    by: str | Path | None = None,
    folds: int | None = None,
    seed: int = 0,
    seeds: int = 1,
    oversampling: Sequence[str] | str = ("random",),
    rare: Sequence[str] | str = RARE,
    rare_to: int | None = None,
    decision: str = "natural",
    sensitivity: float = 0.9,
    features: str = "lesion",
    weights: str = "none",
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
        Names of the registry; without, all but the published systems. The majority model always
        takes part.
    by : str, pathlib.Path or None
        The split; see `hmnist.split`. ``published:<system>`` resamples and decides by itself.
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
        See `hmnist.decisions.decision.fit_decision`.
    features : str
        What models of numbers read: ``lesion`` or ``pixels``.
    weights : str
        What transfer models start from: ``none``, ``imagenet``, or the path of a file.
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
    DataError
        If a file of weights is missing (before any work begins) or malformed, or none can be
        downloaded.
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
    models, methods, rare = _listed(models), _listed(oversampling), _listed(rare)
    check_one_file(models, weights)
    recipes = [
        Recipe(
            model,
            method,
            tuple(rare),
            rare_to,
            decision,
            sensitivity,
            features,
            weights,
            effort,
            model_seed,
            threads or available_cores(),
            {"members": _members(models)} if find_model(model).composed else {},
        )
        for model, method in _contestants(models, methods)
        for model_seed in range(seed, seed + seeds)
    ]
    _check_names(recipes, sort)
    if folds is not None and by not in (None, "lesion"):
        raise UsageError("Folds are always dealt by lesion.", "Leave out --folds, or --split.")
    splits = [split(data, by, seed)] if folds is None else split_folds(data, folds, seed)
    root = Path(out) if out else Path("hmnist-runs") / f"{datetime.now():%Y%m%d-%H%M%S}"
    recipes = [recipe.under(splits[0]) for recipe in recipes]
    cells = [
        Cell(recipe, on, root / _folder_name(recipe, on))
        for place, recipe in enumerate(recipes)
        if recipe not in recipes[:place]  # a protocol may make one of two
        for on in splits
    ]
    watcher = watcher or Watcher()
    watcher.planned(cells, sum(estimate_seconds(cell) for cell in cells))
    progress = _Progress(cells)
    for place, run in run_cells(cells, jobs, watcher):
        progress.add(place, run)
        watcher.finished(cells[place], run, progress.table().sorted(sort))
    table = progress.table().sorted(sort)
    with write_file(root / "table.json") as temporary:
        temporary.write_text(table.to_json(), encoding="utf-8")
    return table


def _listed(names: Sequence[str] | str) -> list[str]:
    """Return a list also where a single name was given, which Python would read by letters."""
    return [names] if isinstance(names, str) else list(names)


def _members(models: Sequence[str]) -> tuple[str, ...]:
    """Return the models that are trained, each once, and so may sit on a committee."""
    entries = [find_model(model) for model in dict.fromkeys(models)]
    return tuple(entry.name for entry in entries if not (entry.composed or entry.baseline))


def _contestants(models: Sequence[str], methods: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield models and methods; the majority model once, on the natural shares."""
    members = _members(models)
    composed = tuple(model for model in dict.fromkeys(models) if find_model(model).composed)
    if composed and len(members) < 2:
        raise UsageError("An ensemble needs two models or more beside it.", "Name more models.")
    for method in dict.fromkeys(methods):
        for model in (*members, *composed):
            yield model, method
    for entry in MODELS.values():
        if entry.baseline:
            yield entry.name, "none"


def _check_names(recipes: Sequence[Recipe], sort: str) -> None:
    """Refuse unknown names before hours of work rather than after."""
    for recipe in recipes:
        find_model(recipe.model)
        for what, name, known in (
            ("oversampling", recipe.oversampling, tuple(METHODS)),
            ("decision", recipe.decision, KINDS),
            ("effort", recipe.effort, EFFORTS),
            ("set of features", recipe.features, FEATURES),
            *(("diagnosis", code, CODES) for code in recipe.rare),
        ):
            if name not in known:
                raise UsageError(
                    f"There is no {what} called {name!r}.", f"Choose {', '.join(known)}."
                )
    check_column(sort)


def _folder_name(recipe: Recipe, on: Split) -> str:
    fold = "" if on.fold is None else f"-fold{on.fold}"
    return f"{recipe.model}-{recipe.oversampling}-seed{recipe.seed}{fold}-{recipe.key(on)}"


class _Progress:
    """The rows so far; only those that a new run changes are made again."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._cells = cells
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
            runs=list(self._runs.values()),
        )

    def _row_of(self, place: int) -> tuple[str, str]:
        recipe = self._cells[place].recipe
        return recipe.model, recipe.oversampling
