"""What a worker of a Dask cluster does: look for the data, receive them, train a cell."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import current_process
from pathlib import Path

from hmnist.errors import HmnistError, WorkError
from hmnist.experiments.processes import CellProcess
from hmnist.experiments.stored import StoredData, remove_oldest
from hmnist.experiments.work import Work
from hmnist.files import cache_folder, locked, make_parent

_TURN = threading.Lock()
"""One cell at a time, whatever the number of threads that Dask gives to a worker."""

_PROCESS = CellProcess()
"""Trains the cells of this worker. Other threads of a worker draw from Python's random generator,
from which Keras takes its seeds: in the worker itself, scores would differ from time to time."""


async def look(data: StoredData, token: Path) -> tuple[bool, bool]:
    """Return whether this worker has the data, and can write where the `token` lies.

    The token is a file that the user's process has put into the folder of the runs; it contains its
    own name.
    """
    # In a thread, since the worker has to answer the scheduler meanwhile.
    return await asyncio.to_thread(_has, data), await asyncio.to_thread(_sees, token)


def receive(data: StoredData, transfer: str, name: str, content: bytes) -> None:
    """Append to a file of a data set that is being sent; `transfer` is a name of the sending."""
    folder = _incoming(data, transfer)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("ab") as file:
            file.write(content)
    except OSError as error:
        raise WorkError(f"The data could not be written to {folder}: {error}.") from error


async def keep(data: StoredData, transfer: str) -> bool:
    """Move a data set that was sent into the cache; return whether it is the right one."""
    return await asyncio.to_thread(_keep, data, transfer)


def train_remotely(work: Work, topic: str, *, sees_runs: bool) -> dict[str, bytes] | None:
    """Train a cell; return the files of its run folder, None if the user's process sees them.

    Steps are events of the `topic`: the name of the run folder, and how many of how many are done.
    Notes are events, too: that name and a sentence.
    """
    from distributed import get_worker

    worker = get_worker()
    name = work.folder.name

    def tell(*told: float | str) -> None:
        worker.log_event(topic, [name, *told])

    with _TURN:
        if sees_runs:
            _train(work, tell)
            return None
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_folder()) as temporary:
            folder = Path(temporary) / name
            _train(replace(work, folder=folder), tell)
            paths = [path for path in folder.rglob("*") if path.is_file()]
            return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _train(work: Work, tell: Callable[..., None]) -> None:
    # Workers are daemons by Dask's default, and daemons may have no children. This one ends by
    # itself when its worker does.
    current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        _PROCESS.begin(work)
        while (told := _PROCESS.receive()) is not None:
            tell(*([told] if isinstance(told, str) else told))
    except BaseException:
        _PROCESS.end()
        raise


def _has(data: StoredData) -> bool:
    try:
        data.open()
    except HmnistError:
        return False
    return True


def _sees(token: Path) -> bool:
    try:
        if token.read_text(encoding="ascii") != token.name:
            return False
        make_parent(token)
    except (HmnistError, OSError):
        return False
    return True


def _incoming(data: StoredData, transfer: str) -> Path:
    # Workers on one machine may share a cache, and each of them receives.
    own = data.own_folder
    return own.with_name(f".{own.name}-{transfer}-{os.getpid()}")


def _keep(data: StoredData, transfer: str) -> bool:
    incoming = _incoming(data, transfer)
    with locked(data.own_folder.parent.with_suffix(".lock")):
        if not _has(data):  # a worker that shares the cache may have been quicker
            shutil.rmtree(data.own_folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                incoming.replace(data.own_folder)
            remove_oldest()
        shutil.rmtree(incoming, ignore_errors=True)
        return _has(data)
