"""Reading pixel files in the Kaggle format: ``pixel0000 … pixel2351, label``, one image per row.

`read_pixel_csv` takes a file that was read before from the cache. A new file in the plain form
(digits, commas, line ends) is parsed and checked with a dozen array operations per block. That
takes a quarter of the time of ``pandas.read_csv(dtype="uint8")``, so that there is time for hashing
and caching (``benchmarks/reading.py``). Any other file goes to `hmnist.sources.malformed`.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hmnist.arrays import Labels, Pixels
from hmnist.diagnoses import CODES
from hmnist.errors import DataError
from hmnist.sources.cache import parse_cached
from hmnist.sources.entry import Block, Chunk
from hmnist.sources.header import check_header, has_index, image_shape, read_header
from hmnist.sources.malformed import read_carefully
from hmnist.sources.opening import opened_packed, unpacked

BLOCK = 1 << 18  # bytes parsed at once: the dozen arrays of that size stay in the processor's cache
_ZERO, _COMMA, _NEWLINE = (np.uint8(ord(character)) for character in "0,\n")


def read_pixel_csv(
    path: Path, on_progress: Callable[[int, int], None] | None = None
) -> tuple[Pixels, Labels]:
    r"""Read a pixel file, plain or packed by gzip: images (n, h, w, c) and labels (n,).

    Pixels stand row by row, the channels of a pixel side by side. The columns and the file's name
    tell the images' shape (`hmnist.sources.header.image_shape`). Labels are in the Kaggle order.
    Large images stay in the file of the cache and are read-only. While the file is parsed,
    `on_progress` is called with the bytes that are done and those of the whole file. An index in
    the first column, an empty cell at the end of rows and rows of empty cells at the end are left
    out, with a DataWarning when the file is parsed. Raises DataMissingError if there is no such
    file, DataError if it cannot be read or is malformed; the message names the first mistake.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.csv"
    >>> _ = path.write_text("pixel0,pixel1,pixel2,label\n1,2,3,4\n5,6,7,6\n")
    >>> images, labels = read_pixel_csv(path)
    >>> images.shape, labels
    ((2, 1, 1, 3), array([4, 6]))
    """
    pixels, labels = parse_cached(path, partial(_parse, on_progress=on_progress))
    return pixels.reshape(len(pixels), *image_shape(pixels.shape[1], path)), labels


def _parse(
    path: Path, before: Chunk, on_progress: Callable[[int, int], None] | None
) -> Iterator[Block]:
    """Yield the rows that follow a chunk of the file; its beginning is a chunk without rows."""
    with opened_packed(path) as packed, unpacked(packed) as file:
        size = os.fstat(packed.fileno()).st_size
        try:
            for block in _read_blocks(file, path, before):
                yield block if file is packed else replace(block, end=None)
                if on_progress is not None:
                    on_progress(packed.tell(), size)
        except DataError:
            # A damaged gzip file must be reported as damaged, not as malformed: its checksum stands
            # at its end.
            while file is not packed and file.read(BLOCK):
                pass
            raise


def _read_blocks(file: BinaryIO, path: Path, before: Chunk) -> Iterator[Block]:
    """Yield the rows of an open file that follow a chunk of it, each of which is one line."""
    names, ending = read_header(file, path)
    check_header(names, path)
    file.seek(before.end or file.tell())
    rows, end = before.rows, file.tell()
    # An index has other numbers than pixels.
    lines = [] if has_index(names) else _whole_lines(file, ending, longest=4 * len(names) + 2)
    for line_block in lines:
        plain = line_block if ending == b"\n" else line_block.replace(ending, b"\n")
        block = _parse_block(plain, len(names))
        if block is None:
            break
        rows, end = rows + len(block), end + len(line_block)
        yield Block(block, end)
    else:
        if rows:
            return
    file.seek(end)
    for block in read_carefully(file, path, names, rows):
        yield Block(block, None)


def _whole_lines(file: BinaryIO, ending: bytes, longest: int) -> Iterator[bytes]:
    """Yield blocks of whole lines; empty lines at the end are dropped.

    A line of more than `longest` bytes is not a plain row: its beginning is the last block.
    """
    rest = b""
    while block := file.read(BLOCK):
        rest += block
        # The last line waits for the next block: it may be incomplete, or the last of the file.
        end = rest.rstrip(b"\r\n").rfind(ending[-1:]) + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > longest:
            yield rest
            return
    if rest := rest.rstrip(b"\r\n"):
        yield rest + ending


def _parse_block(block: bytes, columns: int) -> Pixels | None:
    """Parse rows of whole numbers of one to three digits; None if there is anything else.

    Every byte gets the value of a number that ends there, from it and the two bytes before it;
    then the values before commas and line ends are selected. This is faster than searching the
    start of each number.
    """
    text = np.frombuffer(block, np.uint8)
    # Four bytes in front, which are not digits, so that every byte has four before it.
    digits = np.zeros(len(text) + 4, np.uint8)
    is_digit = np.zeros(len(text) + 4, np.bool_)
    np.subtract(text, _ZERO, out=digits[4:])
    np.less(digits[4:], 10, out=is_digit[4:])
    digits *= is_digit

    ends = np.flatnonzero(~is_digit[4:])
    if len(ends) % columns:
        return None
    separators = text[ends].reshape(-1, columns)
    if not ((separators[:, :-1] == _COMMA).all() and (separators[:, -1] == _NEWLINE).all()):
        return None
    # Whether the first, second, third, fourth byte before each byte is a digit.
    first, second, third, fourth = (is_digit[4 - back : -back] for back in (1, 2, 3, 4))
    if not first[ends].all() or (first & second & third & fourth).any():
        return None
    values = (digits[1:-3] * second).astype(np.uint16)
    values *= 100
    values += digits[2:-2] * np.uint8(10) + digits[3:-1]
    numbers = values[ends]
    if numbers.max() > 255 or numbers[columns - 1 :: columns].max() >= len(CODES):
        return None
    return numbers.astype(np.uint8).reshape(-1, columns)
