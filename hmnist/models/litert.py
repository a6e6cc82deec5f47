"""`LiteNetworks`: the networks of a saved model, run without TensorFlow.

LiteRT (formerly TensorFlow Lite) loads in a few hundredths of a second, TensorFlow in several
seconds. On many images TensorFlow is faster, so that this is the way for up to `FEW` images.

The file is the function of `hmnist.models.compiled`, written beside the weights when a model is
saved. A library in C++ reads it, which a file that someone else has made could crash. So the file
of a model counts only if this user has written it (`hmnist.models.signature`); otherwise the model
is predicted by its weights, which are checked. Exports have no weights beside the file, and run in
a process of their own (`hmnist.results.exports.isolated`).
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32
from hmnist.hardware import available_cores, named_threads
from hmnist.models.signature import is_signed, sign
from hmnist.models.stderr import without_stderr

LITERT_FILE = "networks.tflite"
SIGNATURE_FILE = "networks.sha256"

FEW = 1000
"""Images. TensorFlow takes five seconds of a processor to load and to begin; then it saves 0.5 to 2
milliseconds per image of the convolutional network. So it is worth its start from some thousands of
images on, and a process that has it already loses little below."""

LARGEST = 10_000_000
"""Weights. Larger networks have no file: it would take up to 20 s to make, and as much space on the
disk as the weights themselves."""

_BATCH = 8  # images per call; larger batches are not faster


class LiteNetworks:
    """The networks of a saved model; see `hmnist.models.compiled.CompiledNetworks`.

    Parameters
    ----------
    path : pathlib.Path
        The file: `LITERT_FILE` in the folder of a model, or the graph of an export.

    Attributes
    ----------
    input_shape : tuple of int
        The shape of one input.
    patient_columns : int
        The columns of patient data that they read; 0 if they have no input for them.

    Raises
    ------
    ValueError
        If it is not such a file.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(str(path), num_threads=named_threads() or available_cores())
        self._prepared = 0  # the length of the batches that have their memory
        # By name: their order is not promised. The names begin with inputs or images, and patients.
        source, *others = sorted(
            self._interpreter.get_input_details(), key=lambda details: details["name"]
        )
        [result] = self._interpreter.get_output_details()
        self._sources = [(details["index"], details["dtype"]) for details in (source, *others)]
        self._result = result["index"]
        self.input_shape = tuple(source["shape_signature"][1:].tolist())
        self.patient_columns = sum(int(details["shape_signature"][1]) for details in others)

    def __call__(self, inputs: npt.NDArray[Any], patients: Float32 | None = None) -> Float32:
        """Return what the graph computes, logits or probabilities: float32, shape (n, classes).

        Inputs and patient data get the types that the graph has: float32, or uint8 for pixels.
        """
        arrays = [inputs] if patients is None else [inputs, patients]
        starts = range(0, len(inputs), _BATCH)
        batches = ([array[start : start + _BATCH] for array in arrays] for start in starts)
        return np.concatenate([self._call(batch) for batch in batches])

    def _call(self, batch: list[npt.NDArray[Any]]) -> Float32:
        interpreter = self._interpreter
        given = list(zip(self._sources, batch, strict=True))
        if len(batch[0]) != self._prepared:
            with without_stderr():  # it reports that it uses the processor
                for (source, _), array in given:
                    interpreter.resize_tensor_input(source, array.shape)
                interpreter.allocate_tensors()
            self._prepared = len(batch[0])
        for (source, dtype), array in given:
            interpreter.set_tensor(source, np.ascontiguousarray(array, dtype=dtype))
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(self._result))


def write_litert(folder: Path, content: bytes) -> None:
    """Write the file into the folder of a model, and that this user has written it."""
    (folder / LITERT_FILE).write_bytes(content)
    sign(folder / LITERT_FILE, folder / SIGNATURE_FILE)


def find_litert(folder: Path) -> Path | None:
    """Return the file in the folder of a model, None without LiteRT.

    None, too, if the file is missing, or if one in the folder or below it is somebody else's.
    """
    if importlib.util.find_spec("ai_edge_litert") is None:
        return None
    paths = list(folder.rglob(LITERT_FILE))
    if not all(is_signed(path, path.with_name(SIGNATURE_FILE)) for path in paths):
        return None
    return folder / LITERT_FILE if folder / LITERT_FILE in paths else None
