"""Cores, threads and precision: settings of the machine that can change the last bits of a result.

The number of threads is recorded with every run. With more threads, sums are added in another
order, so weights differ in their last bits. With equal threads, the same work gives equal bits.
"""

import contextlib
import os
import platform
from functools import cache
from pathlib import Path

from hmnist.errors import UsageError, WorkError

_CPU_FLAGS = ("avx512_bf16", "amx_bf16")
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def available_cores() -> int:
    """Return the number of cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(threads: int) -> None:
    """Make every numerical library of this process use `threads` threads from now on.

    TensorFlow is told when the next network is trained (`configure_tensorflow`): models without
    one may use any number, whatever TensorFlow has begun with. Raises UsageError if it is not one
    thread at least.
    """
    from threadpoolctl import threadpool_limits

    if threads < 1:
        raise UsageError(f"The work cannot be done by {threads} threads.", "Name 1 or more.")
    for variable in _VARIABLES:
        os.environ[variable] = str(threads)
    # Threads that spin while they wait take the cores from other work, and several times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # numpy's own pool was made when numpy was loaded and heeds the environment no more.
    threadpool_limits(threads)


def named_threads() -> int:
    """Return the number in ``OMP_NUM_THREADS``, which `use_threads` sets, 0 if it names none."""
    # A user may have set the variable to something else that OpenMP understands, as "4,2".
    named = os.environ.get(_VARIABLES[0], "")
    return int(named) if named.isdecimal() else 0


def configure_tensorflow() -> None:
    """Give TensorFlow the threads that `use_threads` named, if it did.

    Raises WorkError if it already runs with another number; it cannot change once it has begun.
    """
    import tensorflow as tf

    threads = named_threads()
    threading = tf.config.threading
    running = threading.get_intra_op_parallelism_threads()
    if threads in {0, running}:
        return
    try:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:
        # It has begun with its default, 0: all cores.
        if (running or available_cores()) == threads:
            return
        raise WorkError(
            f"TensorFlow already runs in this process, and not with {threads} threads.",
            "Choose the threads before the first network is made, or start a new process.",
        ) from error


@cache
def training_precision() -> str:
    """Return the Keras policy to train convolutions with: ``mixed_bfloat16`` or ``float32``.

    ``mixed_bfloat16`` keeps the weights in float32 and multiplies in bfloat16. It trains half as
    fast again on processors with instructions for it, and many times slower on others. What was
    trained is used in float32 either way, so that a run predicts the same everywhere.
    """
    text = ""
    # Only Linux on x86-64 tells what the processor can do.
    if platform.machine() == "x86_64":
        with contextlib.suppress(OSError):
            text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    flags = {
        flag for line in text.splitlines() if line.startswith("flags") for flag in line.split()
    }
    return "float32" if flags.isdisjoint(_CPU_FLAGS) else "mixed_bfloat16"
