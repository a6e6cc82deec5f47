"""Results that several models need, computed once and kept in the cache folder.

Within `keep_results`, the first model computes the features of some images and later ones open
them, in this process or another. ``<cache folder>/features`` contains a folder for each result,
named by a digest of everything that fixes it. Its arrays are mapped into memory and checked by
their SHA-256. Folders may be deleted at any time. If anything goes wrong here, the result is
computed as if there were no store.
"""

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.arrays import Array
from hmnist.errors import WorkError
from hmnist.files import cache_folder, locked, write_folder
from hmnist.large_arrays import chunks_of, release, reserve

LIMIT = 4 * 10**9
"""Bytes of all results; beyond it, the oldest that nobody used lately are deleted."""

LATELY = 3600
"""Seconds in which something was used lately: the models of one table may need it again."""

_FACTS = "facts.json"


@dataclass
class Work:
    """The seconds of some work, as if nothing of it had been kept from before."""

    seconds: float = 0.0


_work: ContextVar[Work | None] = ContextVar("work", default=None)


@contextlib.contextmanager
def keep_results() -> Iterator[Work]:
    """Keep the results of `kept` in the block. Its seconds are known when the block ends.

    They include those that opened results took when they were computed.
    """
    work = Work()
    token = _work.set(work)
    start = time.perf_counter()
    try:
        yield work
    finally:
        work.seconds += time.perf_counter() - start
        _work.reset(token)


def add_seconds(seconds: float) -> None:
    """Count seconds of this work that passed elsewhere; fewer than none if it only waited."""
    if (work := _work.get()) is not None:
        work.seconds += seconds


def kept(
    facts: Callable[[], Mapping[str, Any]], compute: Callable[[], Mapping[str, Array]]
) -> Mapping[str, Array]:
    """Return ``compute()``, or its arrays from the store if they were computed before.

    ``facts()``, which can be written as JSON, fix the result together with the version of this
    package. Outside of `keep_results`, nothing is kept. Arrays from the store cannot be written to.
    """
    work = _work.get()
    if work is None:
        return compute()
    folder = cache_folder() / "features" / _key(facts())
    with contextlib.ExitStack() as stack:
        asked = time.perf_counter()
        with contextlib.suppress(OSError):
            # Another process may be computing the same result.
            stack.enter_context(locked(folder.with_suffix(".lock")))
        add_seconds(asked - time.perf_counter())  # waiting is not work
        if (found := _open(folder)) is not None:
            arrays, seconds = found
            add_seconds(seconds)
            return arrays
        start = time.perf_counter()
        computed = compute()
        seconds = time.perf_counter() - start
        with contextlib.suppress(OSError, WorkError):
            _write(folder, computed, seconds)
            _delete_oldest(folder.parent)
    return computed


def digest(values: Array) -> str:
    """Return the SHA-256 of an array's type, shape and values."""
    sha = hashlib.sha256(f"{values.dtype} {values.shape}".encode())
    for part in chunks_of(values):
        sha.update(np.ascontiguousarray(values[part]).data)
        release(values)
    return sha.hexdigest()


def _key(facts: Mapping[str, Any]) -> str:
    from hmnist import __version__

    text = json.dumps({**facts, "version": __version__}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _open(folder: Path) -> tuple[dict[str, Array], float] | None:
    """Return the arrays of a result and the seconds it took; None if it is missing or damaged."""
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="ascii"))
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in facts["digests"]
        }
        if any(digest(array) != facts["digests"][name] for name, array in arrays.items()):
            return None
        seconds = float(facts["seconds"])
        folder.touch()  # it was used now, and is not among the oldest
    except (OSError, EOFError, ValueError, TypeError, KeyError):
        return None
    return arrays, seconds


def _write(folder: Path, arrays: Mapping[str, Array], seconds: float) -> None:
    with write_folder(folder) as temporary:
        for name, array in arrays.items():
            path = temporary / f"{name}.npy"
            stored = np.lib.format.open_memmap(path, "w+", array.dtype, array.shape)
            with path.open("r+b") as file:
                reserve(file.fileno(), path.stat().st_size)
            for part in chunks_of(array):
                stored[part] = array[part]
                release(array)
                release(stored)
        digests = {name: digest(array) for name, array in arrays.items()}
        text = json.dumps({"seconds": seconds, "digests": digests})
        (temporary / _FACTS).write_text(text, encoding="ascii")


def _delete_oldest(parent: Path) -> None:
    used = {path: path.stat().st_mtime for path in parent.iterdir() if path.is_dir()}
    total = 0
    for folder in sorted(used, key=used.__getitem__, reverse=True):
        total += sum(path.stat().st_size for path in folder.iterdir())
        if total > LIMIT and used[folder] < time.time() - LATELY:
            shutil.rmtree(folder, ignore_errors=True)
