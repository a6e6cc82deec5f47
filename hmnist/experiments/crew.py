"""`Crew`: the workers of a Dask cluster that take part, and what each of them does.

Each worker process gets one cell at a time: paths and digests, no images. A worker that does not
see the stored data receives them once; one that does not see the folder of the runs sends its runs
back. The cell of a lost worker runs again on another.
"""

import contextlib
import queue
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from hmnist.errors import TrustError, UsageError, WorkError
from hmnist.experiments.cells import Cell, Watcher, noting
from hmnist.experiments.processes import ProcessLostError
from hmnist.experiments.remote import keep, look, receive, train_remotely
from hmnist.experiments.stored import StoredData
from hmnist.experiments.work import make_work
from hmnist.files import write_folder
from hmnist.runs.run import Run, open_run

if TYPE_CHECKING:
    from distributed import Client, Future

WORKER_SECONDS = 30
"""How long a cluster may have no worker: one that is restarted needs a few seconds."""

CHECK_SECONDS = 1
"""How often the scheduler is asked which workers there are."""

FETCH_SECONDS = 60
"""How long the files of a run may take to arrive."""

LOSSES = 3
"""How many workers may be lost with one cell before it is taken for the cause."""

PIECE = 2**26
"""Bytes of a stored data set that are sent at once: 64 MB."""

_RESUME = (
    "Finished models are kept: run the same command again with --out and the folder of the runs."
)


@dataclass(frozen=True)
class _Running:
    """A cell on a worker."""

    cell: Cell
    future: "Future[Any]"
    sees_runs: bool


