"""How much of a large file is read: a bar on a terminal."""

import contextlib
import time
from collections.abc import Callable, Iterator

PATIENCE = 1.0
"""Seconds after which the bar appears: most files are read before."""


@contextlib.contextmanager
def watch_reading(*, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yield what shows how many bytes of a file are done, on a terminal; else nothing."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    started = time.monotonic()
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task("Reading", total=None)

    def on_progress(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)
        if time.monotonic() - started > PATIENCE:
            progress.start()

    try:
        yield on_progress
    finally:
        progress.stop()
