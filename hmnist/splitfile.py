"""A split of the user's own, in a CSV file: `read_split_file`."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hmnist.dataset import PARTS, LesionDataset
from hmnist.errors import DataError, DataMissingError, UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_split_file"]

Indices = npt.NDArray[np.int64]


def read_split_file(data: LesionDataset, path: Path) -> npt.NDArray[np.str_]:
    """Read who trains, validates and is tested from a CSV file.

    Parameters
    ----------
    data : LesionDataset
        The images that are dealt out.
    path : pathlib.Path
        A file with a column ``image_id``, or ``row`` (0 is the first image), and a column ``part``
        with ``train``, ``validation`` (or ``val``) or ``test``.

    Returns
    -------
    numpy.ndarray of str, shape (n,)
        The part of each image, empty for images that the file leaves out.

    Raises
    ------
    DataError
        If the file is missing or malformed, or names an image twice or one that is not there.
    UsageError
        If it names images by id and the ids are unknown.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise DataMissingError(f"There is no split file {path}.") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}.") from error
    key = next((column for column in ("image_id", "row") if column in table), None)
    if key is None or "part" not in table:
        raise DataError(
            f"{path} has the columns {', '.join(table.columns)}; "
            "expected image_id or row, and part."
        )
    rows = _rows_by_image_id(data, table, path) if key == "image_id" else _rows(data, table, path)
    parts = table["part"].str.strip().replace({"val": "validation"}).to_numpy(dtype=str)
    _refuse_first(~np.isin(parts, PARTS), path, "part", parts, f"one of {', '.join(PARTS)}")
    _refuse_first(
        table[key].duplicated().to_numpy(), path, key, table[key].to_numpy(dtype=str), "once only"
    )
    part_of_row = np.full(len(data), "", dtype="U10")
    part_of_row[rows] = parts
    return part_of_row


def _rows_by_image_id(data: LesionDataset, table: "pd.DataFrame", path: Path) -> Indices:
    import pandas as pd

    if data.image_ids is None:
        raise UsageError(
            f"{path} names images, but the image ids of {data.name} are unknown.",
            "Give the metadata with --metadata, or use a column row (0 is the first image).",
        )
    rows = pd.Index(data.image_ids).get_indexer(pd.Index(table["image_id"]))
    named = table["image_id"].to_numpy(dtype=str)
    _refuse_first(rows < 0, path, "image_id", named, f"an image of {data.name}")
    return rows.astype(np.int64)


def _rows(data: LesionDataset, table: "pd.DataFrame", path: Path) -> Indices:
    import pandas as pd

    numbers = pd.to_numeric(table["row"], errors="coerce").to_numpy(dtype=float)
    named = table["row"].to_numpy(dtype=str)
    sound = (numbers >= 0) & (numbers < len(data)) & (numbers % 1 == 0)
    _refuse_first(~sound, path, "row", named, f"a whole number from 0 to {len(data) - 1}")
    return numbers.astype(np.int64)


def _refuse_first(
    wrong: npt.NDArray[np.bool_],
    path: Path,
    column: str,
    values: npt.NDArray[np.str_],
    expected: str,
) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"{path}, line {first + 2}, column {column}: {str(values[first])!r} stands there; "
            f"expected {expected}."
        )
