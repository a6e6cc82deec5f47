"""A split of the user's own, in a CSV file: `read_split_file`.

`read_split_rows` reads any split, also one that a model is not to be trained on; checks look at it.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hmnist.errors import DataError, DataMissingError, UsageError

__all__ = ["read_split_file", "read_split_rows"]

_PARTS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
"""What a file may call the parts, and what they are called here."""

_HINT = "Its first line is image_id,part or row,part; each line below names one image."


class _Entry(NamedTuple):
    """What one line says of one image."""

    line: int
    image: str
    part: str


def read_split_file(
    path: Path, count: int, image_ids: npt.NDArray[np.str_] | None
) -> npt.NDArray[np.str_]:
    r"""Read who trains, validates and is tested from a CSV file.

    Parameters
    ----------
    path : pathlib.Path
        A file with a column ``image_id``, or ``row`` (0 is the first image), and a column ``part``
        with ``train``, ``validation`` (or ``val``) or ``test``. Other columns are left aside; with
        both, ``image_id`` counts.
    count : int
        The number of images that are dealt out.
    image_ids : numpy.ndarray of str, shape (count,), or None
        Their names, None where they are unknown.

    Returns
    -------
    numpy.ndarray of str, shape (count,)
        The part of each image, empty for images that the file leaves out.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataError
        If the file is malformed, or names an image twice or one that is not there.
    UsageError
        If it names images by id and the ids are unknown.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = path.write_text("row,part\n0,test\n2,train\n")
    >>> read_split_file(path, 3, None).tolist()
    ['test', '', 'train']
    """
    part_of_row = np.full(count, "", dtype="U10")
    line_of_row: dict[int, int] = {}
    for key, row, entry in _found_entries(path, count, image_ids):
        if row in line_of_row:
            once = f"each image once, and line {line_of_row[row]} names this one"
            raise _unexpected(path, entry.line, key, entry.image, once)
        line_of_row[row] = entry.line
        part_of_row[row] = entry.part
    return part_of_row


def read_split_rows(
    path: Path, count: int, image_ids: npt.NDArray[np.str_] | None
) -> dict[str, npt.NDArray[np.int64]]:
    r"""Read a split that may name images more than once, in one part or in several.

    Parameters
    ----------
    path, count, image_ids
        As for `read_split_file`.

    Returns
    -------
    dict of str to numpy.ndarray of int64
        The rows of ``train``, ``validation`` and ``test``, as often as the file names them.

    Raises
    ------
    DataMissingError, DataError, UsageError
        As `read_split_file`, but for images that are named twice.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "leaky.csv"
    >>> _ = path.write_text("row,part\n0,train\n0,train\n0,test\n")
    >>> read_split_rows(path, 3, None)["train"]
    array([0, 0])
    """
    rows: dict[str, list[int]] = {part: [] for part in _PARTS.values()}
    for _, row, entry in _found_entries(path, count, image_ids):
        rows[entry.part].append(row)
    return {part: np.array(found, dtype=np.int64) for part, found in rows.items()}


def _found_entries(
    path: Path, count: int, image_ids: npt.NDArray[np.str_] | None
) -> Iterator[tuple[str, int, _Entry]]:
    """Yield the column that names the images, and each line with the row of its image."""
    key, entries = _read_entries(path)
    if key == "image_id" and image_ids is None:
        raise UsageError(
            f"{path} names images, but their ids are unknown.",
            "Give the metadata with --metadata, or use a column row (0 is the first image).",
        )
    names = range(count) if image_ids is None or key == "row" else image_ids.tolist()
    row_of_image = {str(name): row for row, name in enumerate(names)}
    expected = f"a whole number from 0 to {count - 1}" if key == "row" else "an image of the data"
    for entry in entries:
        row = row_of_image.get(entry.image)
        if row is None:
            raise _unexpected(path, entry.line, key, entry.image, expected)
        if entry.part not in _PARTS:
            raise _unexpected(path, entry.line, "part", entry.part, f"one of {', '.join(_PARTS)}")
        yield key, row, entry._replace(part=_PARTS[entry.part])


def _read_entries(path: Path) -> tuple[str, list[_Entry]]:
    """Return the column that names the images, and what the lines say."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            # A cell may hold a line break, so lines are counted by the reader, not by the rows.
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except FileNotFoundError as error:
        raise DataMissingError(f"There is no split file {path}.") from error
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}.", _HINT) from error
    filled = [(line, cells) for line, cells in lines if any(cells)]
    names = filled[0][1] if filled else []
    key = next((name for name in ("image_id", "row") if name in names), None)
    if key is None or "part" not in names:
        raise DataError(
            f"{path} has the columns {', '.join(names)[:200] or 'of an empty file'}; "
            "expected image_id or row, and part.",
            _HINT,
        )
    for line, cells in filled[1:]:
        if len(cells) != len(names):
            raise DataError(
                f"{path}, line {line}: {len(cells)} cells stand there; expected {len(names)}.",
                _HINT,
            )
    at, part = names.index(key), names.index("part")
    return key, [_Entry(line, cells[at], cells[part]) for line, cells in filled[1:]]


def _unexpected(path: Path, line: int, column: str, found: str, expected: str) -> DataError:
    return DataError(
        f"{path}, line {line}, column {column}: {found!r} stands there; expected {expected}.", _HINT
    )
