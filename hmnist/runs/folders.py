"""`run_folder`, `runs_folder`: where new runs go; `find_runs`: which lie in a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from hmnist.errors import DataMissingError, UsageError
from hmnist.files import expand_home, new_runs_folder
from hmnist.runs.manifest import MANIFEST


@contextlib.contextmanager
def runs_folder(named: str | Path | None, suffix: str = "") -> Iterator[Path]:
    """Yield a folder for several runs as `run_folder` does.

    Raises UsageError also for a run folder: the next training there would replace all that is in
    it.
    """
    with run_folder(named, suffix) as folder:
        if (folder / MANIFEST).is_file():
            raise UsageError(
                f"{folder} is the folder of a single run, and one for several runs is needed.",
                "Name another with --out.",
            )
        yield folder


@contextlib.contextmanager
def run_folder(named: str | Path | None, suffix: str = "") -> Iterator[Path]:
    """Yield the folder that the user names, or a new one of `new_runs_folder`.

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


def find_runs(folder: str | Path) -> list[Path]:
    """Return the run folders in `folder` and its sub-folders, sorted by name.

    Hidden folders and links are left out, and folders within runs.

    Raises
    ------
    DataMissingError
        If there is no such folder.
    UsageError
        If it is a file.
    """
    folder = expand_home(folder)
    if folder.is_file():
        raise UsageError(f"{folder} is a file; expected a folder with runs.")
    if not folder.is_dir():
        raise DataMissingError(f"There is no folder {folder}.", "See: hmnist runs list")
    found = []
    for above, folders, files in os.walk(folder):
        is_run = MANIFEST in files
        found += [Path(above)] if is_run else []
        folders[:] = [] if is_run else [name for name in folders if not name.startswith(".")]
    return sorted(found)
