"""`IsolatedNetworks`: exported networks in a process of their own.

An export is a graph that a library in C++ runs, and it may come from somebody else. LiteRT verifies
the structure of a file, and ONNX Runtime its graph; neither promises that a file made to harm
cannot crash it. In a process of its own, a crash is an error like any other.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.arrays import Array, Float32, Float64, Pixels, Shape
from hmnist.diagnoses import CODES
from hmnist.models.isolation import Isolated, serve
from hmnist.models.litert import LiteNetworks
from hmnist.models.saved_networks import SavedNetworks
from hmnist.patients import PATIENT_COLUMNS
from hmnist.results.exports.onnx import OnnxNetworks

START_SECONDS, IMAGE_SECONDS = 60, 2
"""How long an answer may take, beside the time for each image; the largest network needs a second.
"""

_ROWS = 1024  # images of one request


class IsolatedNetworks:
    """Exported networks, which predict in a process of their own.

    Parameters
    ----------
    kind : str
        ``litert`` or ``onnx`` for a whole graph, ``parts`` for networks and features.
    path : pathlib.Path
        The graph's file, or the folder of the parts.
    shape : tuple of int
        Height, width and channels of the images.
    """

    def __init__(self, kind: str, path: Path, shape: Shape) -> None:
        self._process = Isolated(__name__, kind, str(path), json.dumps(shape))

    def __call__(self, images: Pixels, patients: Float32 | None = None) -> Float64:
        """Return what the networks compute, probabilities or logits: float64, shape (n, 7).

        Raises
        ------
        IsolationError
            If they cannot be used.
        """
        starts = range(0, len(images), _ROWS)
        return np.concatenate(
            [
                self._ask(
                    images[start : start + _ROWS],
                    None if patients is None else patients[start : start + _ROWS],
                )
                for start in starts
            ]
        )

    def _ask(self, images: Pixels, patients: Float32 | None) -> Float64:
        request = np.ascontiguousarray(images).tobytes()
        if patients is not None:
            request += np.ascontiguousarray(patients, np.float32).tobytes()
        size = len(images) * len(CODES)
        seconds = START_SECONDS + IMAGE_SECONDS * len(images)
        # The number of images stands first; patient data follow them if there are any.
        count = np.int64(len(images)).tobytes()
        answer = self._process.ask(count + request, size * 8, seconds)
        return np.frombuffer(answer, np.float64).reshape(len(images), len(CODES))


def _load(kind: str, path: Path, shape: Shape) -> Callable[[Pixels, Float32 | None], Array]:
    if kind == "parts":
        return SavedNetworks(path, shape).logits
    graph: Any = LiteNetworks(path) if kind == "litert" else OnnxNetworks(path)
    return graph  # type: ignore[no-any-return] # either is such a function


def _serve(kind: str, path: Path, shape: Shape) -> None:
    networks: list[Callable[[Pixels, Float32 | None], Array]] = []

    def answer(request: bytes) -> bytes:
        if not networks:  # here, so that a file that cannot be loaded is an answer
            networks.append(_load(kind, path, shape))
        count = int(np.frombuffer(request, np.int64, 1)[0])
        end = 8 + count * int(np.prod(shape))
        images = np.frombuffer(request[8:end], np.uint8).reshape(count, *shape)
        patients = np.frombuffer(request[end:], np.float32).reshape(-1, len(PATIENT_COLUMNS))
        found = networks[0](images, patients if len(patients) else None)
        return np.ascontiguousarray(found, np.float64).tobytes()

    serve(answer)


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]), tuple(json.loads(sys.argv[3])))
