"""A cache of parsed pixel files; the key is the content of the file.

``<cache folder>/pixels`` contains, and all of it may be deleted at any time:

- ``<random name>.pixels``: a parsed pixel file (`hmnist.sources.entry.Entry`);
- ``<hash of the path>.seen``: size, times and inode of a pixel file when it was last read, and the
  name of its entry. If none of these changed, the file is not hashed again.

A new file is hashed while it is parsed. A file of another name or time is compared with the entries
of its size. If the reading was interrupted, it goes on from the last chunk that was written.
If anything goes wrong here, the file is parsed as if there were no cache.
"""

import contextlib
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from hmnist.arrays import Labels, Pixels
from hmnist.errors import WorkError
from hmnist.files import cache_folder, write_file
from hmnist.sources.entry import BEGINNING, Block, Chunk, Entry, read_entry

SMALLEST_FILE = 4_000_000  # bytes; a smaller file is parsed in about 10 ms
ENTRIES = 8  # parsed files in the cache; the oldest are deleted when there are more,
MOST_BYTES = 2**34  # or when they have more bytes
SETTLED = 2 * 10**9  # nanoseconds after which every change of a file shows in its times

Parse = Callable[[Path, Chunk], Iterable[Block]]
"""Parses the rows of a pixel file that follow a chunk of it."""


def parse_cached(path: Path, parse: Parse) -> tuple[Pixels, Labels]:
    """Return the pixels and labels of a pixel file, parsed or from the cache.

    The pixels have shape (n, h·w·c), the labels (n,). Large pixels are read-only. If the file does
    not exist, `parse` raises the error.
    """
    # No such file, no permission, no home folder, no space: `parse` reports the first two.
    with contextlib.suppress(OSError, RuntimeError, WorkError):
        status = path.stat()
        if status.st_size >= SMALLEST_FILE:
            return _through_cache(path, status, parse)
    blocks = [block.rows for block in parse(path, BEGINNING)]
    labels = np.concatenate([rows[:, -1] for rows in blocks])
    return np.concatenate([rows[:, :-1] for rows in blocks]), labels.astype(np.int64)


def _through_cache(path: Path, status: os.stat_result, parse: Parse) -> tuple[Pixels, Labels]:
    folder, started = cache_folder() / "pixels", time.time_ns()
    note = folder / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.seen"
    entry = (
        _noted(note, status)
        or _equal(path, folder)
        or Entry(folder / f"{uuid.uuid4().hex}.pixels", status.st_size)
    )
    # Two changes within one tick of the clock leave the same times. So a file that was changed a
    # moment ago is hashed again next time.
    if started - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED:
        _write_note(note, status, entry)
    entry.drop_damage()
    if entry.is_complete:
        return entry.load()
    try:
        entry.fill(path, parse(path, entry.last))
        _make_room(entry.folder)
        return entry.load()
    finally:
        # If the file changed while it was parsed, these rows may not belong to its hash.
        if not entry.chunks or _has_changed(path, status):
            shutil.rmtree(entry.folder, ignore_errors=True)


def _traits(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino]


def _has_changed(path: Path, status: os.stat_result) -> bool:
    try:
        return _traits(path.stat()) != _traits(status)
    except OSError:
        return True


def _noted(note: Path, status: os.stat_result) -> Entry | None:
    """Return the entry of a pixel file that did not change since its note was written."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        seen = json.loads(note.read_text(encoding="ascii"))
        if seen == {"traits": _traits(status), "entry": str(seen["entry"])}:
            entry = read_entry(note.with_name(Path(seen["entry"]).name))
            return entry if entry is not None and entry.bytes == status.st_size else None
    return None


def _write_note(note: Path, status: os.stat_result, entry: Entry) -> None:
    content = json.dumps({"traits": _traits(status), "entry": entry.folder.name})
    with contextlib.suppress(OSError, WorkError), write_file(note) as temporary:
        temporary.write_text(content, encoding="ascii")


def _equal(path: Path, folder: Path) -> Entry | None:
    """Return the entry of another pixel file of the same content."""
    entries = map(read_entry, sorted(folder.glob("*.pixels")))
    return next((entry for entry in entries if entry is not None and entry.is_of(path)), None)


def _make_room(new: Path) -> None:
    """Delete the oldest entries, but not the new one."""
    with contextlib.suppress(OSError):
        for file in filter(Path.is_file, new.parent.glob("*.pixels")):
            file.unlink()  # of an older version
        old = [entry for entry in new.parent.glob("*.pixels") if entry != new]
        old.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        total = _bytes(new)
        for number, entry in enumerate(old, start=1):
            total += _bytes(entry)
            if number >= ENTRIES or total > MOST_BYTES:
                shutil.rmtree(entry)


def _bytes(entry: Path) -> int:
    return sum(file.stat().st_size for file in entry.iterdir())
