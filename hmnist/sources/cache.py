"""A cache of parsed pixel files; the key is the content of the file.

``<cache folder>/pixels`` contains, and all of it may be deleted at any time:

- ``<random name>.pixels``: a parsed pixel file (`hmnist.sources.entry.Entry`);
- ``<hash of the path>.seen``: size, times and inode of a pixel file when it was last read, the name
  of its entry, and the hash of its text (`Entry.text`). If none of these changed, neither in the
  file nor in the entry, the file is not hashed again.

A new file is hashed while it is parsed. A file without such a note is compared with the entries of
its size, chunk by chunk. If its reading was interrupted, it goes on from the last chunk that was
written. If anything goes wrong here, the file is parsed as if there were no cache.

All this notices accidents: files that are cut off, changed, copied over each other, or links. It
does not protect against someone who writes entries with matching hashes on purpose: whoever may
write the user's cache may change the user's data as well.
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
from hmnist.sources.entry import BEGINNING, Block, Chunk, Entry, read_entry, read_json

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
        # A name that no file can have is not asked for its status.
        if path.is_file() and (status := path.stat()).st_size >= SMALLEST_FILE:
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
    entry.drop_damage()
    try:
        if not entry.is_complete:
            entry.fill(path, parse(path, entry.last))
            _make_room(entry.folder)
        # Two changes within one tick of the clock leave the same times. So a file that was changed
        # a moment ago is hashed again next time.
        if started - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED:
            _write_note(note, status, entry)
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
    """Return the complete entry of a pixel file, if neither changed since the note was written."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        seen = read_json(note)
        entry = read_entry(note.with_name(Path(seen["entry"]).name))
        if entry is not None and seen == _describe(status, entry):
            return entry
    return None


def _write_note(note: Path, status: os.stat_result, entry: Entry) -> None:
    content = json.dumps(_describe(status, entry))
    with contextlib.suppress(OSError, WorkError), write_file(note) as temporary:
        temporary.write_text(content, encoding="ascii")


def _describe(status: os.stat_result, entry: Entry) -> dict[str, object]:
    return {"traits": _traits(status), "entry": entry.folder.name, "text": entry.text}


def _equal(path: Path, folder: Path) -> Entry | None:
    """Return the entry with the most chunks of this pixel file, or of one of the same content."""
    entries = [entry for entry in map(read_entry, folder.glob("*.pixels")) if entry is not None]
    entries.sort(key=lambda entry: entry.last.end, reverse=True)
    return next((entry for entry in entries if entry.is_of(path)), None)


def _make_room(new: Path) -> None:
    """Delete the oldest entries, but not the new one."""
    with contextlib.suppress(OSError):
        old = [entry for entry in new.parent.glob("*.pixels") if entry != new]
        for file in [each for each in old if each.is_symlink() or not each.is_dir()]:
            file.unlink()  # no entry, or one of an older version
            old.remove(file)
        old.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        total = _bytes(new)
        for number, entry in enumerate(old, start=1):
            total += _bytes(entry)
            if number >= ENTRIES or total > MOST_BYTES:
                shutil.rmtree(entry)


def _bytes(entry: Path) -> int:
    return sum(file.stat().st_size for file in entry.iterdir())
