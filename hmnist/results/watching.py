"""What shows the progress of a benchmark: `LiveTable` on a terminal or in a notebook, `Lines`."""

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hmnist.experiments.cells import Cell, Watcher, estimate_seconds
from hmnist.results.formatting import duration_text
from hmnist.results.growing_table import GrowingTable
from hmnist.results.pace import Pace
from hmnist.runs.run import Run

START_SECONDS = 5
"""What the libraries take to load."""

BAR = 30
"""The width of the bar, where there is room for it."""

SHOWN = 4
"""So many running models are named."""


@contextlib.contextmanager
def watch_quietly() -> Iterator[Watcher]:
    """Yield a watcher for Python: it shows the progress in a notebook, and nothing elsewhere."""
    console = Console()
    if not console.is_jupyter:
        yield Watcher()
    elif importlib.util.find_spec("ipywidgets") is None:  # rich needs it to change what it shows
        yield Lines()
    else:
        with LiveTable(console) as live:
            yield live


class Lines(Watcher):
    """One line per finished model."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        self._total = 0
        self._pace = Pace[Path]({}, 0)

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        """Print the estimate."""
        self._total = len(cells)
        self._pace = _pace_of(cells, seconds)
        self._console.print(_plan(cells, seconds))

    def started(self, cell: Cell) -> None:
        """Count the model as running."""
        self._pace.start(cell.folder)

    def step(self, cell: Cell, done: float, total: float) -> None:
        """Count how much of the model is done."""
        self._pace.move(cell.folder, done / total)

    def finished(self, cell: Cell, run: Run) -> None:
        """Print the model's scores, and what there is still to do."""
        pace = self._pace
        pace.finish(cell.folder)
        words = [f"{len(pace.running)} running"] if pace.running else []
        words += [f"{pace.waiting} to do"] if pace.waiting else []
        words += [f"about {duration_text(pace.left)} left"] if words else []
        line = f"[{pace.finished}/{self._total}] {cell}: {_result(run)}"
        self._console.print("; ".join(filter(None, [line, ", ".join(words)])))

    def noted(self, sentence: str) -> None:
        """Print the sentence."""
        self._console.print(sentence)


class LiveTable(Watcher):
    """What runs and the time left, over a table that fills in row by row.

    The table stays on the screen if the work is interrupted or fails.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._cells: dict[Path, Cell] = {}
        self._pace = Pace[Path]({}, 0)
        self._growing = GrowingTable([])
        self._table: RenderableType | None = None
        self._live = Live(console=console, transient=True, get_renderable=self._render)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._live.stop()
        if error is not None and self._table is not None:
            self._console.print(self._table)

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        """Print the estimate and show an empty bar."""
        self._console.print(_plan(cells, seconds), highlight=False)
        self._cells = {cell.folder: cell for cell in cells}
        self._growing = GrowingTable(cells)
        self._pace = _pace_of(cells, seconds)

    def started(self, cell: Cell) -> None:
        """Show the name of the model."""
        self._pace.start(cell.folder)

    def step(self, cell: Cell, done: float, total: float) -> None:
        """Show how much of the model is done."""
        self._pace.move(cell.folder, done / total)

    def finished(self, cell: Cell, run: Run) -> None:
        """Show the model's row."""
        self._growing.add(cell, run)
        self._pace.finish(cell.folder)
        self._table = self._growing.table().to_rich(notes=False)

    def noted(self, sentence: str) -> None:
        """Print the sentence above the table."""
        self._console.print(sentence, highlight=False)

    def _render(self) -> RenderableType:
        """Return what the screen shows now; a low screen cuts the table, not the time left."""
        if not self._cells:
            return Text()
        pace = self._pace
        count = f"{pace.finished} of {len(self._cells)} done"
        lines = [pace_line(count, pace)]
        for folder, part in list(pace.running.items())[:SHOWN]:
            lines.append(Text(f"{self._cells[folder]}: {part:.0%}", "dim"))
        if len(pace.running) > SHOWN:
            lines.append(Text(f"and {len(pace.running) - SHOWN} more", "dim"))
        return Group(*lines, *([] if self._table is None else [self._table]))


def _pace_of(cells: Sequence[Cell], seconds: float) -> Pace[Path]:
    # A second each, so that quick models count, too.
    pieces = {cell.folder: estimate_seconds(cell) + (not cell.folder.exists()) for cell in cells}
    kinds = {cell.folder: cell.recipe.model for cell in cells}
    return Pace(pieces, seconds + START_SECONDS, kinds)


def pace_line(count: str, pace: Pace[Any]) -> RenderableType:
    """Return a line with a bar, the time that has passed, and the time left."""
    if not (pace.running or pace.waiting):
        left = "finishing"
    else:
        left = f"about {_clock(pace.left)} left" if pace.left else "longer than expected"
    line = Table.grid(padding=(0, 1))
    for is_bar in (False, True, False):
        line.add_column(no_wrap=not is_bar, max_width=BAR if is_bar else None)
    bar = ProgressBar(total=1, completed=pace.part)
    line.add_row(count, bar, f"{_clock(pace.passed)} passed, {left}")
    return line


def _plan(cells: Sequence[Cell], seconds: float) -> str:
    models = f"{len(cells)} models" if len(cells) > 1 else "1 model"
    finished = sum(cell.folder.exists() for cell in cells)
    kept = f", {finished} of them finished before" if finished else ""
    return f"{models}{kept}: about {duration_text(seconds + START_SECONDS)} on two cores."


def _result(run: Run) -> str:
    scores = run.scores
    return (
        f"balanced accuracy {scores['balanced_accuracy']:.3f}, accuracy {scores['accuracy']:.3f}, "
        f"AUC {scores['roc_auc_ovr']:.3f}, fitted in {run.manifest.fit_seconds:.1f} s"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