class Crew:
    """The workers that take part, and what each of them does."""

    def __init__(self, client: "Client", data: StoredData, token: Path, watcher: Watcher) -> None:
        self.client = client
        self.data = data
        self._token = token
        self._watcher = watcher
        self._waiting: deque[Cell] = deque()
        self._running: dict[str, _Running] = {}
        self._sees_runs: dict[str, bool] = {}  # of each worker that takes part
        self._refused: set[str] = set()
        self._losses: Counter[Path] = Counter()
        self._checked, self._manned = -float("inf"), monotonic()
        # Steps are triples, notes pairs; a future stands for the end of a cell.
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.topic = f"hmnist-{uuid.uuid4().hex}"
        client.subscribe_topic(self.topic, lambda event: self._events.put(event[1]))

    def train(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Run]]:
        """Yield each cell with its run as it is finished."""
        self._waiting.extend(cells)
        while self._waiting or self._running:
            if monotonic() - self._checked >= CHECK_SECONDS:
                self._check_workers()
                self._checked = monotonic()
            for address in self._sees_runs.keys() - self._running.keys():
                if self._waiting:
                    self._begin(address, self._waiting.popleft())
            try:
                event = self._events.get(timeout=CHECK_SECONDS)
            except queue.Empty:
                continue
            for address, running in list(self._running.items()):
                if isinstance(event, list | tuple) and event[0] == running.cell.folder.name:
                    self._tell(running.cell, *event[1:])
                elif event is running.future:
                    del self._running[address]
                    if self._fetch(address, running):
                        yield running.cell, open_run(running.cell.folder)

    @property
    def addresses(self) -> list[str]:
        """The workers that take part."""
        return list(self._sees_runs)

    def assemble(self) -> None:
        """Let all workers that there are take part, for work that all of them share."""
        self._welcome(sorted(self.present()))

    def submit(self, address: str, function: Any, *arguments: Any) -> "Future[Any]":
        """Let a worker call a function, with the topic of its steps as the last argument."""
        key = f"share-{uuid.uuid4().hex}"
        return self.client.submit(
            function, *arguments, self.topic, workers=[address], key=key, pure=False
        )

    def steps(self) -> Iterator[Any]:
        """Yield the steps that arrive within `CHECK_SECONDS`: a name, how many, of how many."""
        with contextlib.suppress(queue.Empty):
            yield self._events.get(timeout=CHECK_SECONDS)
            while True:
                yield self._events.get_nowait()

    def present(self) -> set[str]:
        """Return the addresses of all workers of the scheduler; WorkError if it is gone."""
        try:
            return set(self.client.nthreads())
        except (OSError, RuntimeError) as error:
            raise WorkError("The Dask scheduler does not answer any more.", _RESUME) from error

    def leave(self) -> None:
        """Take back what no worker has begun."""
        self.client.unsubscribe_topic(self.topic)
        self.client.cancel([running.future for running in self._running.values()])

    def _begin(self, address: str, cell: Cell) -> None:
        sees_runs = self._sees_runs[address]
        future = self.client.submit(
            train_remotely,
            make_work(cell, self.data, side_by_side=True),
            self.topic,
            sees_runs=sees_runs,
            workers=[address],
            key=f"{cell.folder.name}-{uuid.uuid4().hex}",
            pure=False,
        )
        self._running[address] = _Running(cell, future, sees_runs)
        self._watcher.started(cell)
        future.add_done_callback(self._events.put)

    def _tell(self, cell: Cell, *told: Any) -> None:
        if len(told) == 1:
            noting(cell, self._watcher)(told[0])
        else:
            self._watcher.step(cell, *told)

    def _fetch(self, address: str, running: _Running) -> bool:
        """Return whether the run of a cell is there; raise the error of a cell that failed."""
        from distributed import KilledWorker

        cell, future = running.cell, running.future
        if future.status == "error":
            error = future.exception()
            # A process is ended for the memory that it needs; the worker that began it may stay.
            is_lost = isinstance(error, KilledWorker | ProcessLostError)
            if isinstance(error, Exception) and not is_lost:
                raise error
        elif future.status == "finished":
            if running.sees_runs:
                return True
            # The worker that has the files may be lost before they are fetched.
            with contextlib.suppress(OSError):  # TimeoutError is one
                files = future.result(timeout=FETCH_SECONDS)
                _write_run(cell.folder, files)
                return True
        self._lose(address, cell)
        return False

    def _check_workers(self) -> None:
        """Find out which workers there are: new ones, and lost ones."""
        present = self.present()
        self._refused &= present
        self._sees_runs = {
            address: sees for address, sees in self._sees_runs.items() if address in present
        }
        for address in self._running.keys() - present:
            running = self._running.pop(address)
            self.client.cancel([running.future])
            self._lose(address, running.cell)
        if new := present - self._sees_runs.keys() - self._refused:
            self._welcome(sorted(new))
        if self._sees_runs:
            self._manned = monotonic()
        elif monotonic() - self._manned > WORKER_SECONDS:
            raise WorkError("No worker of the Dask cluster is left.", _RESUME)

    def _lose(self, address: str, cell: Cell) -> None:
        """Put a cell back whose worker is lost, or its process."""
        self._losses[cell.folder] += 1
        if self._losses[cell.folder] >= LOSSES:
            raise WorkError(
                f"{cell} was lost {LOSSES} times in training, perhaps because memory was short.",
                _RESUME,
            )
        self._watcher.noted(f"The training on {address} was lost. It begins again: {cell}.")
        self._waiting.appendleft(cell)

    def _welcome(self, new: list[str]) -> None:
        """Let new workers take part, if they have this version; send them the data if need be."""
        fit = self._refuse_other_versions(new)
        if not fit:
            return
        looked = self._answers(look, self.data, self._token, workers=fit)
        if blind := [address for address, (has_data, _) in looked.items() if not has_data]:
            self._send_data(blind)
        self._sees_runs |= {address: sees_runs for address, (_, sees_runs) in looked.items()}

    def _refuse_other_versions(self, new: list[str]) -> list[str]:
        """Return the workers that have this version of the package; say which have another."""
        from hmnist import __version__

        versions = self._answers(_version_teller(), workers=new)
        refused = {address: found for address, found in versions.items() if found != __version__}
        for address, found in refused.items():
            sentence = (
                f"The worker {address} has {f'hmnist {found}' if found else 'no hmnist'}, and "
                f"takes no part: this is hmnist {__version__}."
            )
            if len(refused) == len(new) and not self._sees_runs:
                raise UsageError(sentence, "Install the same version on all machines.")
            self._watcher.noted(sentence)
        self._refused |= refused.keys()
        return [address for address in versions if address not in refused]

    def _send_data(self, workers: list[str]) -> None:
        """Send the stored data to workers that do not see them, piece by piece."""
        transfer = uuid.uuid4().hex
        for path in sorted(self.data.folder.iterdir()):
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    self._answers(receive, self.data, transfer, path.name, piece, workers=workers)
        for address, kept in self._answers(keep, self.data, transfer, workers=workers).items():
            if not kept:
                raise TrustError(
                    f"The data that the worker {address} received are damaged.",
                    f"Delete {self.data.folder}; it is made again.",
                )

    def _answers(self, function: Any, *arguments: Any, workers: list[str]) -> dict[str, Any]:
        """Return what workers answer; those that are lost meanwhile are left out.

        They come back as new ones, or not at all.
        """
        answers = self.client.run(function, *arguments, workers=workers, on_error="return")
        for answer in answers.values():
            if isinstance(answer, Exception) and not isinstance(answer, OSError):
                raise answer
        return {
            address: answer
            for address, answer in answers.items()
            if not isinstance(answer, Exception)
        }


def _version_teller() -> Any:
    """Return a function that a worker without this package understands as well."""

    # A function inside a function is sent with its code, all others by their module and name.
    def tell() -> str | None:
        try:
            from hmnist import __version__
        except ImportError:
            return None
        return __version__

    return tell


def _write_run(folder: Path, files: dict[str, bytes]) -> None:
    with write_folder(folder) as temporary:
        for name, content in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_bytes(content)
