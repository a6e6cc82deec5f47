"""`open_workers`: this machine or a cluster, as the user asks."""

import contextlib
from collections.abc import Iterator

from hmnist.experiments.cells import Workers
from hmnist.experiments.cluster import connect
from hmnist.experiments.processes import Processes, share_cores
from hmnist.hardware import available_cores


@contextlib.contextmanager
def open_workers(
    jobs: int | None, threads: int | None, dask: str | None = None
) -> Iterator[Workers]:
    """Yield what trains cells, until the block ends.

    Parameters
    ----------
    jobs : int or None
        How many cells run side by side on this machine; None takes two if there are cores for
        them. A cluster runs as many as it has workers, whatever is given here.
    threads : int or None
        Threads per cell; None shares the cores among the jobs, or takes as many as the smallest
        worker of the cluster has.
    dask : str or None
        The address of the scheduler of a Dask cluster; None trains on this machine.

    Raises
    ------
    UsageError
        If a number is below 1, or there is no such cluster.
    WorkError
        If the cluster has no workers.
    """
    if dask is None:
        yield Processes(*share_cores(jobs, threads, available_cores()))
    else:
        with connect(dask, threads) as cluster:
            yield cluster
