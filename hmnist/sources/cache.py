"""A cache of parsed pixel files; the key is the content of the file.

``<cache folder>/pixels`` contains two kinds of files, which may be deleted at any time:

- ``<sha256 of the file>-2.pixels``: a sha256 of the rest, then pixels and labels by `numpy.save`;
- ``<hash of the path>.seen``: size, times and inode of a file when it was last hashed, and the
  hash. If none of these changed, the file is not hashed again.

If anything goes wrong here, the file is parsed as if there were no cache.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hmnist.arrays import Labels, Pixels
from hmnist.errors import WorkError
from hmnist.files import cache_folder, hash_file, write_file

SMALLEST_FILE = 4_000_000  # bytes; a smaller file is parsed in about 10 ms
ENTRIES = 8  # parsed files in the cache; the oldest is deleted when there are more
SETTLED = 2 * 10**9  # nanoseconds after which every change of a file shows in its times
_DIGEST_SIZE = hashlib.sha256().digest_size


def parse_cached(
    path: Path, parse: Callable[[Path], tuple[Pixels, Labels]]
) -> tuple[Pixels, Labels]:
    """Return the result of ``parse(path)``, from the cache if the same content was parsed before.

    The pixels have shape (n, h·w·c), the labels (n,). If the file does not exist, `parse` raises
    the error.
    """
    try:
        before = path.stat()
        if before.st_size < SMALLEST_FILE:
            return parse(path)
        folder = cache_folder() / "pixels"
        entry = folder / f"{_content_hash(path, before, folder)}-2.pixels"
    except (OSError, RuntimeError):
        # No such file, no permission, or no home folder: `parse` reports the first two.
        return parse(path)
    if (rows := _read(entry)) is not None:
        return rows
    rows = parse(path)
    with contextlib.suppress(OSError, WorkError):
        # If the file changed while it was parsed, these rows may not belong to the hash.
        if _traits(path.stat()) == _traits(before):
            _write(entry, *rows)
    return rows


def _traits(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino]


def _content_hash(path: Path, status: os.stat_result, folder: Path) -> str:
    note = folder / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.seen"
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        seen = json.loads(note.read_text(encoding="ascii"))
        if seen == {"traits": _traits(status), "sha256": str(seen["sha256"])}:
            return str(seen["sha256"])
    now = time.time_ns()
    digest = hash_file(path)
    # Two changes within one tick of the clock leave the same times. So a file that was changed a
    # moment ago is hashed again next time.
    if now - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED:
        content = json.dumps({"traits": _traits(status), "sha256": digest})
        with contextlib.suppress(OSError, WorkError), write_file(note) as temporary:
            temporary.write_text(content, encoding="ascii")
    return digest


def _read(entry: Path) -> tuple[Pixels, Labels] | None:
    """Return pixels and labels of an entry, None if it is missing or damaged."""
    try:
        with entry.open("rb") as file:
            expected = file.read(_DIGEST_SIZE)
            if hashlib.file_digest(file, "sha256").digest() != expected:
                return None
            file.seek(_DIGEST_SIZE)
            return np.load(file, allow_pickle=False), np.load(file, allow_pickle=False)
    except OSError:
        return None


def _write(entry: Path, pixels: Pixels, labels: Labels) -> None:
    with write_file(entry) as temporary, temporary.open("w+b") as file:
        file.seek(_DIGEST_SIZE)
        np.save(file, pixels)
        np.save(file, labels)
        file.seek(_DIGEST_SIZE)
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
        file.write(digest)
    entries = sorted(entry.parent.glob("*.pixels"), key=lambda path: path.stat().st_mtime_ns)
    for oldest in entries[:-ENTRIES]:
        oldest.unlink()
