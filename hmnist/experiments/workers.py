"""`open_workers`: this machine or a cluster, as the user asks."""

import contextlib
from collections.abc import Iterator

from hmnist.experiments.cells import Workers
from hmnist.experiments.processes import Processes, share_cores
from hmnist.hardware import available_cores


@contextlib.contextmanager
def open_workers(jobs: int | None, threads: int | None) -> Iterator[Workers]:
    """Yield what trains cells, until the block ends.

    Parameters
    ----------
    jobs : int or None
        How many cells run side by side on this machine; None takes two if there are cores for
        them.
    threads : int or None
        Threads per cell; None shares the cores among the jobs.

    Raises
    ------
    UsageError
        If a number is below 1.
    """
    yield Processes(*share_cores(jobs, threads, available_cores()))
