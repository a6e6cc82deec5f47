"""A split of the user's own, in a CSV file: `read_split_file`.

`read_split_rows` also reads splits that no model should be trained on, for the checks.
"""

from pathlib import Path

import numpy as np

from hmnist.arrays import Indices, Strings
from hmnist.dataset import PART_OF_WORD, PARTS
from hmnist.errors import DataError, UsageError
from hmnist.sources.tables import read_table

_HINT = "Its first line is image_id,part or row,part; each line below names one image."


def read_split_file(path: Path, count: int, image_ids: Strings | None) -> Strings:
    r"""Read from a CSV file which images train, validate and test.

    Parameters
    ----------
    path : pathlib.Path
        A file with a column ``image_id``, or ``row`` (0 is the first image), and a column ``part``
        with ``train``, ``validation`` (or ``val``) or ``test``. Other columns are ignored; with
        both, ``image_id`` counts.
    count : int
        The number of images in the data.
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
    for part, rows in read_split_rows(path, count, image_ids, repeated=False).items():
        part_of_row[rows] = part
    return part_of_row


def read_split_rows(
    path: Path, count: int, image_ids: Strings | None, *, repeated: bool = True
) -> dict[str, Indices]:
    r"""Read the rows of each part, as often as the file names them.

    Parameters and errors are those of `read_split_file`; images may be `repeated`, in one part or
    in several.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "leaky.csv"
    >>> _ = path.write_text("row,part\n0,train\n0,train\n0,test\n")
    >>> read_split_rows(path, 3, None)["train"]
    array([0, 0])
    """
    column, entries = _read_entries(path)
    if column == "image_id" and image_ids is None:
        raise UsageError(
            f"{path} names images, but their ids are unknown.",
            "Give the metadata with --metadata, or use a column row (0 is the first image).",
        )
    names = range(count) if image_ids is None or column == "row" else image_ids.tolist()
    row_of_image = {str(name): row for row, name in enumerate(names)}
    expected = (
        f"a whole number from 0 to {count - 1}" if column == "row" else "an image of the data"
    )
    rows: dict[str, list[int]] = {part: [] for part in PARTS}
    line_of_row: dict[int, int] = {}
    for line, image, part in entries:
        row = row_of_image.get(image)
        if row is None:
            raise _unexpected(path, line, column, image, expected)
        if part not in PART_OF_WORD:
            raise _unexpected(path, line, "part", part, f"one of {', '.join(PART_OF_WORD)}")
        if row in line_of_row and not repeated:
            once = f"each image once, and line {line_of_row[row]} names this one"
            raise _unexpected(path, line, column, image, once)
        line_of_row[row] = line
        rows[PART_OF_WORD[part]].append(row)
    return {part: np.array(of_part, dtype=np.int64) for part, of_part in rows.items()}


def _read_entries(path: Path) -> tuple[str, list[tuple[int, str, str]]]:
    """Return the column that names the images; and the number, image and part of each line."""
    rows = read_table(path)
    _, names = next(rows, (0, []))
    column = next((name for name in ("image_id", "row") if name in names), None)
    if column is None or "part" not in names:
        raise DataError(
            f"{path} has the columns {', '.join(names)[:200] or 'of an empty file'}; "
            "expected image_id or row, and part.",
            _HINT,
        )
    image, part = names.index(column), names.index("part")
    return column, [(line, cells[image].strip(), cells[part].strip()) for line, cells in rows]


def _unexpected(path: Path, line: int, column: str, cell: str, expected: str) -> DataError:
    return DataError(
        f"{path}, line {line}, column {column}: found {cell[:40]!r}; expected {expected}.",
        _HINT,
    )
