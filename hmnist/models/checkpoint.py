"""`read_checkpoint`: the numbers of a PyTorch checkpoint, read without running its pickle.

A checkpoint of PyTorch before 1.6 is five pickles, one behind the other, and then the numbers. To
load a pickle is to run a program, so that nothing here loads one. `pickletools.genops` only names
the steps of that program. The strings among them tell all that is needed: the third pickle has the
name of each tensor, followed by the key of its numbers, and the fifth has the keys in the order of
the file. See ``torch.serialization._legacy_save``.
"""

import pickletools
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

_REPEATED = frozenset({"storage", "cpu"})
"""Strings that every tensor refers to, beside its name and its key."""


def read_checkpoint(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors of a checkpoint by name, in its order, each as a row of its numbers.

    Shapes are not read: a row has the order that the numbers have in the file. Tensors are float32,
    but for counters of batches (``num_batches_tracked``), which are int64. It raises a ValueError
    if the file ends early, or is not such a checkpoint.
    """
    with path.open("rb") as file:
        _magic, _version, _system, tensors, keys = (_read_strings(file) for _ in range(5))
        pairs = [text for text in tensors if text not in _REPEATED][: 2 * len(keys)]
        name_of = dict(zip(pairs[1::2], pairs[::2], strict=True))
        if name_of.keys() != set(keys):
            raise ValueError("its tensors are not those of its list of numbers")
        rows = {name_of[key]: _read_row(file, name_of[key]) for key in keys}
    return {name: rows[name] for name in name_of.values()}


def _read_strings(file: BinaryIO) -> list[str]:
    """Return the strings of the next pickle."""
    steps = pickletools.genops(file)
    return [str(argument) for step, argument, _ in steps if step.name == "BINUNICODE"]


def _read_row(file: BinaryIO, name: str) -> npt.NDArray[Any]:
    """Return the next row of numbers; their count stands before them."""
    kind = np.dtype("<i8" if name.endswith("num_batches_tracked") else "<f4")
    count = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(count * kind.itemsize), kind, count)
