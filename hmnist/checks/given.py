"""Splits and features of a user, in the form that checks look at: `as_split`, `as_features`.

What cannot be understood is refused, never ignored.
"""

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.arrays import Float64
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError, with_article
from hmnist.files import expand_home
from hmnist.sources.tables import read_table
from hmnist.splits.split import Split, own_split, take_over
from hmnist.splits.split_file import read_split_rows

if TYPE_CHECKING:
    import pandas as pd

    Features = pd.DataFrame | list[str] | tuple[str, ...]

_FEATURES = (
    "Give a table with a row per image (a pandas.DataFrame, or --feature-file FILE), or a list of "
    "the names of its columns."
)


def as_split(data: LesionDataset, split: Split | str | os.PathLike[str] | None) -> Split | None:
    """Return a split of `data`, whose rows are in any order and maybe repeated.

    Parameters and errors are those of `hmnist.check`.

    Examples
    --------
    >>> data = LesionDataset(np.zeros((3, 8, 8, 1), np.uint8), np.array([4, 4, 6]))
    >>> by_hand = Split(data, "mine", [0], [], [False, True, True])
    >>> as_split(data, by_hand).test_indices
    array([1, 2])
    """
    if split is None:
        return None if data.own_split is None else own_split(data)
    given = take_over(data, split)
    if isinstance(given, Split):
        return given
    path = expand_home(given)
    rows = read_split_rows(path, len(data), data.image_ids)
    return Split(data, path.name, rows["train"], rows["validation"], rows["test"])


def as_features(features: "Features", count: int) -> tuple[tuple[str, ...], Float64 | None]:
    """Return the names of features and, if they are given, their values: float64, (count, k).

    Words are numbered. Empty cells are NaN.

    Examples
    --------
    >>> as_features(["age", "sex"], 2)
    (('age', 'sex'), None)
    >>> import pandas as pd
    >>> table = pd.DataFrame({"age": [40, None], "sex": ["male", "female"]})
    >>> as_features(table, 2)[1].tolist()
    [[40.0, 0.0], [nan, 1.0]]
    """
    import pandas as pd

    if isinstance(features, pd.DataFrame):
        if len(features) != count:
            rows = "1 row" if len(features) == 1 else f"{len(features):,} rows"
            raise UsageError(
                f"The features have {rows}; expected a row for each of the {count:,} images.",
                _FEATURES,
            )
        columns = [_as_numbers(str(name), column) for name, column in features.items()]
        values = np.column_stack(columns) if columns else np.empty((count, 0))
        return tuple(map(str, features.columns)), values
    if not (isinstance(features, list | tuple) and all(isinstance(name, str) for name in features)):
        raise UsageError(
            f"The features are neither a table nor names, but {with_article(type(features))}.",
            _FEATURES,
        )
    if len(set(features)) < len(features):
        raise UsageError("The names of the features are not all different.", _FEATURES)
    return tuple(features), None


def read_feature_file(path: Path) -> "pd.DataFrame":
    r"""Return features from a CSV file with a row per image, in the order of the data.

    Columns of numbers are numbers, and others are words. Raises DataError if the file is missing or
    malformed.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "features.csv"
    >>> _ = path.write_text("age,sex\n40,male\n,female\n")
    >>> as_features(read_feature_file(path), 2)[1].tolist()
    [[40.0, 0.0], [nan, 1.0]]
    """
    import pandas as pd

    rows = read_table(path)
    names = next(rows, (0, []))[1]
    table = pd.DataFrame([cells for _, cells in rows], columns=names, dtype=str).replace("", None)
    for name in table:
        with contextlib.suppress(ValueError):
            table[name] = pd.to_numeric(table[name])
    return table


def _as_numbers(name: str, column: "pd.Series[Any]") -> Float64:
    """Return a column as numbers that are equal where its cells are."""
    import pandas as pd

    try:
        if pd.api.types.is_numeric_dtype(column):
            return column.to_numpy(np.float64, na_value=np.nan)
        numbers = pd.factorize(column)[0]
        return np.where(numbers < 0, np.nan, numbers)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The column {name!r} of the features holds neither numbers nor words.", _FEATURES
        ) from error
