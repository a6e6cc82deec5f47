"""The slow parser of pixel files: it reads every cell and names the first bad one.

The fast parser in `pixel_csv` knows only the plain form of the file. Every other file is read here:
harmless spellings (quotes, spaces, ``1e2``) are accepted, anything else becomes one sentence that
names the file, the row and the column.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np

from hmnist.arrays import Pixels
from hmnist.diagnoses import CODES
from hmnist.errors import DataError
from hmnist.sources.opening import DOWNLOAD_AGAIN, row_name

_BLOCK = 1 << 20  # numbers in an array
_PLAIN = {f"{value}{point}": value for value in range(256) for point in ("", ".0")}
_NUMBER = re.compile(r"[+-]?(\d{1,20}\.?\d{0,20}|\.\d{1,20})([eE][+-]?\d{1,2})?", re.ASCII)


@dataclass(frozen=True)
class _Row:
    """One row of the file, with its number and its line."""

    fields: list[str]
    path: Path
    number: int
    line: int

    def refuse(self, problem: str, hint: str) -> NoReturn:
        raise DataError(f"{self.path}: {row_name(self.number, self.line)}{problem}", hint)


def read_carefully(
    file: BinaryIO, path: Path, names: list[str], rows_before: int
) -> Iterator[Pixels]:
    """Yield the rows of a pixel file cell by cell: arrays of shape (n, h·w·c + 1), labels last.

    The file stands behind its header and perhaps some rows, each of which is one line. The names of
    its columns are checked already: pixels in order, then ``label``. Raises DataError for the first
    row that has too few or too many cells, a pixel that is not a whole number 0–255 or a label that
    is not 0–6; if there are no rows; if the file is not CSV text.
    """
    done = rows_before
    rows: list[bytes] = []
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        source = _rows(text, path, rows_before)
        for row in source:
            if len(row.fields) != len(names) or _ends_empty(row):
                _refuse_length(row, len(names), _next_fields(source))
            rows.append(_values(row, names))
            done += 1
            if len(rows) * len(names) >= _BLOCK:
                yield _table(rows)
                rows = []
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not text: {row_name(done + 1)} or one soon after it is not UTF-8.",
            DOWNLOAD_AGAIN,
        ) from error
    finally:
        text.detach()  # otherwise the file would be closed together with the text
    if not done:
        raise DataError(f"{path} has a header and no rows; expected images.", DOWNLOAD_AGAIN)
    if rows:
        yield _table(rows)


def _table(rows: list[bytes]) -> Pixels:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)


def _rows(text: io.TextIOWrapper, path: Path, rows_before: int) -> Iterator[_Row]:
    """Yield the rows that follow so many others; empty lines are allowed at the end only."""
    reader = csv.reader(text, strict=True)
    blank = None
    for number in itertools.count(rows_before + 1):
        line = rows_before + reader.line_num + 2  # counted from 1, and the header is the first
        try:
            row = _Row(next(reader), path, number, line)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{path}: {row_name(number, line)} is not CSV: {error}.",
                "Look for a quotation mark that is opened and never closed.",
            ) from error
        if len(row.fields) < 2 and not any(map(str.strip, row.fields)):
            blank = blank or row
            continue
        if blank:
            blank.refuse(" is empty, and more rows follow.", "Remove the empty line.")
        yield row


def _next_fields(rows: Iterator[_Row]) -> list[str] | None:
    """Return the fields of the next row, None if there is none."""
    try:
        row = next(rows, None)
    except DataError:
        return []
    return row.fields if row else None


def _ends_empty(row: _Row) -> bool:
    return not row.fields[-1].strip()


def _refuse_length(row: _Row, expected: int, following: list[str] | None) -> None:
    """Refuse a row that is too long or too short; the next row tells whether it is the only one."""
    length = len(row.fields)
    cells = f"{length:,} cells where the header has {expected:,}"
    if following is None and length <= expected:
        row.refuse(
            f", the last, is cut off: it has {length - _ends_empty(row):,} of {expected:,} cells.",
            f"The file ends too early. {DOWNLOAD_AGAIN}",
        )
    if length == expected:
        return
    if length < expected:
        row.refuse(f" is too short: {cells}.", f"Complete the row. {DOWNLOAD_AGAIN}")
    problem, hint = f" is too long: {cells}.", f"Correct the row. {DOWNLOAD_AGAIN}"
    if row.number == 1 and following and len(following) == length:
        problem = f" is too long, and so is the next: {cells}."
        hint = "The header lacks a column, such as an index: save without it (pandas: index=False)."
    if length == expected + 1 and _ends_empty(row):
        hint = "Remove the comma at the end of the rows."
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
