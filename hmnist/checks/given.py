"""Splits and features as they are given, made into what checks look at: `as_split`, `as_features`.

Whoever makes a split or features by hand may write lists, masks or tables; what cannot be
understood is refused in a sentence, never passed over.
"""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.dataset import PARTS, LesionDataset
from hmnist.errors import UsageError
from hmnist.splits.split import Split
from hmnist.splits.split_file import read_split_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    Features = (
        pd.DataFrame
        | pd.Series[Any]
        | pd.Index[Any]
        | Mapping[str, Any]
        | npt.NDArray[Any]
        | Sequence[Any]
    )

__all__ = ["as_features", "as_split"]

Indices = npt.NDArray[np.int64]

_SPLITS = "Give what hmnist.split returns for these data, a Split of your own, or a split file."

_ROWS = "Give rows of the data, 0 is the first, or a mask with True for each row of the part."

_FEATURES = "Give a table with a row per image, or the names of its columns alone."


def as_split(data: LesionDataset, split: Split | str | os.PathLike[str] | None) -> Split | None:
    """Return a split, read from a file where one is named; any that can be read will do.

    Parameters
    ----------
    data : LesionDataset
        What is looked at.
    split : Split, str, os.PathLike or None
        Parts may hold rows in any order, once or more, as an array or a list, or be masks of bool,
        shape (n,). None takes the split that the data bring.

    Returns
    -------
    Split or None
        One of `data`, its rows int64; None where there is none.

    Raises
    ------
    UsageError
        If it is no split, one of other data, or its rows are not rows of these. Data are the same
        where the names of their images are; where names are unknown, where labels and, as far as
        known, lesions are.
    DataError
        If a split file is malformed.

    Examples
    --------
    >>> data = LesionDataset(np.zeros((3, 8, 8, 1), np.uint8), np.array([4, 4, 6]))
    >>> by_hand = Split(data, "mine", [0], [], np.array([False, True, True]))
    >>> as_split(data, by_hand).test_indices
    array([1, 2])
    """
    if split is None:
        if data.own_split is None:
            return None
        train, validation, test = (np.flatnonzero(data.own_split == part) for part in PARTS)
        return Split(data, "own", train, validation, test)
    if isinstance(split, Split):
        _refuse_other_data(data, split.data)
        train, validation, test = (
            _as_rows(part, given, len(data)) for part, given in split.indices.items()
        )
        return dataclasses.replace(
            split,
            data=data,
            train_indices=train,
            validation_indices=validation,
            test_indices=test,
        )
    if not isinstance(split, str | os.PathLike):
        raise UsageError(f"A {type(split).__name__} is no split.", _SPLITS)
    path = Path(split)
    rows = read_split_rows(path, len(data), data.image_ids)
    return Split(data, path.name, rows["train"], rows["validation"], rows["test"])


