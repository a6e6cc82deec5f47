"""Checks of the features: columns that tell the diagnosis, or how it was confirmed, or the lesion.

Each function returns None, or what is wrong; `TooFew` if it cannot judge. Pixels are looked at as
well.
"""

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Booleans, Float64, Indices, Labels, Pixels
from hmnist.checks.cross_fitting import Auc, measure_auc
from hmnist.checks.subject import Found, Subject, TooFew
from hmnist.diagnoses import CODES, MALIGNANT

_ENOUGH = 10
"""With fewer images per group, a column may tell the groups by chance."""

_FIRST_IMAGES = 20
"""Images per group that suffice to exclude most columns."""

_MOSTLY = 0.95
"""From this share of the rows of each diagnosis on, a column that has one value in them tells it,
though for errors."""

_FEW = 2
"""So many rows of a rare diagnosis may have another value in any case."""

_BY_CHANCE = 1e-4
"""The probability below which whole numbers that all differ are names."""

_TOO_GOOD = 0.85
"""The macro AUC of a column alone. On HAM10000 the best column of `describe_unfitted` has .75, the
site .72, age .66 and dx_type, a leak of its own, .79; the labels with a noise of .7 have .90, with
one of 1 .84. A finding if the interval is above."""

_TOO_GOOD_FOR_ONE = 0.9
"""The AUC of one diagnosis against the rest, or of malignant against benign ones, by a column
alone. On HAM10000 the best of these 461 columns has .85 [.82, .88] (bcc), dx_type .83 (df); whether
a lesion is mel has .97 with 3 % of the rows wrong, and .90 with a noise of .5."""

_BINS = 64
"""Ranges of values, each with an equal number of rows, for which the diagnoses are counted."""


def find_dx_type_among_features(subject: Subject) -> Found | None:
    """Find a feature that tells how a diagnosis was confirmed: by its name or by its values."""
    for name in filter(_tells_dx_type, subject.feature_names):
        return Found(
            f"The column {name!r} tells how a diagnosis was confirmed, which depends on what it "
            "is.",
            {"column": name},
        )
    dx_type = subject.metadata_column("dx_type")
    column = None if dx_type is None else _telling_column(subject, dx_type)
    if column is None:
        return None
    return Found(
        f"{column} has one value for each dx_type, which tells how a diagnosis was confirmed.",
        {"column": column},
    )


def find_diagnosis_among_features(subject: Subject) -> Found | None:
    """Find the diagnosis itself among the features: by its name or by its values."""
    for name in filter(_tells_diagnosis, subject.feature_names):
        return Found(f"The column {name!r} is the diagnosis itself.", {"column": name})
    column = _telling_column(subject, subject.data.labels)
    if column is None:
        return None
    return Found(f"{column} has one value for each diagnosis.", {"column": column})


def find_diagnosis_with_errors(subject: Subject) -> Found | TooFew | None:
    """Find a feature that is the diagnosis with noise, or with a few wrong cells."""
    if subject.feature_values is None:
        return TooFew("the values of the features")
    if find_diagnosis_among_features(subject) is not None:
        return None
    labels = subject.data.labels
    for name, values in zip(subject.feature_names, subject.feature_values.T, strict=True):
        if _names_something(name) or _what_is_numbered(values, subject):
            continue  # names tell the diagnosis, too
        share = _share_of_commonest(values, labels)
        if share > 0:
            return Found(
                f"The column {name!r} has one value for each diagnosis in {share:.1%} of the rows: "
                "it is the diagnosis with a few errors.",
                {"column": name, "share of rows": share, "limit": _MOSTLY},
            )
        aucs = _aucs_of_column(values, labels, subject.lesion_numbers)
        if (found := _judge_aucs(name, aucs)) is not None:
            return found
    return None


def _judge_aucs(name: str, aucs: dict[str, Auc]) -> Found | None:
    """Find that a column tells all diagnoses, or one of them, better than any property does."""
    of_diagnoses = [auc for target, auc in aucs.items() if target in CODES]
    if of_diagnoses and (mean := _mean_auc(of_diagnoses)).low > _TOO_GOOD:
        return Found(
            f"The column {name!r} alone tells the diagnoses with an AUC of {mean.value:.3f}, "
            "where the best of 461 columns that describe HAM10000's images has .75: it is made "
            "of the diagnosis.",
            {"column": name, "AUC": mean.value, "low": mean.low, "limit": _TOO_GOOD},
        )
    for target, auc in aucs.items():
        if auc.low > _TOO_GOOD_FOR_ONE:
            return Found(
                f"The column {name!r} alone tells {target} from the rest with an AUC of "
                f"{auc.value:.3f}, where the best of 461 columns that describe HAM10000's images "
                "has .85 for one diagnosis: it is made of the diagnosis, or of predictions of it.",
                {"column": name, "AUC": auc.value, "low": auc.low, "limit": _TOO_GOOD_FOR_ONE},
            )
    return None


