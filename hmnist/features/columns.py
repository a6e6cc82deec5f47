"""`Columns`: values with the names of their columns, collected together."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from hmnist.arrays import Array, Float32, Images
from hmnist.features.steps import OnStep, ignore_steps
from hmnist.features.views import chunk_size
from hmnist.large_arrays import empty_rows, release


class Columns:
    """A table with a row per image that grows by groups of named columns.

    Examples
    --------
    >>> columns = Columns(rows=2)
    >>> columns.add(np.array([[1, 2], [3, 4]]), ["least", "most"])
    >>> columns.names, columns.table().shape
    (['least', 'most'], (2, 2))
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.names: list[str] = []
        self._groups: list[Float32] = []

    def add(self, values: Array, names: Iterable[str]) -> None:
        """Append values (rows, …) as columns; the axes after the first are flattened.

        Raises ValueError if the numbers of columns and names differ.
        """
        names = list(names)
        group = values.astype(np.float32, copy=False).reshape(self.rows, -1)
        if group.shape[1] != len(names):
            raise ValueError(f"{group.shape[1]} columns came with {len(names)} names.")
        self._groups.append(group)
        self.names += names

    def table(self) -> Float32:
        """Return all columns: float32, shape (rows, len(names))."""
        return np.concatenate(self._groups, axis=1)


def describe_in_chunks(
    images: Images,
    describe: Callable[[Array], Columns],
    columns: int,
    threads: int,
    on_step: OnStep = ignore_steps,
) -> Float32:
    """Return the table of many images, a few at a time: float32, shape (n, columns).

    A large result lies in a file (`hmnist.large_arrays`). The threads change no bit of it.
    `on_step` is told how many chunks are done.
    """
    table = empty_rows((len(images), columns), np.float32)
    size = chunk_size(*images.shape[1:3])

    def fill(start: int) -> None:
        part = slice(start, start + size)
        table[part] = describe(images[part]).table()
        release(images)
        release(table)

    starts = range(0, len(images), size)
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        for done, _ in enumerate(pool.map(fill, starts), start=1):
            on_step(done, len(starts))
    return table
