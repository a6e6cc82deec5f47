"""Which precision convolutions are trained in: float32, or bfloat16 where that is quicker.

bfloat16 keeps the weights in float32 and multiplies numbers of half the size. Processors with
instructions for it differ: some train half as fast again, some are slower than in float32. So
``auto`` measures both on this machine. float32 is the default, because scores then do not depend on
the kind of the processor. What was trained is used in float32 either way.
"""

import contextlib
import json
import statistics
import time
from typing import Any

from hmnist.errors import WorkError, unknown_name
from hmnist.files import cache_folder, write_file
from hmnist.hardware import (
    available_cores,
    find_gpu,
    named_threads,
    processor_name,
    use_device,
    use_threads,
)
from hmnist.models.keras_setup import load_keras

PRECISIONS = ("float32", "bfloat16", "auto")

QUICKER = 1.2
"""How many times as quick a product of matrices has to be in bfloat16: a training gains less."""

_SIDE = 1024
_PAIRS = 15  # of products in both precisions: about a second on two cores


def policy_of(precision: str) -> str:
    """Return the Keras policy of a precision; UsageError if there is no such precision.

    Examples
    --------
    >>> policy_of("bfloat16")
    'mixed_bfloat16'
    """
    policies = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
    if precision not in policies:
        raise unknown_name("precision", precision, policies)
    return policies[precision]


def choose_precision(device: str, threads: int | None = None) -> tuple[str, float]:
    """Return the precision that suits this machine, and how quick bfloat16 is against float32.

    That ratio of speeds is measured once, in about a second, and kept in the cache folder for this
    processor, version of TensorFlow and number of threads. The process uses the device, ``cpu`` or
    ``gpu``, and so many threads from now on; None for all cores.
    """
    import importlib.metadata

    use_threads(threads or available_cores())
    use_device(device)
    version = importlib.metadata.version("tensorflow")
    name = find_gpu() if device == "gpu" else processor_name()
    machine = f"{name}, {named_threads()} threads, TensorFlow {version}"
    path = cache_folder() / "precision.json"
    ratios: dict[str, float] = {}
    with contextlib.suppress(OSError, ValueError, TypeError):
        stored = json.loads(path.read_text(encoding="utf-8"))
        ratios = {str(name): float(ratio) for name, ratio in dict(stored).items()}
    if machine not in ratios:
        ratios[machine] = _measure()
        with contextlib.suppress(OSError, WorkError), write_file(path) as temporary:
            temporary.write_text(json.dumps(ratios, indent=1), encoding="utf-8")
    ratio = ratios[machine]
    return ("bfloat16" if ratio > QUICKER else "float32"), ratio


def _measure() -> float:
    """Return the speed of a product of matrices in bfloat16 as a multiple of that in float32."""
    load_keras()
    import tensorflow as tf

    square = tf.eye(_SIDE)
    pairs = [(_seconds(square), _seconds(tf.cast(square, tf.bfloat16))) for _ in range(1 + _PAIRS)]
    # The first pair is not counted: the libraries prepare themselves.
    return statistics.median(full / half for full, half in pairs[1:])


def _seconds(square: Any) -> float:
    import tensorflow as tf

    start = time.perf_counter()
    tf.linalg.matmul(square, square).numpy()
    return time.perf_counter() - start
