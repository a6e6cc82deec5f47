"""Arrays that may be larger than memory: beyond a size they lie in a file instead.

They are numpy arrays either way. A file of `empty_rows` has no name any more, so that its space is
free as soon as nobody uses the array, whatever ends the process.
"""

import math
import mmap
import os
import tempfile
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Array, Indices
from hmnist.files import cache_folder

LARGE = 2**29
"""Bytes from which an array lies in a file: half a gigabyte."""

CHUNK = 2**26
"""Bytes that are read or computed at once where an array is large."""

T = TypeVar("T", bound=np.generic)


def empty_rows(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a new array whose values are to be set; in a file if it is `LARGE`.

    The file lies in the cache folder. Raises OSError if the disk has no space for it.

    Examples
    --------
    >>> empty_rows((2, 3), np.uint8).shape
    (2, 3)
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < LARGE:
        return np.empty(shape, dtype)
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.truncate(size)
        reserve(file.fileno(), size)
        pages = mmap.mmap(file.fileno(), size)
    return np.frombuffer(pages, dtype).reshape(shape)


def reserve(file: int, size: int) -> None:
    """Give an open file the space for so many bytes; OSError if the disk has too little.

    Without, the process would end at its first write to a page of a full disk, without an error.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)


def take_rows(values: npt.NDArray[T], rows: Indices) -> npt.NDArray[T]:
    """Return a copy of some rows of an array, in that order; in a file if it is `LARGE`.

    Examples
    --------
    >>> take_rows(np.array([[1], [2], [3]]), np.array([2, 0])).tolist()
    [[3], [1]]
    """
    taken = empty_rows((len(rows), *values.shape[1:]), values.dtype)
    for part in chunks_of(taken):
        np.take(values, rows[part], axis=0, out=taken[part])
        release(values)
        release(taken)
    return taken


def chunks_of(values: Array) -> Iterator[slice]:
    """Yield slices over the rows of an array, each of at most `CHUNK` bytes or one row.

    Examples
    --------
    >>> list(chunks_of(np.zeros((3, 2))))
    [slice(0, 3, None)]
    """
    row_bytes = max(1, values.itemsize * math.prod(values.shape[1:]))
    rows = max(1, CHUNK // row_bytes)
    for start in range(0, len(values), rows):
        yield slice(start, min(start + rows, len(values)))


def release(values: Array) -> None:
    """Let the system drop what this process has read or written of an array that lies in a file.

    The values stay as they are, and are read from the file again when they are needed. So work on a
    large array needs as much memory as it uses at once. An array in memory is not changed, nor is
    one whose changes are in memory alone (``mmap_mode="c"``).
    """
    base: Any = values
    while isinstance(base, np.ndarray | memoryview):
        if isinstance(base, np.memmap) and base.mode == "c":
            return
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
