"""How many threads the numerical libraries use: a setting that is recorded, because it counts.

Sums are added in another order when there are more threads, so weights differ in their last bits.
At equal threads the same work gives the same bits.
"""

import os
import sys

from hmnist.errors import WorkError

__all__ = ["available_cores", "configure_tensorflow", "use_threads"]

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def available_cores() -> int:
    """Return the number of cores that this process may use.

    Examples
    --------
    >>> available_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(threads: int) -> None:
    """Make every numerical library of this process use `threads` threads from now on.

    Raises
    ------
    WorkError
        If TensorFlow already runs with another number; it cannot change once it has begun.
    """
    for variable in _VARIABLES:
        os.environ[variable] = str(threads)
    if "threadpoolctl" in sys.modules or "sklearn" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)
    if "tensorflow" in sys.modules:
        configure_tensorflow()


def configure_tensorflow() -> None:
    """Give TensorFlow the threads that `use_threads` named, if it did.

    Raises
    ------
    WorkError
        If it already runs with another number.
    """
    import tensorflow as tf

    if (named := os.environ.get(_VARIABLES[0])) is None:
        return
    threads = int(named)
    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() == threads:
        return
    try:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:
        raise WorkError(
            f"TensorFlow already runs in this process, and not with {threads} threads.",
            "Choose the threads before the first network is made, or start a new process.",
        ) from error
