"""Rows of CSV text that someone else wrote: `read_rows`, and `read_table` for a whole small file.

Every CSV file that users name is read here, so that no row and no quotation mark that is never
closed can fill the memory. What is harmless is accepted: line ends of all systems, a byte order
mark, the mark of old systems at the end of a file, Excel's first line ``sep=,``.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from hmnist.errors import DataError
from hmnist.sources.opening import TRUST_IT, is_trusted, opened

LONGEST_ROW = 1 << 16
"""Characters of a row of metadata or of a split: their rows have fewer than a hundred."""

MOST_EMPTY = 10_000
"""Lines without content behind each other; Excel leaves some at the end of a file."""

MOST_ROWS = 4_000_000
"""Rows of metadata or of a split: one for each image, whose pixels would be 30 GB of text."""

_EMPTY = ', "\t\r\n'  # characters of lines without content
_END_MARK = "\x1a"  # Ctrl-Z, which CP/M and MS-DOS write at the end of a text

_HINT = "Save it as CSV in UTF-8; look for a quotation mark that is opened and never closed."


def read_rows(
    file: BinaryIO, path: Path, longest: int, lines_before: int = 0
) -> Iterator[tuple[int, list[str]]]:
    r"""Yield the rows from here on: the line where each begins, counted from 1, and its cells.

    Empty lines are rows without cells. So many lines were read before, and no row may have more
    than `longest` characters. Raises DataError if the text is not CSV in UTF-8, a row is longer, or
    there are more than `MOST_EMPTY` lines without content behind each other.

    Examples
    --------
    >>> list(read_rows(io.BytesIO(b"a,b\n\n1,2"), Path("a.csv"), longest=99))
    [(1, ['a', 'b']), (2, []), (3, ['1', '2'])]
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    length = empty = 0  # characters of this row so far, and empty lines before it

    def lines() -> Iterator[str]:
        nonlocal length, empty
        while line := text.readline(longest - length + 1):
            length += len(line)
            empty = 0 if line.strip(_EMPTY) else empty + 1
            if length > longest:
                raise csv.Error(f"it has more than {longest:,} characters")
            if empty > MOST_EMPTY:
                raise csv.Error(f"more than {MOST_EMPTY:,} empty lines stand before it")
            if "\0" in line:
                raise csv.Error("it contains zero bytes")
            # The limit is not reached, so a line without an end is the last.
            yield line.removesuffix(_END_MARK)

    reader = csv.reader(lines(), strict=True)
    line = lines_before + 1
    try:
        for cells in reader:
            yield line, cells
            line, length = lines_before + reader.line_num + 1, 0
    except csv.Error as error:
        raise DataError(f"{path}: line {line:,} is not CSV: {error}.", _HINT) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not text: line {line:,} or one soon after it is not UTF-8.",
            "Save it as CSV in UTF-8.",
        ) from error
    finally:
        if not file.closed:
            text.detach()  # otherwise the file would be closed together with the text


def read_table(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines and cells of a small table, plain or packed by gzip; its header is the first.

    The header's cells are stripped. All rows have as many cells as the header. Empty lines are left
    out, and rows of empty cells at the end. Raises DataMissingError if there is no such file;
    DataError if it cannot be read, is not CSV, has two columns of one name or more than `MOST_ROWS`
    rows, or a row is empty or has another length.
    """
    names: list[str] = []
    empty = 0  # the line of the first of some empty rows
    with opened(path) as file:
        for row, (line, cells) in enumerate(read_rows(file, path, LONGEST_ROW)):
            if row > MOST_ROWS and not is_trusted():
                raise DataError(
                    f"{path} has more than {MOST_ROWS:,} rows; expected one for each image.",
                    TRUST_IT,
                )
            if not any(map(str.strip, cells)):
                empty = empty or (line if len(cells) > 1 else 0)
                continue
            if not names:
                if cells != ["sep=", ""]:
                    names = _check_names(cells, path)
                    yield line, names
                continue
            if empty:
                raise DataError(
                    f"{path}: line {empty:,} has empty cells only, and more rows follow.",
                    "Remove it.",
                )
            if len(cells) != len(names):
                raise DataError(
                    f"{path}: line {line:,} has {len(cells):,} cells where the header has "
                    f"{len(names):,}.",
                    "Correct the line, or download or copy the file again.",
                )
            yield line, cells


def _check_names(cells: list[str], path: Path) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0][:40]
        raise DataError(f"{path} has more than one column {twice!r}.", "Remove one of them.")
    return names
