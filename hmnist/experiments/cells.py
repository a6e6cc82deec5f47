"""The cells of a benchmark and how they are run: one by one, or side by side in processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmnist.diagnoses import CODES
from hmnist.errors import WorkError
from hmnist.experiments.training import compose, run_cell
from hmnist.models.registry import find_model
from hmnist.results.table import Table
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run
from hmnist.splits.split import Split

__all__ = ["Cell", "Watcher", "estimate_seconds", "run_cells"]


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
    label : str
        What to call it while it is at work; empty where the recipe says enough.
    """

    recipe: Recipe
    on: Split
    folder: Path
    label: str = ""


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


def run_cells(cells: Sequence[Cell], jobs: int, watcher: Watcher) -> Iterator[tuple[int, Run]]:
    """Yield the place and the run of each cell as it is finished.

    Committees come last: their members have to be trained before they can vote.

    Parameters
    ----------
    cells : sequence of Cell
        What is to be done; finished cells are opened rather than trained again.
    jobs : int
        How many run side by side, in processes of their own.
    watcher : Watcher
        Is told when cells begin and how far they are, if they run one after the other.

    Raises
    ------
    WorkError
        If a process is killed.
    """
    runs: dict[int, Run] = {}
    trained = [
        place for place, cell in enumerate(cells) if not find_model(cell.recipe.model).composed
    ]
    for place, run in _train_all(cells, trained, jobs, watcher):
        runs[place] = run
        yield place, run
    for place, cell in enumerate(cells):
        if find_model(cell.recipe.model).composed:
            watcher.started(cell)
            members = [runs[other] for other in trained if _votes(cells[other], cell)]
            yield place, compose(cell.on, cell.recipe, cell.folder, members)


def estimate_seconds(cell: Cell) -> float:
    """Return about how long a cell takes to fit on two cores, 0 if it is finished."""
    if cell.folder.exists():
        return 0.0
    recipe, entry = cell.recipe, find_model(cell.recipe.model)
    seconds = entry.seconds[recipe.effort]
    if entry.system and recipe.parameters.get("epochs"):
        seconds *= recipe.parameters["epochs"] / entry.parameters[recipe.effort]["epochs"]
    counts = np.bincount(cell.on.data.labels[cell.on.train_indices], minlength=len(CODES))
    if recipe.oversampling != "none" and recipe.rare_to is not None:
        raised = [CODES.index(code) for code in recipe.rare]
        counts[raised] = np.maximum(counts[raised], recipe.rare_to)
    return float(seconds * counts.sum() / 7000)


def _train_all(
    cells: Sequence[Cell], places: Sequence[int], jobs: int, watcher: Watcher
) -> Iterator[tuple[int, Run]]:
    if jobs == 1:
        for place in places:
            watcher.started(cells[place])
            yield place, _train_watched(cells[place], watcher)
        return
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # loky starts fresh processes; forking after TensorFlow has begun would hang.
    threads = cells[0].recipe.threads
    work = (joblib.delayed(_train_numbered)(place, cells[place]) for place in places)
    with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=threads):
        try:
            yield from joblib.Parallel(return_as="generator_unordered")(work)
        except TerminatedWorkerError as error:
            raise WorkError(
                "A process was ended from outside, perhaps for want of memory.",
                "Finished cells are kept: go on with --out and its folder, and fewer --jobs.",
            ) from error


def _train_watched(cell: Cell, watcher: Watcher) -> Run:
    def on_step(done: int, total: int) -> None:
        watcher.step(cell, done, total)

    return run_cell(cell.on, cell.recipe, cell.folder, on_step)


def _train_numbered(place: int, cell: Cell) -> tuple[int, Run]:
    return place, run_cell(cell.on, cell.recipe, cell.folder, side_by_side=True)


def _votes(cell: Cell, committee: Cell) -> bool:
    """Tell whether a cell's run sits on a committee: same split, seed and oversampling."""
    return (
        cell.on is committee.on
        and cell.recipe.seed == committee.recipe.seed
        and cell.recipe.oversampling == committee.recipe.oversampling
        and cell.recipe.model in committee.recipe.parameters["members"]
    )
