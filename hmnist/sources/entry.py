"""One parsed pixel file in the cache, perhaps incomplete: `Entry`, and the `Block`s it is made of.

An entry is a folder of three files: ``pixels`` and ``labels`` contain a byte for each pixel and for
each label, row by row; ``state.json`` says which chunks of the pixel file are in them, with the
hashes of the text and of what it became. The state is written after each chunk, so that an
interrupted reading can go on from there.
"""

import hashlib
import json
import math
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.arrays import Labels, Pixels
from hmnist.files import write_file
from hmnist.large_arrays import LARGE

CHUNK = 1 << 26  # bytes of a pixel file after which the state is written
_PIECE = 1 << 20  # bytes hashed at once
_STATE = "state.json"
_LONGEST_JSON = 1 << 24  # bytes; a chunk takes 200, so this is enough for 5 TB of pixel file


@dataclass(frozen=True)
class Block:
    """Some rows of a pixel file.

    Attributes
    ----------
    rows : numpy.ndarray of uint8, shape (n, h·w·c + 1)
        Pixels, and the label in the last column.
    end : int or None
        Where the next row begins, in bytes of the file; None if no reading can begin there.
    """

    rows: Pixels
    end: int | None


@dataclass(frozen=True)
class Chunk:
    """A part of a pixel file that has been parsed; it begins where the one before it ends.

    Attributes
    ----------
    end, rows : int
        The bytes and the rows of the pixel file up to its end.
    text : str
        SHA-256 of its bytes in the pixel file.
    parsed : str
        SHA-256 of all that the entry knows of it: numbers, pixels and labels.
    """

    end: int
    rows: int
    text: str
    parsed: str


BEGINNING = Chunk(0, 0, "", "")


