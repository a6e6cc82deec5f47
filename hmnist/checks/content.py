"""Checks that look at images, labels and features, whatever the split.

Each function returns None, or a sentence that says what is wrong.
"""

import re

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Booleans, Float64, Indices, Labels, Pixels, Strings
from hmnist.checks.subject import Subject
from hmnist.diagnoses import CODES, MEDMNIST_CODES

_COMMONEST = CODES.index("nv")

_ENOUGH = 10
"""With fewer images per group, a column may tell the groups by chance."""

_FIRST_IMAGES = 20
"""Images per group that suffice to exclude most columns."""


def find_other_label_order(subject: Subject) -> str | None:
    """Find labels that number the diagnoses as another file does.

    The metadata show it. Without them, naevi (nv, 67 % of HAM10000) do: if another label has more
    than half of all images, that label must be theirs.
    """
    labels, dx = subject.data.labels, subject.metadata_column("dx")
    if dx is not None:
        return _contradiction(labels, dx)
    counts = np.bincount(labels, minlength=len(CODES))
    commonest = int(counts.argmax())
    if commonest == _COMMONEST or counts[commonest] <= 0.5 * len(labels):
        return None
    is_medmnists = MEDMNIST_CODES[commonest] == "nv"
    end = "; MedMNIST's order, the alphabet's, has nv there." if is_medmnists else "."
    return (
        f"{counts[commonest] / len(labels):.0%} of the images have label {commonest}, "
        f"{CODES[commonest]} in the Kaggle order, where nv should be the commonest{end}"
    )


def find_dx_type_among_features(subject: Subject) -> str | None:
    """Find a feature that tells how a diagnosis was confirmed: by its name or by its values."""
    for name in filter(_tells_dx_type, subject.feature_names):
        return (
            f"The column {name!r} tells how a diagnosis was confirmed, which depends on what it is."
        )
    dx_type = subject.metadata_column("dx_type")
    column = None if dx_type is None else _telling_column(subject, dx_type)
    if column is None:
        return None
    return f"{column} has one value for each dx_type, which tells how a diagnosis was confirmed."


def find_diagnosis_among_features(subject: Subject) -> str | None:
    """Find the diagnosis itself among the features: by its name or by its values."""
    for name in filter(_tells_diagnosis, subject.feature_names):
        return f"The column {name!r} is the diagnosis itself."
    column = _telling_column(subject, subject.data.labels)
    return None if column is None else f"{column} has one value for each diagnosis."


def find_image_under_two_lesions(subject: Subject) -> str | None:
    """Find images that are the same pixel by pixel, but have two lesion ids."""
    lesion_ids = subject.data.lesion_ids
    if lesion_ids is None:
        return None
    return _same_pixels(
        subject, lesion_ids, "under another lesion_id", ": a split by lesion may part them"
    )


def find_image_with_two_diagnoses(subject: Subject) -> str | None:
    """Find images that are the same pixel by pixel, but have two labels."""
    return _same_pixels(subject, subject.data.labels, "of another diagnosis")


def _contradiction(labels: Labels, dx: Strings) -> str | None:
    wrong = np.array(CODES)[labels] != dx
    if not wrong.any():
        return None
    pairs = set(zip(labels.tolist(), dx.tolist(), strict=True))
    if all(MEDMNIST_CODES[label] == diagnosis for label, diagnosis in pairs):
        return (
            "By the metadata, the labels are in MedMNIST's order, the alphabet's (4 mel, 5 nv, "
            f"6 vasc), not in Kaggle's (4 nv, 5 vasc, 6 mel): {int(wrong.sum()):,} of "
            f"{len(labels):,} images have a wrong name."
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


def _telling(table: Pixels | Float64 | None, groups: npt.NDArray[np.generic]) -> Indices:
    """Return the columns that are constant within each group and differ between groups.

    An empty cell counts as a value: a column that is filled for one group only tells the group.
    """
    names, group_of_row = np.unique(groups, return_inverse=True)
    if table is None or len(names) < 2 or len(groups) < _ENOUGH * len(names):
        return np.empty(0, np.int64)
    rows_of_groups = [np.flatnonzero(group_of_row == group) for group in range(len(names))]
    columns = np.arange(table.shape[1])
    # A few rows exclude most columns, so that all rows are compared in few columns only.
    for limit in (_FIRST_IMAGES, len(groups)):
        for rows in rows_of_groups:
            values = table[np.ix_(rows[:limit], columns)]
            columns = columns[_same(values, values[:1]).all(axis=0)]
    first = table[np.ix_([rows[0] for rows in rows_of_groups], columns)]
    return np.asarray(columns[~_same(first, first[:1]).all(axis=0)], dtype=np.int64)


def _same(values: Pixels | Float64, reference: Pixels | Float64) -> Booleans:
    """Compare values; NaN is the same as NaN."""
    same: Booleans = values == reference
    if values.dtype.kind == "f":
        same |= np.isnan(values) & np.isnan(reference)
    return same


def _same_pixels(
    subject: Subject, names: npt.NDArray[np.generic], which: str, end: str = ""
) -> str | None:
    """Describe images that have the pixels of an earlier one, but another name."""
    _, first, group = np.unique(subject.image_keys, return_index=True, return_inverse=True)
    earlier = first[group]
    rows = np.flatnonzero(names != names[earlier])
    if not len(rows):
        return None
    images = f"{len(rows):,} images have" if len(rows) > 1 else "1 image has"
    return (
        f"{images} the same pixels as an earlier one {which}, row {rows[0] + 1:,} as row "
        f"{earlier[rows[0]] + 1:,} first{end}."
    )
