"""`Cluster`: cells on the workers of a Dask cluster; `connect` finds it."""

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError, WorkError, check_counts
from hmnist.experiments.cells import Cell, Watcher
from hmnist.experiments.crew import WORKER_SECONDS, Crew
from hmnist.experiments.stored import store_data
from hmnist.files import working_folder
from hmnist.runs.run import Run

if TYPE_CHECKING:
    from distributed import Client

SCHEDULER_SECONDS = 10
"""How long the scheduler has to answer."""


@contextlib.contextmanager
def connect(address: str, threads: int | None) -> "Iterator[Cluster]":
    """Yield the cluster whose scheduler has this address, once it has a worker.

    `threads` are those of a cell; None takes as many as the smallest worker has.

    Raises
    ------
    UsageError
        If Dask is not installed, or there is no scheduler.
    WorkError
        If there is no worker.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("Dask is not installed.", 'Type: pip install "hmnist[dask]"') from error
    check_counts(threads=threads)
    _check_address(address)
    try:
        client = Client(address, timeout=SCHEDULER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"No Dask scheduler answers at {address}.",
            "Start one with: dask scheduler. It prints its address.",
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError as error:
            raise WorkError(
                f"The Dask scheduler at {address} has no workers.",
                f"Start some with: dask worker {address} --nthreads 1",
            ) from error
        yield Cluster(client, threads)


def _check_address(address: str) -> None:
    """Refuse what is not an address: Dask would look for a host of that name."""
    with contextlib.suppress(ValueError):  # a port that is not a number
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        if parts.hostname and parts.port:
            return
    raise UsageError(
        f"{address!r} is not an address of a Dask scheduler.",
        "Name one such as tcp://localhost:8786.",
    )


class Cluster:
    """The workers of a Dask cluster that train cells; see `Workers`."""

    def __init__(self, client: "Client", threads: int | None) -> None:
        threads_of = client.nthreads()
        self._client = client
        self.jobs = len(threads_of)
        self.threads = threads or min(threads_of.values())

    def train(self, cells: Sequence[Cell], watcher: Watcher) -> Iterator[tuple[Cell, Run]]:
        """Yield each cell with its run as it is finished.

        Raises
        ------
        WorkError
            If the scheduler or all workers are lost, or several workers with the same cell.
        UsageError
            If no worker has this version of hmnist.
        """
        token = cells[0].folder.absolute().parent / uuid.uuid4().hex
        with working_folder(token) as folder:
            token = folder / token.name
            token.write_text(token.name, encoding="ascii")
            try:
                with self.crew(cells[0].split.data, token, watcher) as crew:
                    yield from crew.train(cells)
            finally:
                token.unlink()

    @contextlib.contextmanager
    def crew(self, data: LesionDataset, token: Path, watcher: Watcher) -> Iterator[Crew]:
        """Yield the crew for work on a data set, which is stored for it.

        The `token` is a file in the folder of the runs, see `hmnist.experiments.remote.look`.
        """
        import dask

        # The rows of a large split are sent as they are.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TiB"}):
            crew = Crew(self._client, store_data(data), token, watcher)
            try:
                yield crew
            finally:
                crew.leave()
