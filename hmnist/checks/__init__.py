"""Checks by name: each mistake in data, a split or features is a sentence: `check`.

Checks look at any split, also one that `hmnist.split` would refuse. `catalogue` lists them; the
`Subject` is what they look at, and `Pictures` holds what several of them compute from the images.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from hmnist.checks.catalogue import CHECKS
from hmnist.checks.given import as_features, as_split, read_feature_file
from hmnist.checks.loading import load_mislabelled, unexpected_columns
from hmnist.checks.report import Finding, Report, report_on
from hmnist.checks.subject import Subject
from hmnist.dataset import LesionDataset, check_loaded
from hmnist.files import expand_home
from hmnist.splits.split import Split

if TYPE_CHECKING:
    from hmnist.checks.given import Features


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
        The images that models are trained and tested on.
    split : Split, str, os.PathLike or None
        Which images train, validate and test. Parts of a `Split` may share or repeat rows, or be
        lists or masks; a path names a split file, which may name images twice. None takes the
        split that the data bring; checks of a split are left out if there is none.
    features : pandas.DataFrame, list or tuple of str, or None
        What models get besides or instead of the pixels: a table with a row per image, or the
        names of its columns alone.

    Returns
    -------
    list of Finding
        By code; empty if there is no mistake.

    Raises
    ------
    UsageError
        If the split is one of other data or its rows are not rows of these, or features are
        neither a table nor names, or have another number of rows. Two data sets count as the same
        if their image ids agree; without ids, if labels and known lesions agree.
    DataError
        If a split file is malformed.

    Examples
    --------
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
    on_check: Callable[[int, int], None] | None = None,
) -> Report:
    """Do what `check` does, and report as well which checks could not look.

    `on_check` is told how many checks are done, and of how many.
    """
    check_loaded(data)
    names, values = ((), None) if features is None else as_features(features, len(data))
    subject = Subject(data, as_split(data, split), names, values)
    skipped = {each.code: lack for each in CHECKS if (lack := each.lacks(subject))}
    return report_on(subject, skipped, on_check)


def inspect_file(
    path: str | Path,
    *,
    metadata: str | os.PathLike[str] | Literal[False] | None = None,
    split_file: str | os.PathLike[str] | None = None,
    feature_file: str | os.PathLike[str] | None = None,
    on_check: Callable[[int, int], None] | None = None,
) -> Report:
    """Look for mistakes in a data file, also where `hmnist.load` would refuse it for one of them.

    Those are columns that a pixel file should not have, and labels in another order than that of
    its metadata. `path` and `metadata` are those of `hmnist.load`; `split_file` is the `split` of
    `check`, and `feature_file` a CSV file with its `features`, a row per image.

    Raises
    ------
    DataError
        If a file is missing or malformed in a way that no check knows.
    UsageError
        If the split file names images by id and the ids are unknown, or the features have another
        number of rows than the data.
    """
    path = path if path == "sample" else expand_home(path)
    if isinstance(path, Path) and (columns := unexpected_columns(path)):
        report = _report_columns(path.name, columns)
        # Other columns are not a leak; loading refuses them below.
        if report.findings:
            return report
    data = load_mislabelled(path, metadata)
    return inspect(
        data,
        None if split_file is None else expand_home(split_file),
        features=None if feature_file is None else read_feature_file(expand_home(feature_file)),
        on_check=on_check,
    )


def _report_columns(name: str, columns: Sequence[str]) -> Report:
    """Report on a pixel file that cannot be read for the columns it should not have."""
    nothing = LesionDataset(np.empty((0, 1, 1, 1), np.uint8), np.empty(0, np.int64), name=name)
    unread = "the pixels, which can be read when the other columns are gone"
    skipped = {each.code: unread for each in CHECKS if each.code not in {"HM105", "HM106", "HM126"}}
    return report_on(Subject(nothing, feature_names=tuple(columns)), skipped)
