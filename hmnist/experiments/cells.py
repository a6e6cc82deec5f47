"""The cells of a grid and how they run: one by one, or side by side in processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmnist.diagnoses import CODES
from hmnist.errors import WorkError
from hmnist.experiments.training import compose_ensemble, train_cell
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run
from hmnist.splits.split import Split


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of a grid: a recipe, resolved for a split, and the folder of its run.

    `label` is the name of its row, empty where model and oversampling say enough.
    """

    recipe: Recipe
    split: Split
    folder: Path
    label: str = ""

    @property
    def row(self) -> tuple[str, str]:
        """The row of the table that the cell belongs to: cells of a row differ in seed and fold."""
        return self.label or self.recipe.model, "" if self.label else self.recipe.oversample


class Watcher:
    """Is told about the progress of cells; this one does nothing."""

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        """Receive the cells, and about how many seconds of fitting they need."""

    def started(self, cell: Cell) -> None:
        """Receive the cell that begins (only when cells run one after the other)."""

    def step(self, cell: Cell, done: int, total: int) -> None:
        """Receive how many epochs or rounds of a model are done (likewise)."""

    def finished(self, cell: Cell, run: Run) -> None:
        """Receive a finished cell and its run."""


def run_cells(cells: Sequence[Cell], jobs: int, watcher: Watcher) -> Iterator[tuple[Cell, Run]]:
    """Yield each cell with its run as it is finished; finished cells are opened, not trained again.

    Ensembles come last: their members have to be trained before they can be averaged. With several
    `jobs`, cells run side by side, each in a process of its own; WorkError if one is killed.
    """
    trained = [cell for cell in cells if not cell.recipe.entry.composed]
    train_all = _train_one_by_one if jobs == 1 else _train_side_by_side
    runs: dict[Path, Run] = {}
    for cell, run in train_all(trained, jobs, watcher):
        runs[cell.folder] = run
        watcher.finished(cell, run)
        yield cell, run
    for cell in cells:
        if cell.recipe.entry.composed:
            watcher.started(cell)
            members = [runs[other.folder] for other in trained if _is_member(other, cell)]
            run = compose_ensemble(cell.split, cell.recipe, cell.folder, members)
            watcher.finished(cell, run)
            yield cell, run


def estimate_seconds(cell: Cell) -> float:
    """Return about how long a cell takes to fit on two cores, 0 if it is finished."""
    if cell.folder.exists():
        return 0.0
    recipe, entry = cell.recipe, cell.recipe.entry
    seconds = entry.seconds[recipe.effort]
    if entry.system is not None and "epochs" in recipe.parameters:
        seconds *= recipe.parameters["epochs"] / entry.parameters[recipe.effort]["epochs"]
    counts = np.bincount(cell.split.train.labels, minlength=len(CODES))
    if recipe.oversample != "none" and recipe.rare_to is not None:
        raised = [CODES.index(code) for code in recipe.rare]
        counts[raised] = np.maximum(counts[raised], recipe.rare_to)
    return float(seconds * counts.sum() / 7000)


def _train_one_by_one(
    cells: Sequence[Cell], _jobs: int, watcher: Watcher
) -> Iterator[tuple[Cell, Run]]:
    for cell in cells:
        watcher.started(cell)

        def on_step(done: int, total: int, cell: Cell = cell) -> None:
            watcher.step(cell, done, total)

        yield cell, train_cell(cell.split, cell.recipe, cell.folder, on_step)


def _train_side_by_side(
    cells: Sequence[Cell], jobs: int, _watcher: Watcher
) -> Iterator[tuple[Cell, Run]]:
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # loky starts fresh processes; forking after TensorFlow has begun would hang.
    threads = cells[0].recipe.threads
    work = (joblib.delayed(_train_numbered)(number, cell) for number, cell in enumerate(cells))
    with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=threads):
        try:
            for number, run in joblib.Parallel(return_as="generator_unordered")(work):
                yield cells[number], run
        except TerminatedWorkerError as error:
            raise WorkError(
                "A process was ended from outside, perhaps because memory was short.",
                "Finished cells are kept: go on with --out and its folder, and fewer --jobs.",
            ) from error


def _train_numbered(number: int, cell: Cell) -> tuple[int, Run]:
    return number, train_cell(cell.split, cell.recipe, cell.folder, side_by_side=True)


def _is_member(cell: Cell, ensemble: Cell) -> bool:
    """Return whether a cell belongs to an ensemble: same split, seed and oversampling."""
    own, recipe = cell.recipe, ensemble.recipe
    alike = (own.seed, own.oversample) == (recipe.seed, recipe.oversample)
    return cell.split is ensemble.split and alike and own.model in recipe.parameters["members"]
