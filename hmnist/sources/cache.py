"""Parsed pixel files, kept by the content of the file they came from.

``<cache folder>/pixels`` holds two kinds of files that may be deleted at any time:

- ``<sha256 of the file>-1.pixels``: the pixels, one byte each, then the labels, one byte each, then
  the numbers of rows and pixels and a checksum over all before it;
- ``<hash of the path>.seen``: the size, times and inode of a file when it was last hashed, and the
  hash. A file that still has all of these is not hashed again.

Nothing that goes wrong here reaches the reader: without a cache, files are parsed.
"""

import contextlib
import hashlib
import json
import os
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from hmnist.errors import WorkError
from hmnist.files import cache_folder, hash_file, write_file

__all__ = ["Table", "remembered"]

Table: TypeAlias = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Pixels, uint8 of shape (n, h·w·c), and labels, int64 of shape (n,)."""

_WORTHWHILE = 4_000_000  # bytes; a smaller file is parsed in about 10 ms

_KEPT = 8  # entries; the oldest is dropped, so that the cache does not grow without end

_SETTLED = 2 * 10**9
"""Nanoseconds after which a change of the file is sure to show in its times."""

_TRAILER = struct.Struct("<QQI")


def remembered(path: Path, parse: Callable[[Path], Table]) -> Table:
    """Return what `parse` makes of a file, from the cache if the same content was parsed before.

    Parameters
    ----------
    path : pathlib.Path
        The file; it need not exist: then `parse` says so.
    parse : callable
        Reads the file. What it raises is passed on.

    Returns
    -------
    pixels : numpy.ndarray of uint8, shape (n, h·w·c)
    labels : numpy.ndarray of int64, shape (n,)

    Examples
    --------
    >>> one = np.ones((1, 3), np.uint8), np.array([4])
    >>> remembered(Path("missing.csv"), lambda path: one) is one
    True
    """
    try:
        before = _traits(path)
        if before["size"] < _WORTHWHILE:
            return parse(path)
        folder = cache_folder() / "pixels"
        entry = folder / f"{_content_hash(path, before, folder)}-1.pixels"
    except (OSError, RuntimeError):
        # No such file, no permission, or no home folder: the first two are the parser's to tell.
        return parse(path)
    table = _read(entry)
    if table is None:
        table = parse(path)
        # A file that changed under the reader may not be what was hashed.
        with contextlib.suppress(OSError, WorkError):
            if _traits(path) == before:
                _write(entry, table)
    return table


def _traits(path: Path) -> dict[str, int]:
    status = path.stat()
    return {
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "changed": status.st_ctime_ns,
        "device": status.st_dev,
        "inode": status.st_ino,
    }


def _content_hash(path: Path, traits: dict[str, int], folder: Path) -> str:
    note = folder / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.seen"
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        seen = json.loads(note.read_text(encoding="ascii"))
        if seen == {**traits, "sha256": str(seen["sha256"])}:
            return str(seen["sha256"])
    now = time.time_ns()
    digest = hash_file(path)
    # Two changes within one tick of the clock leave the same times behind, so a file that was
    # changed a moment ago is hashed again next time.
    if now - max(traits["modified"], traits["changed"]) > _SETTLED:
        with contextlib.suppress(OSError, WorkError), write_file(note) as temporary:
            temporary.write_text(json.dumps({**traits, "sha256": digest}), encoding="ascii")
    return digest


def _read(entry: Path) -> Table | None:
    """Return the arrays of an entry, None if it is missing or damaged."""
    try:
        stored = np.fromfile(entry, np.uint8)
    except OSError:
        return None
    body = len(stored) - _TRAILER.size
    if body < 0:
        return None
    rows, pixels, checksum = _TRAILER.unpack(stored[body:].tobytes())
    if body != rows * (pixels + 1) or checksum != _checksum(stored[:body], rows, pixels):
        return None
    table = stored[: rows * pixels].reshape(rows, pixels)
    return table, stored[rows * pixels : body].astype(np.int64)


def _write(entry: Path, table: Table) -> None:
    pixels, labels = table
    rows, width = pixels.shape
    body = np.concatenate([pixels.reshape(-1), labels.astype(np.uint8)])
    with write_file(entry) as temporary, temporary.open("wb") as file:
        file.write(body.data)
        file.write(_TRAILER.pack(rows, width, _checksum(body, rows, width)))
    _drop_oldest(entry.parent)


def _checksum(body: npt.NDArray[np.uint8], rows: int, pixels: int) -> int:
    return zlib.crc32(struct.pack("<QQ", rows, pixels), zlib.crc32(body.data))


def _drop_oldest(folder: Path) -> None:
    entries = sorted(folder.glob("*.pixels"), key=lambda entry: entry.stat().st_mtime_ns)
    for entry in entries[:-_KEPT]:
        entry.unlink()
