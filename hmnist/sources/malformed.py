"""The slow parser of pixel files: it reads every cell and names the first bad one.

The fast parser in `pixel_csv` knows only the plain form of the file. Every other file is read here:
harmless spellings (quotes, spaces, ``1e2``) are accepted, what is not an image is left out with a
warning (an index, empty cells), anything else becomes one sentence that names the file, the row and
the column.
"""

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np

from hmnist.arrays import Pixels
from hmnist.diagnoses import CODES
from hmnist.errors import DataError, DataWarning
from hmnist.sources.header import has_index
from hmnist.sources.opening import DOWNLOAD_AGAIN, row_name
from hmnist.sources.tables import LONGEST_ROW, read_rows

_BLOCK = 1 << 20  # numbers in an array
_PLAIN = {f"{value}{point}": value for value in range(256) for point in ("", ".0")}
_LONGEST_CELL = 64  # characters of the longest spelling of a pixel, with some room
_NUMBER = re.compile(r"[+-]?(\d{1,20}\.?\d{0,20}|\.\d{1,20})([eE][+-]?\d{1,2})?", re.ASCII)

_INDEX = "the index of a row"
_LAST_CELL = "an empty cell at the end of a row"
_EMPTY_ROWS = "a row of empty cells at the end"


@dataclass(frozen=True)
class _Row:
    """One row of the file, with its number, from 0, and its line, from 1."""

    fields: list[str]
    path: Path
    number: int
    line: int

    @property
    def ends_empty(self) -> bool:
        return not self.fields[-1].strip()

    def refuse(self, problem: str, hint: str) -> NoReturn:
        raise DataError(f"{self.path}: {row_name(self.number, self.line)}{problem}", hint)


def read_carefully(
    file: BinaryIO, path: Path, names: list[str], rows_before: int
) -> Iterator[Pixels]:
    """Yield the rows of a pixel file cell by cell: arrays of shape (n, h·w·c + 1), labels last.

    The file stands behind its header and perhaps some rows, each of which is one line. The names of
    its columns are checked already: perhaps an index, pixels in order, then ``label``. An index, an
    empty cell at the end of a row, and rows of empty cells at the end of the file are left out,
    with a DataWarning. Raises DataError for the first row that has too few or too many cells, a
    pixel that is not a whole number 0–255 or a label that is not 0–6; if there are no rows; if the
    file is not CSV text.
    """
    done = rows_before
    indexed = has_index(names)
    left_out: Counter[str] = Counter()
    rows: list[bytes] = []
    source = _rows(file, path, len(names), rows_before, left_out)
    for row in source:
        if len(row.fields) == len(names) + 1 and row.ends_empty:
            left_out[_LAST_CELL] += 1
            row.fields.pop()
        if len(row.fields) != len(names) or row.ends_empty:
            _refuse_length(row, len(names), _next_fields(source))
        if indexed:
            left_out[_INDEX] += 1
            _check_index(row)
            row.fields.pop(0)
        rows.append(_values(row, names[indexed:]))
        done += 1
        if len(rows) * len(names) >= _BLOCK:
            yield _table(rows)
            rows = []
    if not done:
        raise DataError(f"{path} has a header and no rows; expected images.", DOWNLOAD_AGAIN)
    if rows:
        yield _table(rows)
    if left_out:
        parts = ", ".join(f"{part} ({count:,}×)" for part, count in left_out.items())
        warnings.warn(f"{path}: left out what is not an image: {parts}.", DataWarning, stacklevel=2)


def _table(rows: list[bytes]) -> Pixels:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)


def _rows(
    file: BinaryIO, path: Path, columns: int, rows_before: int, left_out: Counter[str]
) -> Iterator[_Row]:
    """Yield the rows that follow so many others; empty rows are allowed at the end only."""
    longest = LONGEST_ROW + _LONGEST_CELL * columns
    lines = read_rows(file, path, longest, lines_before=rows_before + 1)
    empty: list[_Row] = []
    for number, (line, fields) in enumerate(lines, start=rows_before):
        row = _Row(fields, path, number, line)
        if not any(map(str.strip, fields)):
            empty.append(row)
            continue
        if empty:
            empty[0].refuse(" is empty, and more rows follow.", "Remove the empty line.")
        yield row
    if with_cells := sum(len(row.fields) > 1 for row in empty):
        left_out[_EMPTY_ROWS] = with_cells


def _next_fields(rows: Iterator[_Row]) -> list[str] | None:
    """Return the fields of the next row, None if there is none."""
    try:
        row = next(rows, None)
    except DataError:
        return []
    return row.fields if row else None


def _check_index(row: _Row) -> None:
    """Refuse an index that does not count the rows: rows would then be missing or moved."""
    index = row.fields[0].strip()
    if index != str(row.number):
        row.refuse(
            f", column 1, the index: found {index[:40]!r}; expected {row.number}.",
            "Rows may be missing or in another order, so that metadata belong to other images. If "
            "that is meant, save the file without its index (pandas: index=False).",
        )


def _refuse_length(row: _Row, expected: int, following: list[str] | None) -> None:
    """Refuse a row that is too long or too short; the next row tells whether it is the only one."""
    length = len(row.fields)
    cells = f"{length:,} cells where the header has {expected:,}"
    if following is None and length <= expected:
        row.refuse(
            f", the last, is cut off: it has {length - row.ends_empty:,} of {expected:,} cells.",
            f"The file ends too early. {DOWNLOAD_AGAIN}",
        )
    if length == expected:
        return
    if length < expected:
        row.refuse(f" is too short: {cells}.", f"Complete the row. {DOWNLOAD_AGAIN}")
    problem, hint = f" is too long: {cells}.", f"Correct the row. {DOWNLOAD_AGAIN}"
    if row.number == 0 and following and len(following) == length:
        problem = f" is too long, and so is the next: {cells}."
        hint = "The header lacks a column, such as an index: save without it (pandas: index=False)."
    row.refuse(problem, hint)


def _values(row: _Row, names: list[str]) -> bytes:
    try:
        values = bytes(map(_PLAIN.__getitem__, row.fields))
    except KeyError:
        values = bytes(_value(row, index, name) for index, name in enumerate(names))
    if values[-1] >= len(CODES):
        _refuse_field(row, len(names) - 1, names[-1])
    return values


def _value(row: _Row, index: int, name: str) -> int:
    # Spreadsheets and data frames of floats write whole numbers in other spellings ("007", " 7",
    # "1e2", "191.0"). They have only one meaning.
    text = row.fields[index].strip()
    if _NUMBER.fullmatch(text):
        value = float(text)
        if value.is_integer() and 0 <= value <= 255:
            return int(value)
    return _refuse_field(row, index, name)


def _refuse_field(row: _Row, index: int, name: str) -> NoReturn:
    text = row.fields[index].strip()
    content = f"found {text[:40]!r}" if text else "the cell is empty"
    if name == "label":
        labels = ", ".join(f"{label} {code}" for label, code in enumerate(CODES))
        row.refuse(
            f", column label: {content}; expected a diagnosis 0–{len(CODES) - 1}.",
            f"The labels are {labels}.",
        )
    pixels = [float(field) for field in row.fields[:-1] if _NUMBER.fullmatch(field.strip())]
    hint = "Correct the cell, or remove the row here and in the metadata."
    if len(pixels) == len(row.fields) - 1 and 0 <= min(pixels) <= max(pixels) <= 1:
        hint = "Pixels scaled to 0–1? Multiply them by 255, round, and save whole numbers."
    row.refuse(f", column {name}: {content}; expected a whole number 0–255.", hint)