def find_identifier_among_features(subject: Subject) -> Found | None:
    """Find a feature that names the image, the lesion or the row: by its name or by its values."""
    for name in filter(_names_something, subject.feature_names):
        return Found(
            f"The column {name!r} is a name, not a property: it tells which images belong "
            "together, and by the order of the file the diagnosis.",
            {"column": name},
        )
    if subject.feature_values is None:
        return None
    for name, values in zip(subject.feature_names, subject.feature_values.T, strict=True):
        what = _what_is_numbered(values, subject)
        if what is not None:
            return Found(
                f"The column {name!r} numbers the {what}: it is a name, not a property.",
                {"column": name, "numbers": what},
            )
    return None


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


def _share_of_commonest(values: Float64, labels: Labels) -> float:
    """Return the share of rows that have the commonest value of their diagnosis.

    It is 0 where these values are all one, or more than a few rows of a diagnosis have another.
    """
    commonest: list[float] = []
    hits, rows = 0, 0
    for label in np.flatnonzero(np.bincount(labels) >= _ENOUGH):
        found, counts = np.unique(values[labels == label], return_counts=True)
        most, count = int(counts.max()), int(counts.sum())
        if count - most > max(_FEW, (1 - _MOSTLY) * count):
            return 0.0
        commonest.append(float(found[counts.argmax()]))
        hits, rows = hits + most, rows + count
    return hits / rows if len(np.unique(commonest)) > 1 else 0.0  # NaN is one value


def _aucs_of_column(values: Float64, labels: Labels, groups: Indices) -> dict[str, Auc]:
    """Return the AUC of each diagnosis that has enough images, and of malignant ones, by a column.

    How frequent each diagnosis is in a range of values is counted on one half of the lesions, and
    tells the diagnoses of the other half.
    """
    if np.isnan(values).all():
        return {}
    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, "right"))
    half = np.random.default_rng(0).permutation(int(groups.max()) + 1)[groups] % 2
    targets = {code: labels == label for label, code in enumerate(CODES)}
    targets["malignant diagnoses"] = np.isin(labels, MALIGNANT)
    aucs = {}
    for target, is_target in targets.items():
        if is_target.sum() < 2 * _ENOUGH or is_target.all():
            continue
        share = np.zeros(len(labels))
        for side in (0, 1):
            counted = half == side
            of_bin = np.bincount(bins[counted], minlength=len(edges) + 2)
            hits = np.bincount(bins[counted & is_target], minlength=len(edges) + 2)
            share[~counted] = (hits / of_bin.clip(1))[bins[~counted]]
        aucs[target] = measure_auc(is_target, share, groups)
    return aucs


def _mean_auc(aucs: Sequence[Auc]) -> Auc:
    """Return the mean of AUCs, with an interval as if they were independent."""
    spread = float(np.sqrt(np.sum([(auc.value - auc.low) ** 2 for auc in aucs]))) / len(aucs)
    mean = float(np.mean([auc.value for auc in aucs]))
    return Auc(mean, mean - spread, mean + spread)


def _names_something(name: str) -> bool:
    """Tell whether a column is an identifier by its name, as lesion_id, image or index."""
    words = (
        r"(.*[_ ])?(id|uid|uuid|index)|(lesion|image|patient|isic|file|row)([_ ]?(name|number))?"
    )
    return re.fullmatch(words, name.strip().lower()) is not None


def _are_numbers_of_rows(values: Float64) -> bool:
    """Tell whether whole numbers differ in all rows although their range is too narrow for that.

    Of n numbers at random in a range of r, no two are equal with a probability of about
    exp(-n² / 2r), the birthday problem. The ranks of a property are taken for names, too.
    """
    if not np.isfinite(values).all() or (values != np.round(values)).any():
        return False
    reach = float(np.ptp(values)) + 1
    by_chance = math.exp(-(len(values) ** 2) / (2 * reach))
    return len(np.unique(values)) == len(values) and by_chance < _BY_CHANCE


def _what_is_numbered(values: Float64, subject: Subject) -> str | None:
    """Return ``lesions`` or ``rows`` if each has a value of its own, all rows of a lesion one."""
    rows = np.flatnonzero(np.isfinite(values))  # a cell may be empty
    known = values[rows]
    if len(known) < _ENOUGH:
        return None
    if (np.diff(known) == np.diff(rows)).all() or _are_numbers_of_rows(known):
        return "rows"
    if any(_are_numbers_of(known, lesions[rows]) for lesions in subject.lesion_numberings):
        return "lesions"
    return None


def _are_numbers_of(values: Float64, lesions: Indices) -> bool:
    """Tell whether each lesion has a value of its own, in enough rows beside its first."""
    count = len(np.unique(lesions))
    pairs = len(np.unique(np.column_stack([lesions, values]), axis=0))
    return pairs == len(np.unique(values)) == count <= len(values) - _ENOUGH
