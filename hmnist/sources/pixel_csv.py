"""Pixel files in the Kaggle format: ``pixel0000 … pixel2351, label``, one image per row.

`read_pixel_csv` reads a file that it has seen before from the cache. A new file in the plain form
(digits, commas, line ends) is parsed with a dozen array operations per block and checked on the
way. That takes a quarter of the time of ``pandas.read_csv(dtype="uint8")``, which would leave no
time for hashing, checking and caching in the 1.2 readings that a first load may take
(``benchmarks/reading.py``). Any other file goes to `hmnist.sources.malformed`, which reads what can
be read and names the first cell that cannot.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hmnist.arrays import Labels, Pixels
from hmnist.diagnoses import CODES
from hmnist.sources.cache import parse_cached
from hmnist.sources.header import check_header, image_shape, read_header
from hmnist.sources.malformed import read_carefully
from hmnist.sources.opening import opened

__all__ = ["read_pixel_csv"]

BLOCK = 1 << 18
"""Bytes parsed at once: the dozen arrays of that size stay in the processor's cache."""

_ZERO, _COMMA, _NEWLINE = (np.uint8(ord(character)) for character in "0,\n")


def read_pixel_csv(path: Path) -> tuple[Pixels, Labels]:
    r"""Read a pixel file, plain or packed by gzip.

    Parameters
    ----------
    path : pathlib.Path
        A CSV file with the columns ``pixel0000`` … and ``label``. Pixels run row by row, the
        channels of a pixel side by side.

    Returns
    -------
    images : numpy.ndarray of uint8, shape (n, h, w, c)
        The shape of an image follows from the number of columns, and from the file's name where
        that is not enough (`hmnist.sources.header.image_shape`).
    labels : numpy.ndarray of int64, shape (n,)
        0–6 in the Kaggle order.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataError
        If it cannot be read or is malformed; the message names the first offence.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.csv"
    >>> _ = path.write_text("pixel0,pixel1,pixel2,label\n1,2,3,4\n5,6,7,6\n")
    >>> images, labels = read_pixel_csv(path)
    >>> images.shape, labels
    ((2, 1, 1, 3), array([4, 6]))
    """
    pixels, labels = parse_cached(path, _parse)
    return pixels.reshape(len(pixels), *image_shape(pixels.shape[1], path)), labels


def _parse(path: Path) -> tuple[Pixels, Labels]:
    with opened(path) as file:
        names, ending = read_header(file, path)
        check_header(names, path)
        table = _parse_plain(file, len(names), ending)
    if table is None:
        _read_to_the_end(path)
        with opened(path) as file:
            table = read_carefully(file, path, names)
    return table


def _read_to_the_end(path: Path) -> None:
    # A damaged gzip file is to be reported as such, not as the nonsense that it unpacks to.
    with opened(path) as file:
        while file.read(BLOCK):
            pass


def _parse_plain(file: BinaryIO, columns: int, ending: bytes) -> tuple[Pixels, Labels] | None:
    """Parse the rows behind the header; None if anything is out of the ordinary."""
    pixels, labels = [], []
    for block in _whole_lines(file, ending, longest=4 * columns + 2):
        rows = _parse_block(block, columns)
        if rows is None:
            return None
        pixels.append(rows[:, :-1])
        labels.append(rows[:, -1])
    if not pixels:
        return None
    table = np.concatenate(pixels), np.concatenate(labels).astype(np.int64)
    return table if table[1].max() < len(CODES) else None


def _whole_lines(file: BinaryIO, ending: bytes, longest: int) -> Iterator[bytes]:
    r"""Yield blocks of whole lines that end in ``\n``; empty lines at the end are dropped.

    A line of more than `longest` bytes is no plain row: it comes as far as it was read, and last.
    """
    held = b""
    while block := file.read(BLOCK):
        held += block
        # The last line is held back with what follows it: it may be incomplete, or the last.
        cut = held.rstrip(b"\r\n").rfind(b"\n") + 1
        if cut:
            yield _with_newlines(held[:cut], ending)
            held = held[cut:]
        elif len(held) > longest:
            yield held
            return
    if held := held.rstrip(b"\r\n"):
        yield _with_newlines(held + ending, ending)


def _with_newlines(lines: bytes, ending: bytes) -> bytes:
    return lines.replace(ending, b"\n") if ending == b"\r\n" else lines


def _parse_block(block: bytes, columns: int) -> Pixels | None:
    """Parse lines of whole numbers of one to three digits; None if there is anything else.

    Every byte is given the value that a number ending there would have, from it and the two bytes
    before it; the values before commas and line ends are then picked out. That is cheaper than
    finding where each number starts.
    """
    text = np.frombuffer(block, np.uint8)
    # Four places in front let every byte look back; they count as no digit.
    digits = np.zeros(len(text) + 4, np.uint8)
    is_digit = np.zeros(len(text) + 4, np.bool_)
    np.subtract(text, _ZERO, out=digits[4:])
    np.less(digits[4:], 10, out=is_digit[4:])
    digits *= is_digit

    separators = np.flatnonzero(~is_digit[4:])
    if len(separators) % columns:
        return None
    found = text[separators].reshape(-1, columns)
    if not ((found[:, :-1] == _COMMA).all() and (found[:, -1] == _NEWLINE).all()):
        return None
    # Seen from a separator, the digits before it stand one, two, three, four places back.
    one, two, three, four = (is_digit[4 - back : -back] for back in (1, 2, 3, 4))
    if not one[separators].all() or (one & two & three & four).any():
        return None
    values = (digits[1:-3] * two).astype(np.uint16)
    values *= 100
    values += digits[2:-2] * np.uint8(10) + digits[3:-1]
    cells = values[separators]
    if cells.max() > 255:
        return None
    return cells.astype(np.uint8).reshape(-1, columns)
