"""`runs_folder`: where new runs go."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from hmnist.errors import UsageError
from hmnist.files import expand_home, new_runs_folder


@contextlib.contextmanager
def runs_folder(named: str | Path | None, suffix: str = "") -> Iterator[Path]:
    """Yield the folder for runs that the user names, or a new one of `new_runs_folder`.

    If the block raises before anything is in the new one, it is removed.

    Raises
    ------
    UsageError
        If a file has the name.
    WorkError
        If no new folder can be made.
    """
    if named:
        folder = expand_home(named)
        if folder.is_file():
            raise UsageError(
                f"{folder} is a file, and a folder is needed.", "Name another with --out."
            )
        yield folder
        return
    folder = new_runs_folder(suffix)
    try:
        yield folder
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()
            folder.parent.rmdir()
        raise
