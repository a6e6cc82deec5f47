"""Cores, threads and devices: what of the machine can change the last bits of a result.

The number of threads is recorded with every run. With more threads, sums are added in another
order, so weights differ in their last bits. With equal threads, the same work gives equal bits.
"""

import contextlib
import ctypes
import importlib.util
import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

from hmnist.errors import UsageError, WorkError

DEVICES = ("auto", "cpu", "gpu")

_chosen = {"device": "cpu"}

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
    # Threads that wait for others keep their core busy for a while. If it is long, xgboost takes
    # several times as long beside other work. Without any, it takes a fifth longer alone.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    # numpy's own pool was made when numpy was loaded and heeds the environment no more.
    threadpool_limits(threads)


def limit_scipy_blas() -> contextlib.AbstractContextManager[Any]:
    """Return a context in which scipy's own linear algebra uses one thread, and numpy's all.

    The wheels of numpy and scipy contain a library each, whose threads keep a core busy while they
    wait: where their calls alternate, they slow each other to a third. Where both packages share
    one library, nothing is changed.
    """
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController()
    folders = {
        library.filepath: Path(library.filepath).parent for library in controller.lib_controllers
    }
    of_scipy = [
        path
        for path, folder in folders.items()
        # As wheels are laid out on Linux and Windows, and on macOS.
        if folder.name == "scipy.libs" or folder.parent.name == "scipy"
    ]
    limits: contextlib.AbstractContextManager[Any] = controller.select(filepath=of_scipy).limit(
        limits=1
    )
    return limits


def named_threads() -> int:
    """Return the number in ``OMP_NUM_THREADS``, which `use_threads` sets, 0 if it names none."""
    # A user may have set the variable to something else that OpenMP understands, as "4,2".
    named = os.environ.get(_VARIABLES[0], "")
    return int(named) if named.isdecimal() else 0


def usable_threads() -> int:
    """Return the threads for work of our own: all cores, or those that are named if fewer."""
    cores = available_cores()
    return min(cores, named_threads() or cores)


def configure_tensorflow() -> None:
    """Give TensorFlow the device and the threads that `use_device` and `use_threads` named.

    Raises WorkError if it already runs with another number of threads or on another device, since
    it cannot change once it has begun; or if it finds no GPU that it shall use.
    """
    import tensorflow as tf

    _choose_gpus(tf)
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


def _choose_gpus(tf: Any) -> None:
    """Show TensorFlow all GPUs, or none of them."""
    gpus = tf.config.list_physical_devices("GPU") if chosen_device() == "gpu" else []
    if chosen_device() == "gpu" and not gpus:
        name = find_gpu()  # None on the worker of a cluster that was chosen elsewhere
        raise WorkError(
            f"TensorFlow finds no GPU{'' if name is None else f', although there is one: {name}'}.",
            'Train with --device cpu (device="cpu"), or update the driver of the GPU.',
        )
    if tf.config.get_visible_devices("GPU") == gpus:
        return
    try:
        tf.config.set_visible_devices(gpus, "GPU")
    except RuntimeError as error:
        running, name = ("the processor", "cpu") if gpus else ("a GPU", "gpu")
        raise WorkError(
            f"TensorFlow already runs on {running} in this process.",
            "Choose the device before the first network is made, start a new process, or stay with "
            f'device="{name}".',
        ) from error


@cache
def find_gpu() -> str | None:
    """Return the name of the first NVIDIA GPU that the driver offers this process, None without."""
    name = ctypes.create_string_buffer(256)
    count, gpu = ctypes.c_int(0), ctypes.c_int(0)
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
            return None
        driver.cuDeviceGet(ctypes.byref(gpu), 0)
        driver.cuDeviceGetName(name, len(name), gpu)
    except (OSError, AttributeError):
        return None
    return name.value.decode(errors="replace")


def choose_device(wanted: str) -> tuple[str, str]:
    """Return ``cpu`` or ``gpu``, and a sentence that says why.

    `wanted` is one of `DEVICES`. ``auto`` takes a GPU if there is one and TensorFlow can use it.
    Raises UsageError if a GPU is wanted and cannot be used.
    """
    if wanted == "cpu":
        return "cpu", "The processor, as asked."
    name = find_gpu()
    if name is None:
        reason, hint = "there is no NVIDIA GPU.", "Leave out --device gpu."
    elif not _has_cudnn():
        reason = f"TensorFlow is installed without the libraries for {name}."
        hint = 'Install them: pip install "hmnist[cuda]"'
    else:
        return "gpu", f"{name}, as {'asked' if wanted == 'gpu' else 'there is one'}."
    if wanted == "gpu":
        raise UsageError(f"A GPU cannot be used: {reason}", hint)
    return "cpu", f"The processor: {reason}"


def _has_cudnn() -> bool:
    """Return whether TensorFlow's libraries for GPUs are installed."""
    try:
        return importlib.util.find_spec("nvidia.cudnn") is not None
    except ModuleNotFoundError:  # nothing of NVIDIA's is
        return False


def use_device(device: str) -> None:
    """Make networks and xgboost run on ``cpu`` or ``gpu`` from now on.

    TensorFlow is told when the next network is made (`configure_tensorflow`).
    """
    _chosen["device"] = device


def chosen_device() -> str:
    """Return what `use_device` named last: ``cpu`` or ``gpu``."""
    return _chosen["device"]


@cache
def processor_name() -> str:
    """Return the model of the processor, as the system calls it."""
    # Python's own answer is only the architecture on Linux.
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        names = [line.partition(":")[2] for line in text.splitlines() if line[:10] == "model name"]
        if names:
            return names[0].strip()
    return platform.processor() or platform.machine()
