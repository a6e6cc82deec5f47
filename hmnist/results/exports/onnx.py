"""`OnnxNetworks`: an exported graph, run by ONNX Runtime."""

import importlib.util
from pathlib import Path

import numpy as np

from hmnist.arrays import Array, Float32, Pixels
from hmnist.errors import UsageError
from hmnist.hardware import available_cores, named_threads

_BATCH = 64  # images per call, so that a network's memory does not grow with their number


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
        starts = range(0, len(images), _BATCH)
        batches = (
            {
                name: np.ascontiguousarray(array[start : start + _BATCH])
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
