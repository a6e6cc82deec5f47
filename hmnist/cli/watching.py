"""The progress of a benchmark: a live table on a terminal, lines elsewhere."""

import contextlib
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hmnist.cli.output import say
from hmnist.experiments.cells import Cell, Watcher, estimate_seconds
from hmnist.results.benchmark import GrowingTable
from hmnist.runs.run import Run


@contextlib.contextmanager
def watch_cells(folder: Path, *, quiet: bool) -> Iterator[Watcher]:
    """Yield a watcher that suits stderr; print how to go on if the work is interrupted."""
    console = Console(stderr=True)
    live = console.is_terminal and not quiet
    plain = contextlib.nullcontext(Watcher() if quiet else Lines())
    try:
        with LiveTable(console) if live else plain as watcher:
            yield watcher
    except KeyboardInterrupt:
        say(
            f"\nInterrupted. Finished models are kept; to go on, run the same command with "
            f"--out {shlex.quote(str(folder))}"
        )
        raise typer.Exit(130) from None


class Lines(Watcher):
    """One line per finished model."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        """Print the estimate."""
        self._total = len(cells)
        say(_plan(cells, seconds))

    def finished(self, cell: Cell, run: Run) -> None:
        """Print the model's scores."""
        self._done += 1
        say(f"[{self._done}/{self._total}] {_name(cell)}: {_result(run)}")


class LiveTable(Watcher):
    """A table that fills in row by row, over a bar with the time still needed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        step, left = TextColumn("{task.fields[step]}"), TextColumn("{task.fields[left]}")
        columns = (TextColumn("{task.description}"), BarColumn(), step, TimeElapsedColumn(), left)
        self._progress = Progress(*columns, console=console)
        self._live = Live(self._progress, console=console, transient=True)
        self._task: TaskID | None = None
        self._start = time.monotonic()
        self._seconds: dict[Path, float] = {}
        self._table = GrowingTable([])
        self._done = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        """Print the estimate and show an empty bar."""
        self._console.print(_plan(cells, seconds), highlight=False)
        # A second each, so that quick models move the bar, too.
        self._seconds = {cell.folder: 1 + estimate_seconds(cell) for cell in cells}
        self._table = GrowingTable(cells)
        total = sum(self._seconds.values())
        self._task = self._progress.add_task(f"{len(cells)} models", total=total, step="", left="")

    def started(self, cell: Cell) -> None:
        """Show the name of the model."""
        self._update(_name(cell), "", 0.0)

    def step(self, cell: Cell, done: int, total: int) -> None:
        """Move the bar within the model."""
        self._update(_name(cell), f"{done}/{total}", self._seconds[cell.folder] * done / total)

    def finished(self, cell: Cell, run: Run) -> None:
        """Show the model's row."""
        self._table.add(cell, run)
        self._done += self._seconds[cell.folder]
        self._update(_name(cell), "", 0.0)
        self._live.update(Group(self._table.table().to_rich(notes=False), self._progress))

    def _update(self, name: str, step: str, part: float) -> None:
        if self._task is None:
            return
        done = self._done + part
        total = sum(self._seconds.values())
        elapsed = time.monotonic() - self._start
        left = ""
        if done > 0.02 * total and done < total:
            left = f"about {_duration(elapsed * (total - done) / done)} left"
        self._progress.update(self._task, description=name, completed=done, step=step, left=left)


@contextlib.contextmanager
def watch_steps(name: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yield what shows the epochs or rounds of a single model on a terminal, else nothing."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(name, total=None)

        def on_step(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield on_step


def _plan(cells: Sequence[Cell], seconds: float) -> str:
    models = f"{len(cells)} models" if len(cells) > 1 else "1 model"
    finished = sum(cell.folder.exists() for cell in cells)
    kept = f", {finished} of them finished before" if finished else ""
    return f"{models}{kept}: about {_duration(seconds + 5)} on two cores."


def _name(cell: Cell) -> str:
    recipe = cell.recipe
    fold = "" if cell.split.fold is None else f", fold {cell.split.fold + 1} of {cell.split.folds}"
    model = cell.label or f"{recipe.model}, oversampling {recipe.oversample}"
    return f"{model}, seed {recipe.seed}{fold}"


def _result(run: Run) -> str:
    scores = run.scores
    return (
        f"balanced accuracy {scores['balanced_accuracy']:.3f}, accuracy {scores['accuracy']:.3f}, "
        f"AUC {scores['roc_auc_ovr']:.3f}, fitted in {run.manifest.fit_seconds:.1f} s"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