def as_features(
    features: "Features", count: int
) -> tuple[tuple[str, ...], npt.NDArray[np.float64] | None]:
    """Return the names of features and, where they are given, their values.

    Parameters
    ----------
    features : table, mapping, array, sequence or str
        A table, a mapping from names to columns, one column (`pandas.Series`), an array of shape
        (n, k), a list of rows; or names alone: words in a list, an index or an array.
    count : int
        The number of images.

    Returns
    -------
    names : tuple of str
    values : numpy.ndarray of float64, shape (count, k), or None
        Words are numbered. Empty cells are NaN among numbers and -1 among words.

    Raises
    ------
    UsageError
        If they are none of these, or have another number of rows.

    Examples
    --------
    >>> as_features(["age", "sex"], 2)
    (('age', 'sex'), None)
    >>> names, values = as_features({"age": [40, None], "sex": ["male", "female"]}, 2)
    >>> names, values.tolist()
    (('age', 'sex'), [[40.0, 0.0], [nan, 1.0]])
    """
    import pandas as pd

    if isinstance(features, str):
        return (features,), None
    try:
        if isinstance(features, pd.Series):
            table = features.to_frame()
        elif isinstance(features, pd.DataFrame):
            table = features
        elif isinstance(features, Mapping):
            # Without their index, by which pandas would put rows elsewhere.
            table = pd.DataFrame({name: getattr(to, "array", to) for name, to in features.items()})
        else:
            array = _as_array(features)
            if _are_names(array, count):
                return tuple(map(str, array.tolist())), None
            if array.ndim != 2:
                raise _misshapen(array.shape, count)
            table = pd.DataFrame(array).infer_objects()
    except (TypeError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError("The features are no table of one column each.", _FEATURES) from error
    if len(table) != count:
        raise _misshapen(table.shape, count)
    columns = [_as_numbers(str(name), column) for name, column in table.items()]
    values = np.column_stack(columns) if columns else np.empty((count, 0))
    return tuple(map(str, table.columns)), values


def _refuse_other_data(data: LesionDataset, other: LesionDataset) -> None:
    if other is data:
        return
    if len(other) != len(data):
        raise UsageError(
            f"The split deals out {len(other):,} images; the data hold {len(data):,}.", _SPLITS
        )
    if other.image_ids is not None and data.image_ids is not None:
        _refuse_difference("is", other.image_ids, data.image_ids)
        return
    _refuse_difference("has the label", other.labels, data.labels)
    if other.lesion_ids is not None and data.lesion_ids is not None:
        _refuse_difference("shows the lesion", other.lesion_ids, data.lesion_ids)


def _refuse_difference(
    what: str, one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]
) -> None:
    differs = np.flatnonzero(one != other)
    if len(differs):
        row = differs[0]
        raise UsageError(
            f"The split is one of other data: row {row:,} {what} {one[row]} in its data and "
            f"{other[row]} in these.",
            _SPLITS,
        )


def _as_rows(part: str, given: Any, count: int) -> Indices:
    """Return rows that were given as an array, a list or a mask."""
    try:
        rows = np.asarray(given)
        if rows.dtype == object:
            rows = np.asarray(rows.tolist())
    except ValueError:
        rows = np.empty((), object)  # lists of several lengths
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "biu"):
        raise UsageError(
            f"The {part} part is no list of whole numbers: it has the type {rows.dtype} and the "
            f"shape {rows.shape}.",
            _ROWS,
        )
    if rows.dtype == bool:
        if len(rows) != count:
            raise UsageError(
                f"The {part} part is a mask of {len(rows):,} rows; the data hold {count:,}.", _ROWS
            )
        return np.flatnonzero(rows)
    for row in (rows.min(), rows.max()) if rows.size else ():
        if not 0 <= row < count:
            raise UsageError(
                f"The {part} part holds row {row}; the data hold {count:,} rows, from 0.", _ROWS
            )
    return rows.astype(np.int64)


def _as_array(features: Any) -> npt.NDArray[Any]:
    if hasattr(features, "__array__"):
        return np.asarray(features)
    # As objects, or a word in a row would make words of its numbers.
    listed = list(features) if isinstance(features, Iterable) else features
    return np.array(listed, dtype=object)


def _are_names(array: npt.NDArray[Any], count: int) -> bool:
    """Tell names from a column of words, which has a word per image and some of them again."""
    if array.ndim != 1 or array.dtype.kind not in "OUT":
        return False
    words = array.tolist()
    if not all(isinstance(word, str) for word in words):
        return False
    return len(words) != count or len(set(words)) == count


def _as_numbers(name: str, column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    """Return a column as numbers that are equal where its cells are."""
    import pandas as pd

    try:
        if pd.api.types.is_numeric_dtype(column):
            return column.to_numpy(np.float64, na_value=np.nan)
        return pd.factorize(column)[0].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The column {name!r} of the features holds neither numbers nor words.", _FEATURES
        ) from error


def _misshapen(shape: tuple[int, ...], count: int) -> UsageError:
    return UsageError(
        f"Features have the shape {tuple(shape)}; expected a row for each of the {count:,} images "
        "and a column per feature.",
        _FEATURES,
    )
