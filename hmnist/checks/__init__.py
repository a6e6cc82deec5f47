"""Checks by name: what is wrong with data and a split, each in a sentence: `check`.

A check is a code, a name, what it needs to know, and one small function that returns nothing or a
sentence. It looks at any split, also one that `hmnist.split` would refuse. `parts` holds those that
look at a split, `content` those that look at the data and at features; `subject` is what they are
all given, and `given` makes it of what a user hands over. A new check is a function and a line in
`CHECKS`.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hmnist.checks.content import (
    find_diagnosis_among_features,
    find_dx_type_among_features,
    find_image_under_two_lesions,
    find_image_with_two_diagnoses,
    find_other_label_order,
)
from hmnist.checks.given import as_split
from hmnist.checks.parts import (
    find_empty_parts,
    find_lesion_under_two_ids,
    find_missing_diagnoses,
    find_other_mix,
    find_repeated_test_images,
    find_resampled_before_split,
    find_shared_lesions,
    find_test_used_for_validation,
    find_unshuffled_tail,
)
from hmnist.checks.subject import (
    Check,
    Subject,
    as_subject,
    foreign_columns,
    load_any,
    no_data,
)
from hmnist.dataset import LesionDataset
from hmnist.splits.leaks import LEAKS
from hmnist.splits.split import Split

if TYPE_CHECKING:
    from hmnist.checks.given import Features

__all__ = ["CHECKS", "Finding", "Report", "check", "inspect", "inspect_file"]

CHECKS = (
    Check("HM101", LEAKS["HM101"], ("split", "lesions"), find_shared_lesions),
    Check("HM102", LEAKS["HM102"], ("split",), find_resampled_before_split),
    Check("HM103", LEAKS["HM103"], ("split",), find_test_used_for_validation),
    Check("HM104", "label order of another file", (), find_other_label_order),
    Check("HM105", "dx_type among the features", ("dx_type",), find_dx_type_among_features),
    Check("HM106", "diagnosis among the features", (), find_diagnosis_among_features),
    Check("HM107", "one lesion under two ids", ("split", "images"), find_lesion_under_two_ids),
    Check("HM108", "one image under two lesions", ("lesions",), find_image_under_two_lesions),
    Check("HM109", "one image with two diagnoses", (), find_image_with_two_diagnoses),
    Check("HM110", "repeated test images", ("split",), find_repeated_test_images),
    Check("HM111", "another mix in the test part", ("split",), find_other_mix),
    Check("HM112", "unshuffled tail", ("split",), find_unshuffled_tail),
    Check("HM113", "diagnosis missing from a part", ("split",), find_missing_diagnoses),
    Check("HM114", "empty part", ("split",), find_empty_parts),
)
"""All checks, by code."""


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes
    ----------
    code : str
        ``HM101`` …: it stays the same from version to version.
    name : str
        What is wrong, in a few words.
    sentence : str
        What is wrong here, with its counts.
    """

    code: str
    name: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.code} {self.name}: {self.sentence}"


@dataclass(frozen=True)
class Report:
    """What all checks have found, and which had something to look at.

    Attributes
    ----------
    data : str
        What the data are called.
    split : str or None
        The kind of the split; None if there is none.
    findings : tuple of Finding
        By code.
    looked : tuple of Check
        Those that had what they need.
    skipped : mapping of str to str
        Code of each other check → what it would need.
    """

    data: str
    split: str | None
    findings: tuple[Finding, ...]
    looked: tuple[Check, ...]
    skipped: Mapping[str, str]


