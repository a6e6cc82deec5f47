"""The progress of a benchmark: a live table on a terminal, lines elsewhere."""

import contextlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
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


class Pace:
    """How far cells have come, and how long the others still need.

    The clock is that of the work so far: cells count by their estimates, and whatever runs side by
    side shortens the rest as well.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        # A second each, so that quick models count, too.
        self._seconds = {cell.folder: 1 + estimate_seconds(cell) for cell in cells}
        self._start = monotonic()
        self._parts: dict[Path, float] = {}
        self._names: dict[Path, str] = {}
        self.total = sum(self._seconds.values())
        self.finished = 0
        self._finished_seconds = 0.0

    def start(self, cell: Cell) -> None:
        """Count a cell as running; from the beginning if it ran before."""
        self._parts[cell.folder] = 0.0
        self._names[cell.folder] = str(cell)

    def move(self, cell: Cell, part: float) -> None:
        """Set how much of a running cell is done, from 0 to 1."""
        self._parts[cell.folder] = part

    def finish(self, cell: Cell) -> None:
        """Count a cell as finished."""
        self._parts.pop(cell.folder, None)
        self.finished += 1
        self._finished_seconds += self._seconds[cell.folder]

    @property
    def running(self) -> list[str]:
        """The names of the cells that run, the oldest first."""
        return [self._names[folder] for folder in self._parts]

    @property
    def done(self) -> float:
        """How much of `total` is done."""
        running = (part * self._seconds[folder] for folder, part in self._parts.items())
        return self._finished_seconds + sum(running)

    @property
    def counts(self) -> str:
        """How many cells run, how many are left, and the time still needed."""
        left = len(self._seconds) - self.finished - len(self._parts)
        words = [f"{len(self._parts)} running"] if self._parts else []
        words += [f"{left} left"] if left else []
        if 0.02 * self.total < self.done < self.total:
            elapsed = monotonic() - self._start
            still = elapsed * (self.total - self.done) / self.done
            words.append(f"about {_duration(still)} still needed")
        return ", ".join(words)


class Lines(Watcher):
    """One line per finished model."""

    def __init__(self) -> None:
        self._total = 0
        self._pace = Pace([])

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        """Print the estimate."""
        self._total = len(cells)
        self._pace = Pace(cells)
        say(_plan(cells, seconds))

    def started(self, cell: Cell) -> None:
        """Count the model as running."""
        self._pace.start(cell)

    def step(self, cell: Cell, done: int, total: int) -> None:
        """Count how much of the model is done."""
        self._pace.move(cell, done / total)

    def finished(self, cell: Cell, run: Run) -> None:
        """Print the model's scores, and what there is still to do."""
        self._pace.finish(cell)
        line = f"[{self._pace.finished}/{self._total}] {cell}: {_result(run)}"
        say("; ".join(filter(None, [line, self._pace.counts])))

    def noted(self, sentence: str) -> None:
        """Print the sentence."""
        say(sentence)


class LiveTable(Watcher):
    """A table that fills in row by row, over a bar with the time still needed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[counts]}"),
        )
        self._progress = Progress(*columns, console=console)
        self._live = Live(self._progress, console=console, transient=True)
        self._task: TaskID | None = None
        self._table = GrowingTable([])
        self._pace = Pace([])
        self._total = 0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        """Print the estimate and show an empty bar."""
        self._console.print(_plan(cells, seconds), highlight=False)
        self._table = GrowingTable(cells)
        self._pace = Pace(cells)
        self._total = len(cells)
        self._task = self._progress.add_task("", total=self._pace.total, counts="")
        self._update()

    def started(self, cell: Cell) -> None:
        """Show the name of the model."""
        self._pace.start(cell)
        self._update()

    def step(self, cell: Cell, done: int, total: int) -> None:
        """Move the bar within the model."""
        self._pace.move(cell, done / total)
        self._update()

    def finished(self, cell: Cell, run: Run) -> None:
        """Show the model's row."""
        self._table.add(cell, run)
        self._pace.finish(cell)
        self._update()
        self._live.update(Group(self._table.table().to_rich(notes=False), self._progress))

    def noted(self, sentence: str) -> None:
        """Print the sentence above the table."""
        self._console.print(sentence, highlight=False)

    def _update(self) -> None:
        if self._task is None:
            return
        running = self._pace.running
        others = f" and {len(running) - 1} more" if len(running) > 1 else ""
        name = f" {running[0]}{others}" if running else ""
        self._progress.update(
            self._task,
            description=f"{self._pace.finished} of {self._total} done{':' if name else ''}{name}",
            completed=self._pace.done,
            counts=self._pace.counts,
        )


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