@dataclass
class Entry:
    """A parsed pixel file in the cache.

    Attributes
    ----------
    folder : pathlib.Path
        Where it lies.
    bytes : int
        The size of the pixel file.
    width : int
        Pixels in a row: h·w·c.
    chunks : list of Chunk
        What has been parsed of the pixel file, from its beginning and without gaps.
    """

    folder: Path
    bytes: int
    width: int = 0
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def last(self) -> Chunk:
        """The last chunk that has been parsed; one without bytes and rows if there is none."""
        return self.chunks[-1] if self.chunks else BEGINNING

    @property
    def is_complete(self) -> bool:
        """Whether the whole pixel file has been parsed."""
        return self.last.end == self.bytes

    @property
    def text(self) -> str:
        """SHA-256 over the hashes of the pixel file's chunks: of which text this entry is."""
        return hashlib.sha256("".join(chunk.text for chunk in self.chunks).encode()).hexdigest()

    def is_plausible(self) -> bool:
        """Return whether the numbers can be those of an entry, and its files have that size."""
        numbers = [self.bytes, self.width, *(n for c in self.chunks for n in (c.end, c.rows))]
        pairs = list(pairwise([BEGINNING, *self.chunks]))
        return (
            bool(self.chunks)
            and not self.folder.is_symlink()
            and all(type(number) is int and number > 0 for number in numbers)
            and all(a.end < b.end <= self.bytes and a.rows < b.rows for a, b in pairs)
            and _size(self._pixels) >= self.last.rows * self.width
            and _size(self._labels) >= self.last.rows
        )

    def _hash_rows(self, before: Chunk, chunk: Chunk) -> str:
        numbers = f"{self.bytes} {self.width} {chunk.end} {chunk.rows} {chunk.text}"
        pixels = (self._pixels, before.rows * self.width, chunk.rows * self.width)
        return _hash([pixels, (self._labels, before.rows, chunk.rows)], numbers)

    def is_of(self, path: Path) -> bool:
        """Return whether all that has been parsed is in this pixel file, at the same place."""
        if path.stat().st_size != self.bytes:
            return False
        pairs = pairwise([BEGINNING, *self.chunks])
        return all(_hash([(path, before.end, chunk.end)]) == chunk.text for before, chunk in pairs)

    def drop_damage(self) -> None:
        """Forget the first damaged chunk and all behind it."""
        # Hashing lets other threads work, so that two processors check two chunks at once.
        with ThreadPoolExecutor() as threads:
            sound = list(threads.map(self._is_sound, [BEGINNING, *self.chunks], self.chunks))
        self.chunks = self.chunks[: [*sound, False].index(False)]

    def fill(self, path: Path, blocks: Iterable[Block]) -> None:
        """Write the blocks of a pixel file that follow the last chunk; complete the entry."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in (self._pixels, self._labels):
            file.touch()
        rows, end, added = self.last.rows, self.last.end, []
        with (
            ThreadPoolExecutor(1) as thread,  # hashes a chunk while the next is parsed
            self._pixels.open("r+b") as pixels,
            self._labels.open("r+b") as labels,
        ):
            pixels.seek(rows * self.width)
            labels.seek(rows)
            for block in blocks:
                self.width = block.rows.shape[1] - 1
                pixels.write(block.rows[:, :-1].tobytes())
                labels.write(block.rows[:, -1].tobytes())
                rows += len(block.rows)
                if block.end is not None and end + CHUNK <= block.end < self.bytes:
                    end = block.end
                    pixels.flush()
                    labels.flush()
                    added.append(thread.submit(self._add_chunk, path, end, rows))
            pixels.flush()
            labels.flush()
            added.append(thread.submit(self._add_chunk, path, self.bytes, rows))
            for each in added:
                each.result()

    def load(self) -> tuple[Pixels, Labels]:
        """Return pixels (n, h·w·c) and labels (n,) of a complete entry.

        Large pixels stay in their file and are read-only; see `hmnist.large_arrays`.
        """
        shape = (self.last.rows, self.width)
        labels = np.fromfile(self._labels, np.uint8, self.last.rows).astype(np.int64)
        if math.prod(shape) >= LARGE:
            return np.memmap(self._pixels, np.uint8, "r", shape=shape), labels
        return np.fromfile(self._pixels, np.uint8, math.prod(shape)).reshape(shape), labels

    @property
    def _pixels(self) -> Path:
        return self.folder / "pixels"

    @property
    def _labels(self) -> Path:
        return self.folder / "labels"

    def _add_chunk(self, path: Path, end: int, rows: int) -> None:
        before = self.last
        chunk = Chunk(end, rows, _hash([(path, before.end, end)]), "")
        self.chunks.append(replace(chunk, parsed=self._hash_rows(before, chunk)))
        state = {"bytes": self.bytes, "width": self.width, "chunks": list(map(asdict, self.chunks))}
        with write_file(self.folder / _STATE) as temporary:
            temporary.write_text(json.dumps(state), encoding="ascii")

    def _is_sound(self, before: Chunk, chunk: Chunk) -> bool:
        try:
            return self._hash_rows(before, chunk) == chunk.parsed
        except OSError:
            return False


def read_entry(folder: Path) -> Entry | None:
    """Return the entry in a folder; None if there is none, or its state is not plausible."""
    try:
        state = read_json(folder / _STATE)
        chunks = [
            Chunk(each["end"], each["rows"], str(each["text"]), str(each["parsed"]))
            for each in state["chunks"]
        ]
        entry = Entry(folder, state["bytes"], state["width"], chunks)
        return entry if entry.is_plausible() else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def read_json(path: Path) -> Any:
    """Return the content of a small JSON file in the cache.

    Raises OSError, ValueError or RecursionError if there is none. A pipe or a link is not opened.
    """
    if _size(path) > _LONGEST_JSON:
        raise ValueError(f"{path} is too large")
    return json.loads(path.read_text(encoding="ascii"))


def _size(path: Path) -> int:
    """Return the bytes of a file; raise ValueError if it is a link, a pipe or a device."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is not a file")
    return status.st_size


def _hash(ranges: Iterable[tuple[Path, int, int]], numbers: str = "") -> str:
    """Return the SHA-256 of a text and of some ranges of bytes of files, from and up to."""
    sha = hashlib.sha256(numbers.encode())
    for path, start, end in ranges:
        with path.open("rb") as file:
            file.seek(start)
            while piece := file.read(max(0, min(_PIECE, end - file.tell()))):
                sha.update(piece)
    return sha.hexdigest()
