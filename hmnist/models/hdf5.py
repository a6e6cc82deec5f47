"""Whether an HDF5 file holds nothing but plain arrays, and how many Keras would look for.

HDF5 can do much more than hold numbers: a file may point to other files, unpack its arrays by
filters, and declare arrays that it does not contain. Nothing of that belongs into a file of
weights. The library in C that reads such files was not made for files that somebody has made to
harm, so that each is read in a process of its own before it is read at all.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.models.isolation import Isolated, IsolationError, serve

SECONDS = 120
"""How long the largest file may take to be read."""

LARGEST = 2**31
"""Bytes of all arrays: two gigabytes, several times the weights of the largest application."""


def count_weights(path: Path) -> int:
    """Return how many arrays of a file Keras would look for, or raise an `IsolationError`.

    It is an error, too, if the file contains anything but groups and plain arrays.
    """
    return int.from_bytes(Isolated(__name__, str(path)).ask(b"", 8, SECONDS), "little")


def _count(path: Path) -> int:
    import h5py  # type: ignore[import-untyped]  # a dependency of Keras

    with h5py.File(path) as file:
        return _visit(file, "", LARGEST)[0]


def _visit(group: Any, folder: str, room: int) -> tuple[int, int]:
    """Return the number of weights in a group, and how many bytes more there may be."""
    import h5py

    # Files of Keras' applications list their arrays; .weights.h5 files have them in vars.
    lists = [group.attrs[key] for key in group.attrs if key.startswith("weight_names")]
    found = sum(len(names) for names in lists)
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise IsolationError(f"{name[:50]} is a link")
        node = group[name]
        if isinstance(node, h5py.Group):
            more, room = _visit(node, name, room)
            found += more
        elif isinstance(node, h5py.Dataset):
            room -= _read(node, name)
            found += folder == "vars"
        if room < 0:
            raise IsolationError(f"its arrays have more than {LARGEST:,} bytes")
    return found, room


def _read(array: Any, name: str) -> int:
    """Read an array, and return its size in bytes."""
    layout = array.id.get_create_plist()
    is_plain = not (array.external or array.is_virtual or layout.get_nfilters())
    if not is_plain or array.id.get_storage_size() < array.nbytes:
        raise IsolationError(f"{name[:50]} is not a plain array")
    if array.dtype.kind in "iuf":
        np.asarray(array[()])
    return int(array.nbytes)


if __name__ == "__main__":
    serve(lambda _: _count(Path(sys.argv[1])).to_bytes(8, "little"))
