"""`Processes`: cells on this machine, one by one or side by side in processes of their own."""

import contextlib
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import cloudpickle

from hmnist.errors import HmnistError, WorkError, check_counts
from hmnist.experiments.cells import Cell, Watcher, noting
from hmnist.experiments.stored import store_data
from hmnist.experiments.training import train_cell
from hmnist.experiments.work import Work, make_work
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run, open_run

NETWORKS_PER_PROCESS = 4
"""So many networks are trained before a process is renewed. TensorFlow keeps some memory of each,
whatever is deleted: 10 to 50 MB in 12 networks of one epoch on 400 images."""


class ProcessLostError(WorkError):
    """A process that trained a cell has ended, for no reason of the cell's own."""


class Processes:
    """The processes of this machine that train cells; see `Workers`.

    With one job, cells are trained in this process, unless there are so many networks that it has
    to be renewed.
    """

    def __init__(self, jobs: int, threads: int) -> None:
        self.jobs = jobs
        self.threads = threads

    def train(self, cells: Sequence[Cell], watcher: Watcher) -> Iterator[tuple[Cell, Run]]:
        """Yield each cell with its run as it is finished.

        Raises
        ------
        WorkError
            If a process is ended from outside.
        """
        if (
            self.jobs == 1
            and sum(_is_network(cell.recipe) for cell in cells) <= NETWORKS_PER_PROCESS
        ):
            yield from _train_here(cells, watcher)
            return
        processes = [CellProcess() for _ in range(min(self.jobs, len(cells)))]
        try:
            yield from _train_in(processes, cells, watcher)
        finally:
            for process in processes:
                process.end()


def share_cores(jobs: int | None, threads: int | None, cores: int) -> tuple[int, int]:
    """Return jobs and threads per job: two jobs are quicker than two threads for one.

    Examples
    --------
    >>> share_cores(None, None, cores=8)
    (2, 4)
    """
    check_counts(jobs=jobs, threads=threads)
    jobs = jobs or max(1, min(2, cores // (threads or 1)))
    return jobs, threads or max(1, cores // jobs)


def _train_here(cells: Sequence[Cell], watcher: Watcher) -> Iterator[tuple[Cell, Run]]:
    for cell in cells:
        watcher.started(cell)

        def on_step(done: float, total: float, cell: Cell = cell) -> None:
            watcher.step(cell, done, total)

        on_note = noting(cell, watcher)
        yield cell, train_cell(cell.split, cell.recipe, cell.folder, on_step, on_note)


def _train_in(
    processes: Sequence["CellProcess"], cells: Sequence[Cell], watcher: Watcher
) -> Iterator[tuple[Cell, Run]]:
    from multiprocessing.connection import wait

    data = store_data(cells[0].split.data)
    waiting, free = deque(cells), list(processes)
    running: dict[Any, tuple[CellProcess, Cell]] = {}
    while waiting or running:
        while waiting and free:
            process, cell = free.pop(0), waiting.popleft()
            watcher.started(cell)
            process.begin(make_work(cell, data, side_by_side=len(processes) > 1))
            running[process.connection] = process, cell
        for connection in wait(list(running)):
            process, cell = running[connection]
            told = process.receive()
            if isinstance(told, str):
                noting(cell, watcher)(told)
                continue
            if told is not None:
                watcher.step(cell, *told)
                continue
            del running[connection]
            free.append(process)
            yield cell, open_run(cell.folder)


class CellProcess:
    """A process that trains one cell at a time.

    It is a fresh one after some networks, and for another number of threads, which TensorFlow
    cannot change.
    """

    def __init__(self) -> None:
        self._process: Any = None
        self._threads: int | None = None
        self._networks = 0

    def begin(self, work: Work) -> None:
        """Begin with a cell."""
        network, threads = _is_network(work.recipe), work.recipe.threads
        spent = self._networks + network > NETWORKS_PER_PROCESS or self._threads != threads
        if self._process is None or spent or not self._process.is_alive():
            self.end()
            self._start()
            self._threads, self._networks = threads, 0
        self._networks += network
        # A sampler may be of a class that only this process knows, as one of a notebook.
        self.connection.send_bytes(cloudpickle.dumps(work))

    def receive(self) -> tuple[float, float] | str | None:
        """Return the next step or note of the cell, None if it is finished; raise its error.

        That is a ProcessLostError if the process has ended.
        """
        try:
            answer: Any = self.connection.recv()
        except (EOFError, OSError) as error:
            self.end()
            raise ProcessLostError(
                "A process was ended from outside, perhaps because memory was short.",
                "Finished models are kept: run the same command again with --out and the folder of "
                "the runs; --jobs 1 needs the least memory.",
            ) from error
        if isinstance(answer, Exception):
            raise answer
        return answer if answer is None or isinstance(answer, str) else (answer[0], answer[1])

    def end(self) -> None:
        """End the process, whatever it does: a run folder is complete or not there."""
        if self._process is not None:
            self._process.terminate()
            self._process.join()
            self.connection.close()
            self._life.close()
            self._process = None

    def _start(self) -> None:
        from joblib.externals.loky.backend import get_context

        # loky starts fresh processes, which do not run the script of the user again. Forking after
        # TensorFlow has begun would hang.
        context = get_context("loky")
        self.connection, theirs = context.Pipe()
        # Nothing is ever sent here: the pipe ends when this process does, whatever ends it.
        life, self._life = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve, args=(theirs, life), daemon=True)
        self._process.start()
        theirs.close()
        life.close()


def _serve(connection: Any, life: Any) -> None:
    """Train what the connection sends; answer with steps and notes, then with None or an error.

    The process ends when the pipe `life` does.
    """
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()
    # Ctrl-C reaches every process of a terminal; the one that serves the user ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            sent = connection.recv_bytes()
        except EOFError:
            return
        try:
            work: Work = pickle.loads(sent)  # noqa: S301 - from the process that started this one
            work.do(lambda *step: connection.send(step), connection.send)
        except HmnistError as error:
            connection.send(error)
        except Exception as error:  # noqa: BLE001 - it is raised again where the user sees it
            # Not every exception survives a pickle, and a traceback does not.
            text = "".join(traceback.format_exception(error))
            connection.send(RuntimeError(f"A training failed in its process:\n{text}"))
        else:
            connection.send(None)


def _end_with(life: Any) -> None:
    """End this process at once when the one that started it is gone."""
    with contextlib.suppress(EOFError, OSError):
        life.recv()
    os._exit(1)


def _is_network(recipe: Recipe) -> bool:
    from hmnist.models.network_model import NetworkModel

    return isinstance(recipe.make(), NetworkModel)
