"""Checks that look at images, labels and features, whoever is tested on them.

Each function returns None, or a sentence that says what is wrong.
"""

import re

import numpy as np
import numpy.typing as npt

from hmnist.checks.subject import Indices, Subject
from hmnist.diagnoses import CODES, MEDMNIST_CODES

__all__ = [
    "find_diagnosis_among_features",
    "find_dx_type_among_features",
    "find_image_under_two_lesions",
    "find_image_with_two_diagnoses",
    "find_other_label_order",
]

_COMMONEST = CODES.index("nv")

_ENOUGH = 10
"""Images per group, below which a column may tell the groups by chance."""

_GLANCE = 20
"""Images per group that show for most columns that they do not tell the groups."""


def find_other_label_order(subject: Subject) -> str | None:
    """Find labels that number the diagnoses as another file does.

    The metadata tell for certain. Without them, naevi (nv, 67 % of HAM10000) do: where another
    label has more than half of all images, that label is theirs.
    """
    labels, dx = subject.data.labels, subject.metadata_column("dx")
    if dx is not None:
        return _contradiction(labels, dx)
    counts = np.bincount(labels, minlength=len(CODES))
    commonest = int(counts.argmax())
    if commonest == _COMMONEST or counts[commonest] <= 0.5 * len(labels):
        return None
    return (
        f"{counts[commonest] / len(labels):.0%} of the images have label {commonest}, "
        f"{CODES[commonest]} in the Kaggle order, where nv should be the commonest"
        + (
            "; MedMNIST's order, the alphabet's, has nv there."
            if MEDMNIST_CODES[commonest] == "nv"
            else "."
        )
    )


def find_dx_type_among_features(subject: Subject) -> str | None:
    """Find how a diagnosis was confirmed among what models read: by name or by its values."""
    for name in filter(_tells_dx_type, subject.feature_names):
        return (
            f"The column {name!r} tells how a diagnosis was confirmed, which depends on what it is."
        )
    kinds = subject.metadata_column("dx_type")
    column = None if kinds is None else _telling_column(subject, kinds)
    if column is None:
        return None
    return f"{column} has one value for each dx_type, which tells how a diagnosis was confirmed."


def find_diagnosis_among_features(subject: Subject) -> str | None:
    """Find the diagnosis itself among what models read: by name or by its values."""
    for name in filter(_tells_diagnosis, subject.feature_names):
        return f"The column {name!r} is the diagnosis that is to be found."
    column = _telling_column(subject, subject.data.labels)
    return None if column is None else f"{column} has one value for each diagnosis."


def find_image_under_two_lesions(subject: Subject) -> str | None:
    """Find images that are the same pixel by pixel, and said to show two lesions."""
    lesion_ids = subject.data.lesion_ids
    if lesion_ids is None:
        return None
    pairs = _pairs_that_differ(subject.image_keys, lesion_ids)
    if not pairs:
        return None
    first, second = pairs[0]
    return (
        f"{_number(pairs)} the same pixels as an earlier one under another lesion_id, row "
        f"{second + 1:,} as row {first + 1:,} first: a split by lesion may part them."
    )


def find_image_with_two_diagnoses(subject: Subject) -> str | None:
    """Find images that are the same pixel by pixel, under two labels."""
    pairs = _pairs_that_differ(subject.image_keys, subject.data.labels)
    if not pairs:
        return None
    first, second = pairs[0]
    return (
        f"{_number(pairs)} the same pixels as an earlier one of another diagnosis, row "
        f"{second + 1:,} as row {first + 1:,} first."
    )


def _contradiction(labels: Indices, dx: npt.NDArray[np.str_]) -> str | None:
    wrong = np.array(CODES)[labels] != dx
    if not wrong.any():
        return None
    pairs = set(zip(labels.tolist(), dx.tolist(), strict=True))
    if all(MEDMNIST_CODES[label] == diagnosis for label, diagnosis in pairs):
        return (
            "By the metadata, the labels are in MedMNIST's order, the alphabet's (4 mel, 5 nv, "
            f"6 vasc), not in Kaggle's (4 nv, 5 vasc, 6 mel): {int(wrong.sum()):,} of "
            f"{len(labels):,} images go by a wrong name."
        )
    row = int(wrong.argmax())
    return (
        f"{int(wrong.sum()):,} of {len(labels):,} labels contradict the metadata, that of row "
        f"{row + 1:,} first: {labels[row]} is {CODES[labels[row]]}, and dx says {dx[row]}."
    )


def _tells_dx_type(name: str) -> bool:
    """Tell whether a column is dx_type or one of its indicators (dx_type_histo)."""
    return re.fullmatch(r"dx_type([_=: ].*)?", name.strip().lower()) is not None


def _tells_diagnosis(name: str) -> bool:
    """Tell whether a column is the diagnosis or one of its indicators (dx_nv, dx=nv, nv alone)."""
    codes = "|".join(CODES)
    words = rf"(dx|label|diagnosis|target)([_=: ]({codes}))?|cell_type([_=: ].*)?|{codes}"
    return re.fullmatch(words, name.strip().lower()) is not None


def _telling_column(subject: Subject, groups: npt.NDArray[np.generic]) -> str | None:
    """Name the first column of the features, or pixel, whose value follows from the group."""
    columns = _telling(subject.feature_values, groups)
    if len(columns):
        return f"The column {subject.feature_names[columns[0]]!r}"
    columns = _telling(subject.data.X, groups)
    return f"Pixel column {columns[0]:,}" if len(columns) else None


def _telling(
    table: npt.NDArray[np.uint8] | npt.NDArray[np.float64] | None, groups: npt.NDArray[np.generic]
) -> Indices:
    """Return the columns that are constant within each group and differ between groups.

    Empty cells are a value of their own: a column that is filled for one group only tells it.
    """
    names, group_of_row = np.unique(groups, return_inverse=True)
    if table is None or len(names) < 2 or len(groups) < _ENOUGH * len(names):
        return np.empty(0, np.int64)
    members = [np.flatnonzero(group_of_row == group) for group in range(len(names))]
    columns = np.arange(table.shape[1])
    # Most columns are out at a glance, so that all rows are looked at in a few columns only.
    for most in (_GLANCE, len(groups)):
        for rows in members:
            values = table[np.ix_(rows[:most], columns)]
            columns = columns[_same(values, values[:1]).all(axis=0)]
    first = table[np.ix_([rows[0] for rows in members], columns)]
    return np.asarray(columns[~_same(first, first[:1]).all(axis=0)], dtype=np.int64)


def _same(
    values: npt.NDArray[np.uint8] | npt.NDArray[np.float64],
    others: npt.NDArray[np.uint8] | npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    same: npt.NDArray[np.bool_] = values == others
    if values.dtype.kind == "f":
        same |= np.isnan(values) & np.isnan(others)
    return same


def _pairs_that_differ(keys: Indices, names: npt.NDArray[np.generic]) -> list[tuple[int, int]]:
    """Return rows that have the same key as an earlier row and another name than its."""
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    differs = np.flatnonzero(names != names[first[group]])
    return [(int(first[group[row]]), int(row)) for row in differs]


def _number(pairs: list[tuple[int, int]]) -> str:
    return f"{len(pairs):,} images have" if len(pairs) > 1 else "1 image has"
