"""`OnnxNetworks`: an exported graph, run by ONNX Runtime."""

import importlib.util
import math
from pathlib import Path

import numpy as np

from hmnist.arrays import Array, Float32, Pixels
from hmnist.errors import UsageError
from hmnist.hardware import available_cores, named_threads

_PIXELS = 64 * 28 * 28 * 3  # numbers per call, so that a network's memory does not grow with them


class OnnxNetworks:
    """A graph from pixels to probabilities; ``pip install "hmnist[onnx]"`` runs it.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    UsageError
        If ONNX Runtime is not installed.
    """

    def __init__(self, path: Path) -> None:
        check_installed("onnxruntime")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = named_threads() or available_cores()
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, images: Pixels, patients: Float32 | None = None) -> Float32:
        """Return probabilities of images, and of their patients: float32, shape (n, 7)."""
        arrays: dict[str, Array] = {"images": images}
        if patients is not None:
            arrays["patients"] = patients
        size = max(1, _PIXELS // math.prod(images.shape[1:]))
        starts = range(0, len(images), size)
        batches = (
            {
                name: np.ascontiguousarray(array[start : start + size])
                for name, array in arrays.items()
            }
            for start in starts
        )
        return np.concatenate([self._session.run(None, batch)[0] for batch in batches])


def check_installed(*libraries: str) -> None:
    """Raise UsageError if one of the libraries for ONNX is not installed."""
    for name in libraries:
        if importlib.util.find_spec(name) is None:
            raise UsageError(f"{name} is not installed.", 'Type: pip install "hmnist[onnx]"')
