"""The cells of a grid, and the order in which they run: `run_cells`."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from hmnist.diagnoses import CODES
from hmnist.experiments.training import compose_ensemble, open_finished
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run
from hmnist.splits.split import Split

_SHARED = ("seed", "oversample", "patients")
"""The settings that an ensemble shares with its members."""

_LENGTHS = frozenset({"epochs", "networks", "n_estimators", "max_iter"})
"""The parameters that make a training longer in proportion, roughly."""


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
    def row(self) -> tuple[str, str, bool]:
        """The row of the table that the cell belongs to: cells of a row differ in seed and fold."""
        recipe = self.recipe
        oversampling = "" if self.label else recipe.oversample
        return self.label or recipe.model, oversampling, recipe.patients

    def __str__(self) -> str:
        recipe, part = self.recipe, self.split
        fold = "" if part.fold is None else f", fold {part.fold + 1} of {part.folds}"
        model = self.label or f"{recipe.model}, oversampling {recipe.oversample}"
        patients = ", with patient data" if recipe.patients else ""
        return f"{model}{patients}, seed {recipe.seed}{fold}"


class Watcher:
    """Is told about the progress of cells; this one does nothing."""

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        """Receive the cells, and about how many seconds of fitting they need."""

    def started(self, cell: Cell) -> None:
        """Receive a cell that begins; with several workers, others are running."""

    def step(self, cell: Cell, done: float, total: float) -> None:
        """Receive how much of the training of a running model is done; both may be fractions."""

    def finished(self, cell: Cell, run: Run) -> None:
        """Receive a finished cell and its run; it did not begin if it was finished before."""

    def noted(self, sentence: str) -> None:
        """Receive a sentence about the work: a worker was lost, and its cell runs elsewhere."""


class Workers(Protocol):
    """What trains cells: this process, several processes, or a cluster.

    `jobs` cells run at the same time, each with `threads` threads where the user names none.
    """

    jobs: int
    threads: int

    def train(self, cells: Sequence[Cell], watcher: Watcher) -> Iterator[tuple[Cell, Run]]:
        """Yield each cell with its run as it is finished; cells begin in their order."""


def run_cells(
    cells: Sequence[Cell], workers: Workers, watcher: Watcher
) -> Iterator[tuple[Cell, Run]]:
    """Yield each cell with its run as it is finished; finished cells are opened, not trained again.

    The cheapest begin, so that a table has rows early. An ensemble is composed as soon as all its
    members are trained.
    """
    runs: dict[Path, Run] = {}
    ensembles = [cell for cell in cells if cell.recipe.entry.composed]
    trained = [cell for cell in cells if not cell.recipe.entry.composed]
    members_of = {
        ensemble.folder: [cell.folder for cell in trained if _is_member(cell, ensemble)]
        for ensemble in ensembles
    }
    for cell, run in _train(sorted(trained, key=estimate_seconds), workers, watcher):
        runs[cell.folder] = run
        watcher.finished(cell, run)
        yield cell, run
        for ensemble in [cell for cell in ensembles if runs.keys() >= {*members_of[cell.folder]}]:
            ensembles.remove(ensemble)
            watcher.started(ensemble)
            members = [runs[folder] for folder in members_of[ensemble.folder]]
            composed = compose_ensemble(
                ensemble.split, ensemble.recipe, ensemble.folder, members, noting(ensemble, watcher)
            )
            watcher.finished(ensemble, composed)
            yield ensemble, composed


def estimate_seconds(cell: Cell) -> float:
    """Return about how long a cell takes to fit on two cores, 0 if it is finished."""
    if cell.folder.exists():
        return 0.0
    recipe = cell.recipe
    counts = np.bincount(cell.split.train.labels, minlength=len(CODES))
    if recipe.oversample != "none" and recipe.rare_to is not None:
        raised = [CODES.index(code) for code in recipe.rare]
        counts[raised] = np.maximum(counts[raised], recipe.rare_to)
    return estimate_fit(recipe, int(counts.sum()))


def estimate_fit(recipe: Recipe, images: int) -> float:
    """Return about how many seconds a model takes to fit so many images on two cores.

    Examples
    --------
    >>> estimate_fit(Recipe(model="logistic", effort="quick"), 3500)
    7.5
    """
    seconds, system = recipe.entry.seconds[recipe.effort], recipe.entry.system
    if system is not None:
        images = system.training.images_per_epoch(images)
    if changed := recipe.parameters.keys() & _LENGTHS:
        own = replace(recipe, parameters={}).make().get_params()
        chosen = recipe.make().get_params()
        # None is a system's own number of epochs.
        seconds *= math.prod((chosen[name] or own[name]) / own[name] for name in changed)
    return seconds * images / 7000


def noting(cell: Cell, watcher: Watcher) -> Callable[[str], None]:
    """Return what tells the watcher a sentence about a cell; the sentence has no full stop."""
    return lambda sentence: watcher.noted(f"{cell}: {sentence}.")


def _train(cells: Sequence[Cell], workers: Workers, watcher: Watcher) -> Iterator[tuple[Cell, Run]]:
    left = []
    for cell in cells:
        key = cell.recipe.key(cell.split)
        if (run := open_finished(cell.folder, key, noting(cell, watcher))) is None:
            left.append(cell)
        else:
            yield cell, run
    if left:
        yield from workers.train(left, watcher)


def _is_member(cell: Cell, ensemble: Cell) -> bool:
    """Return whether a cell belongs to an ensemble: the same split and shared settings."""
    own, recipe = cell.recipe, ensemble.recipe
    alike = all(getattr(own, name) == getattr(recipe, name) for name in _SHARED)
    return cell.split is ensemble.split and alike and own.model in recipe.parameters["members"]
