"""The progress of commands on stderr: live on a terminal, lines elsewhere."""

import contextlib
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hmnist.cli.output import say
from hmnist.errors import WorkError
from hmnist.experiments.cells import Watcher
from hmnist.features.steps import OnStep
from hmnist.results.pace import Pace
from hmnist.results.watching import START_SECONDS, Lines, LiveTable, pace_line


@contextlib.contextmanager
def watch_cells(folder: Path, *, quiet: bool) -> Iterator[Watcher]:
    """Yield a watcher that suits stderr; print how to go on if the work is interrupted or fails."""
    console = Console(stderr=True)
    live = console.is_terminal and not quiet
    plain = contextlib.nullcontext(Watcher() if quiet else Lines())
    try:
        with LiveTable(console) if live else plain as watcher:
            yield watcher
    except KeyboardInterrupt:
        say(f"\nInterrupted. {_how_to_go_on(folder)}")
        raise typer.Exit(130) from None
    except WorkError:
        if folder.is_dir() and any(folder.iterdir()):
            say(_how_to_go_on(folder))
        raise


def _how_to_go_on(folder: Path) -> str:
    return (
        "Finished models are kept; to go on, run the same command with "
        f"--out {shlex.quote(str(folder))}"
    )


@contextlib.contextmanager
def watch_training(name: str, seconds: float, *, quiet: bool) -> Iterator[OnStep | None]:
    """Yield what shows how much of a single model is trained, on a terminal; else nothing.

    `seconds` are about those that the training takes.
    """
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    pace = Pace({name: 1 + seconds}, seconds + START_SECONDS)
    pace.start(name)

    def on_step(done: float, total: float) -> None:
        pace.move(name, done / total)

    def render() -> RenderableType:
        return pace_line(f"{name}: {pace.running[name]:.0%}", pace)

    with Live(console=console, transient=True, get_renderable=render):
        yield on_step


@contextlib.contextmanager
def watch_steps(name: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yield what counts files or images on a terminal, else nothing."""
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
