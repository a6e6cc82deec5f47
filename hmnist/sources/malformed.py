"""The slow reading of a pixel file: every cell is looked at, and the first bad one is named.

The quick reading in `pixel_csv` knows only the plain form of the file. Whatever deviates from it
comes here: harmless spellings (quotes, spaces, ``1e2``) are read after all, anything else becomes
one sentence that names the file, the row and the column.
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
import numpy.typing as npt

from hmnist.diagnoses import CODES
from hmnist.errors import DataError
from hmnist.sources.opening import row_name

__all__ = ["read_carefully"]

_PLAIN = {f"{value}{point}": value for value in range(256) for point in ("", ".0")}

_NUMBER = re.compile(r"[+-]?(\d{1,20}\.?\d{0,20}|\.\d{1,20})([eE][+-]?\d{1,2})?", re.ASCII)

_AGAIN = "Download or copy it again."


@dataclass(frozen=True)
class _Row:
    """One row as it stands in the file, and where."""

    cells: list[str]
    path: Path
    number: int
    line: int

    def refuse(self, what: str, hint: str) -> NoReturn:
        raise DataError(f"{self.path}: {row_name(self.number, self.line)}{what}", hint)


def read_carefully(
    file: BinaryIO, path: Path, names: list[str]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    r"""Read the rows of a pixel file cell by cell.

    Parameters
    ----------
    file : BinaryIO
        The file, opened at its first byte.
    path : pathlib.Path
        Its name, for messages.
    names : list of str
        The columns, already checked: pixels in order, then ``label``.

    Returns
    -------
    pixels : numpy.ndarray of uint8, shape (n, h·w·c)
    labels : numpy.ndarray of int64, shape (n,)

    Raises
    ------
    DataError
        For the first row that has too few or too many cells, a pixel that is not a whole number
        0–255 or a label that is not 0–6; if there are no rows; if the file is not CSV text.

    Examples
    --------
    >>> read_carefully(io.BytesIO(b'pixel0,label\n"1e2", 4\n'), Path("a.csv"), ["pixel0", "label"])
    (array([[100]], dtype=uint8), array([4]))
    """
    rows: list[bytes] = []
    try:
        with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            for row, following in _rows(text, path):
                if len(row.cells) != len(names) or _empty_at_the_end(row.cells):
                    _refuse_length(row, names, following)
                rows.append(_values(row, names))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not text: {row_name(len(rows) + 1)} or one soon after it is not UTF-8.",
            _AGAIN,
        ) from error
    if not rows:
        raise DataError(f"{path} has a header and no rows; expected images.", _AGAIN)
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), len(names))
    return table[:, :-1].copy(), table[:, -1].astype(np.int64)


def _rows(text: io.TextIOWrapper, path: Path) -> Iterator[tuple[_Row, _Row | None]]:
    """Yield each row below the header with the one that follows it; empty lines may come last."""
    reader = csv.reader(text, strict=True)
    next(reader)
    held, blank = None, None
    for number in itertools.count(1):
        line = reader.line_num + 1
        try:
            row = _Row(next(reader, []), path, number, line)
        except csv.Error as error:
            # The row before it comes first, should it be wrong as well.
            if held:
                yield held, _Row([], path, number, line)
            what = f"{path}: {row_name(number, line)} is not CSV: {error}."
            hint = "Look for a quotation mark that is opened and never closed."
            raise DataError(what, hint) from error
        if reader.line_num < line:
            break
        if not any(map(str.strip, row.cells)) and len(row.cells) < 2:
            blank = blank or row
            continue
        if blank:
            blank.refuse(" is empty, and more rows follow.", "Remove the empty line.")
        if held:
            yield held, row
        held = row
    if held:
        yield held, None


def _empty_at_the_end(cells: list[str]) -> bool:
    return not cells[-1].strip()


def _refuse_length(row: _Row, names: list[str], following: _Row | None) -> None:
    """Refuse a row that is too long or too short, saying whether it is the only one."""
    found, expected = len(row.cells), len(names)
    cells = f"{found:,} cells where the header has {expected:,}"
    if not following and found <= expected:
        row.refuse(
            f", the last, is cut off: it has {found - _empty_at_the_end(row.cells):,} of "
            f"{expected:,} cells.",
            f"The file ends too early. {_AGAIN}",
        )
    if found == expected:
        return
    if found < expected:
        row.refuse(f" is too short: {cells}.", f"Complete the row. {_AGAIN}")
    hint = f"Correct the row. {_AGAIN}"
    too_long = f" is too long: {cells}."
    if row.number == 1 and following and len(following.cells) == found:
        too_long = f" is too long, and so is the next: {cells}."
        hint = "The header lacks a column, such as an index: save without it (pandas: index=False)."
    if found == expected + 1 and _empty_at_the_end(row.cells):
        hint = "Remove the comma at the end of the rows."
    row.refuse(too_long, hint)


def _values(row: _Row, names: list[str]) -> bytes:
    try:
        values = bytes(map(_PLAIN.__getitem__, row.cells))
    except KeyError:
        values = bytes(_value(row, at, name) for at, name in enumerate(names))
    if values[-1] >= len(CODES):
        _refuse_cell(row, len(names) - 1, names[-1])
    return values


def _value(row: _Row, at: int, name: str) -> int:
    # Exact whole numbers in another spelling ("007", " 7", "1e2", "191.0") are what spreadsheets
    # and data frames of floats write. They have one meaning and do no harm.
    text = row.cells[at].strip()
    if _NUMBER.fullmatch(text):
        value = float(text)
        if value.is_integer() and 0 <= value <= 255:
            return int(value)
    return _refuse_cell(row, at, name)


def _refuse_cell(row: _Row, at: int, name: str) -> NoReturn:
    text = row.cells[at].strip()
    found = "the cell is empty" if not text else f"found {text[:40]!r}"
    if name == "label":
        row.refuse(
            f", column label: {found}; expected a diagnosis 0–{len(CODES) - 1}.",
            "The labels are "
            + ", ".join(f"{label} {code}" for label, code in enumerate(CODES))
            + ".",
        )
    row.refuse(f", column {name}: {found}; expected a whole number 0–255.", _pixel_hint(row.cells))


def _pixel_hint(cells: list[str]) -> str:
    numbers = [float(cell) for cell in cells[:-1] if _NUMBER.fullmatch(cell.strip())]
    if len(numbers) == len(cells) - 1 and 0 <= min(numbers) <= max(numbers) <= 1:
        return "Pixels scaled to 0–1? Multiply them by 255, round, and save whole numbers."
    return "Correct the cell, or remove the row here and in the metadata."
