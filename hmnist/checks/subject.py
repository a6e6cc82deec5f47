"""What checks look at: data, a split of any kind, and the features that models read."""

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from hmnist.checks.given import as_features
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import DataError
from hmnist.sources import load
from hmnist.sources.header import read_header
from hmnist.sources.metadata import METADATA_FILE, merge_same_lesions, read_metadata
from hmnist.sources.opening import opened
from hmnist.splits.leaks import number_images
from hmnist.splits.split import Split

if TYPE_CHECKING:
    from hmnist.checks.given import Features

__all__ = [
    "Check",
    "Subject",
    "as_subject",
    "foreign_columns",
    "load_any",
    "no_data",
]

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Subject:
    """What a check is given.

    Attributes
    ----------
    data : LesionDataset
        Images, labels and what is known of them.
    split : Split or None
        Who trains, validates and is tested; parts may share rows and repeat them.
    feature_names : tuple of str
        The names of the columns that models read beside the pixels.
    feature_values : numpy.ndarray of float64, shape (n, k), or None
        Their values; words are numbered. Missing values are NaN, or -1 among words.
    """

    data: LesionDataset
    split: Split | None = None
    feature_names: tuple[str, ...] = ()
    feature_values: npt.NDArray[np.float64] | None = None

    @cached_property
    def image_keys(self) -> Indices:
        """A number for each row of the data; rows with the same pixels have the same."""
        return number_images(self.data.images)

    def rows(self, part: str) -> Indices:
        """Return the rows of a part, as often as it holds them; none if there is no split."""
        return np.empty(0, np.int64) if self.split is None else self.split.indices[part]

    def metadata_column(self, name: str) -> npt.NDArray[np.str_] | None:
        """Return a column of the metadata as text; None if it is not known."""
        if self.data.metadata is None or name not in self.data.metadata:
            return None
        return self.data.metadata[name].to_numpy(dtype=str)

    def lacks(self, need: str) -> str | None:
        """Say what is not known, None if it is."""
        known = {
            "split": self.split is not None,
            "lesions": self.data.lesion_ids is not None,
            "images": self.data.image_ids is not None,
            "dx_type": bool(self.feature_names) or self.metadata_column("dx_type") is not None,
        }
        wanted = {
            "split": "a split",
            "lesions": "the lesions",
            "images": "the names of the images",
            "dx_type": "dx_type in the metadata, or features",
        }
        return None if known[need] else wanted[need]


@dataclass(frozen=True)
class Check:
    """A check: what it is called, what it has to know, and the function that looks.

    Attributes
    ----------
    code, name : str
        As in `hmnist.checks.Finding`.
    needs : tuple of str
        ``split``, ``lesions``, ``images`` (their names), ``dx_type``.
    look : callable
        Returns None, or a sentence that says what is wrong.
    """

    code: str
    name: str
    needs: tuple[str, ...]
    look: Callable[[Subject], str | None]

    def lacks(self, subject: Subject) -> str | None:
        """Say what would have to be known before it could look, None if all is."""
        missing = [lack for need in self.needs if (lack := subject.lacks(need))]
        return " and ".join(missing) or None


def as_subject(
    data: LesionDataset, split: Split | None, features: "Features | None" = None
) -> Subject:
    """Return what checks look at; features may be a table, an array, or names alone.

    Raises
    ------
    UsageError
        If features have another number of rows than the data, or are no table.
    """
    if features is None:
        return Subject(data, split)
    return Subject(data, split, *as_features(features, len(data)))


def foreign_columns(path: Path) -> list[str]:
    """Return the columns of a pixel file that are neither pixels nor the label.

    None are returned of what is no pixel file: saying so is left to its reader.
    """
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        return []
    with opened(path) as file:
        names, _ = read_header(file, path)
    if "pixel0000" not in names and "pixel0" not in names:
        return []
    return [name for name in names if name != "label" and not name.startswith("pixel")]


def load_any(
    path: str | Path, metadata: str | os.PathLike[str] | Literal[False] | None
) -> LesionDataset:
    """Load data as `hmnist.load` does, also where all labels follow another order than `CODES`.

    Raises
    ------
    DataError
        As `hmnist.load`.
    """
    try:
        return load(path, metadata=metadata)
    except DataError as error:
        data = None if path == "sample" else _with_labels_in_another_order(Path(path), metadata)
        if data is None:
            raise error from None
        return data


def no_data(name: str) -> LesionDataset:
    """Return a data set of no images, where only names can be looked at."""
    return LesionDataset(np.empty((0, 1, 1, 1), np.uint8), np.empty(0, np.int64), name=name)


def _with_labels_in_another_order(
    path: Path, metadata: str | os.PathLike[str] | Literal[False] | None
) -> LesionDataset | None:
    """Return data whose labels stand for other diagnoses, one for one, than the metadata say."""
    place = Path(metadata) if metadata else path.with_name(METADATA_FILE)
    if metadata is False or metadata == "none" or not place.is_file():
        return None
    data = load(path, metadata=False)
    table = read_metadata(place)
    pairs = set(zip(data.labels.tolist(), table["dx"].tolist(), strict=False))
    one_for_one = len(pairs) == len({label for label, _ in pairs}) == len({dx for _, dx in pairs})
    if len(table) != len(data) or not one_for_one:
        return None
    if all(CODES[label] == dx for label, dx in pairs):
        return None
    lesions = merge_same_lesions(table["image_id"].tolist(), table["lesion_id"].tolist())
    return dataclasses.replace(data, metadata=table, lesion_ids=lesions)