def check(
    data: LesionDataset,
    split: Split | str | os.PathLike[str] | None = None,
    *,
    features: "Features | None" = None,
) -> list[Finding]:
    """Look for leaks and other mistakes in data, a split and features.

    Parameters
    ----------
    data : LesionDataset
        What models are trained and tested on.
    split : Split, str, os.PathLike or None
        Who trains, validates and is tested. Any `Split` will do, also one whose parts share or
        repeat rows, or are lists or masks; a path names a split file, which may name images twice.
        None takes the split that the data bring, if any; checks of a split are left out if there
        is none.
    features : pandas.DataFrame, mapping, array of shape (n, k), sequence, or None
        What models read beside or instead of the pixels: a table with a row per image, be it a
        mapping from names to columns, one column (`pandas.Series`) or a list of rows; or the names
        of its columns alone, as words in any sequence.

    Returns
    -------
    list of Finding
        By code; empty if nothing was found.

    Raises
    ------
    UsageError
        If the split is one of other data or its rows are none of them, or features are no table
        or have another number of rows. Data are the same where the names of their images are;
        where names are unknown, where labels and, as far as known, lesions are.
    DataError
        If a split file is malformed.

    Examples
    --------
    >>> import numpy as np
    >>> from hmnist.sources.sample import load_sample
    >>> data = load_sample(rows=210)
    >>> rows = np.arange(210)
    >>> leaky = Split(data, "mine", rows[:150], rows[150:], rows[150:])
    >>> [finding.code for finding in check(data, leaky)]
    ['HM103', 'HM111', 'HM112', 'HM113']
    >>> print(check(data, features=["age", "dx_type"])[0])
    HM105 dx_type among the features: The column 'dx_type' tells how a diagnosis was confirmed, \
which depends on what it is.
    """
    return list(inspect(data, split, features=features).findings)


def inspect(
    data: LesionDataset,
    split: Split | str | os.PathLike[str] | None = None,
    *,
    features: "Features | None" = None,
) -> Report:
    """Do what `check` does, and say as well which checks had nothing to look at."""
    return _report(as_subject(data, as_split(data, split), features))


def inspect_file(
    path: str | Path,
    *,
    metadata: str | os.PathLike[str] | Literal[False] | None = None,
    split_file: str | os.PathLike[str] | None = None,
) -> Report:
    """Look for mistakes in a data file, also where `hmnist.load` would refuse it for one of them.

    Parameters
    ----------
    path : str or pathlib.Path
        What `hmnist.load` reads. A pixel file may have columns that it should not have, or labels
        in another order than its metadata.
    metadata : str, os.PathLike, False or None
        As for `hmnist.load`.
    split_file : str, os.PathLike or None
        As the `split` of `check`.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        If a file is missing or malformed in a way that no check knows.
    UsageError
        If the split file names images by id and the ids are unknown.
    """
    path = path if path == "sample" else Path(path).expanduser()
    if isinstance(path, Path) and (columns := foreign_columns(path)):
        report = _report_columns(path.name, columns)
        # Columns that tell nothing of the diagnosis are no leak; the reader says what they are.
        if report.findings:
            return report
    data = load_any(path, metadata)
    return inspect(data, None if split_file is None else Path(split_file))


def _report(subject: Subject) -> Report:
    skipped = {one.code: lack for one in CHECKS if (lack := one.lacks(subject))}
    looked = tuple(one for one in CHECKS if one.code not in skipped)
    kind = None if subject.split is None else subject.split.kind
    return Report(subject.data.name, kind, _findings(looked, subject), looked, skipped)


def _report_columns(name: str, columns: Sequence[str]) -> Report:
    """Report on a pixel file that cannot be read for the columns it should not have."""
    subject = Subject(no_data(name), feature_names=tuple(columns))
    looked = tuple(one for one in CHECKS if one.code in {"HM105", "HM106"})
    unread = "the pixels, which can be read when the other columns are gone"
    skipped = {one.code: unread for one in CHECKS if one not in looked}
    return Report(name, None, _findings(looked, subject), looked, skipped)


def _findings(checks: Sequence[Check], subject: Subject) -> tuple[Finding, ...]:
    return tuple(
        Finding(one.code, one.name, sentence)
        for one in checks
        if (sentence := one.look(subject)) is not None
    )
