"""Checks by name: each mistake in data, a split or features is a sentence: `check`.

Checks look at any split, also one that `hmnist.split` would refuse. `parts` holds the functions
that look at a split by its rows, `near_copies` those that compare its images; `content`, `labels`,
`metadata` and `pixels` look at the data, `shortcuts` at what tells a diagnosis without a lesion,
`groups` at patients of one age, sex or site, `columns` at features. A new check is a function,
which returns None or a `Found`, and a line in `CHECKS`. `Pictures` holds what several of them
compute from the images.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from hmnist.checks import (
    columns,
    content,
    groups,
    labels,
    metadata,
    near_copies,
    parts,
    pixels,
    shortcuts,
)
from hmnist.checks.given import as_features, as_split, read_feature_file
from hmnist.checks.loading import load_mislabelled, unexpected_columns
from hmnist.checks.subject import Check, Subject
from hmnist.dataset import LesionDataset
from hmnist.splits.leaks import LEAKS
from hmnist.splits.split import Split

if TYPE_CHECKING:
    from hmnist.checks.given import Features

_NEAR = ("split", "pictures", "detail")

_LIKE_HAM10000 = ("pictures", "colour", "fine detail", "photographs")

_CAST = ("HM119",)
"""Images of nothing but 0 are the same."""

_NO_IMAGES = ("HM117", "HM118", "HM119")
"""Where these find something, images do not look as they should, and near ones may not be near."""

_NO_COLOURS = (*_NO_IMAGES, "HM120")

CHECKS = (
    Check("HM101", LEAKS["HM101"], ("split", "lesions"), parts.find_shared_lesions),
    Check("HM102", LEAKS["HM102"], ("split",), parts.find_resampled_before_split, _CAST),
    Check("HM103", LEAKS["HM103"], ("split",), parts.find_test_used_for_validation, _CAST),
    Check("HM104", "label order of another file", (), content.find_other_label_order),
    Check("HM105", "dx_type among the features", ("dx_type",), columns.find_dx_type_among_features),
    Check("HM106", "diagnosis among the features", (), columns.find_diagnosis_among_features),
    Check(
        "HM107", "one lesion under two ids", ("split", "images"), parts.find_lesion_under_two_ids
    ),
    Check(
        "HM108",
        "one image under two lesions",
        ("lesions",),
        content.find_image_under_two_lesions,
        _CAST,
    ),
    Check(
        "HM109", "one image with two diagnoses", (), content.find_image_with_two_diagnoses, _CAST
    ),
    Check("HM110", "repeated test images", ("split",), parts.find_repeated_test_images, _CAST),
    Check("HM111", "another mix in the test part", ("split",), parts.find_other_shares),
    Check("HM112", "unshuffled tail", ("split",), parts.find_unshuffled_tail),
    Check("HM113", "diagnosis missing from a part", ("split",), parts.find_missing_diagnoses),
    Check("HM114", "empty part", ("split",), parts.find_empty_parts),
    Check("HM115", "near copies in two parts", _NEAR, near_copies.find_near_copies, _NO_IMAGES),
    Check("HM116", "split by image", _NEAR, near_copies.find_split_by_image, _NO_IMAGES),
    Check("HM117", "pixels in another order", ("pictures",), pixels.find_other_pixel_order),
    Check(
        "HM118",
        "blue, green, red",
        ("pictures", "colour"),
        pixels.find_other_channel_order,
        ("HM117",),
    ),
    Check("HM119", "pixels of 0–1 as whole numbers", ("pictures",), pixels.find_cast_pixels),
    Check("HM120", "grey as colour", ("pictures", "colour"), pixels.find_grey_as_colour),
    Check("HM121", "images of one colour", ("pictures",), pixels.find_even_images),
    Check(
        "HM122",
        "metadata of other images",
        ("pictures", "lesions"),
        metadata.find_other_metadata,
        _NO_IMAGES,
    ),
    Check(
        "HM123",
        "diagnoses exchanged",
        _LIKE_HAM10000,
        labels.find_exchanged_diagnoses,
        (*_NO_COLOURS, "HM128"),
    ),
    Check(
        "HM124",
        "wrong labels",
        ("pictures", "colour", "photographs"),
        labels.find_wrong_labels,
        _NO_COLOURS,
    ),
    Check("HM125", "diagnosis with errors", ("features",), columns.find_diagnosis_with_errors),
    Check(
        "HM126", "name among the features", ("features",), columns.find_identifier_among_features
    ),
    Check(
        "HM127",
        "border tells the diagnosis",
        ("pictures",),
        shortcuts.find_telling_border,
        (*_NO_IMAGES, "HM128"),
    ),
    Check(
        "HM128",
        "colour tells the diagnosis",
        ("pictures",),
        shortcuts.find_telling_colours,
        _NO_IMAGES,
    ),
    Check(
        "HM129",
        "test images look different",
        ("split", "pictures"),
        shortcuts.find_other_pictures_in_test,
        _NO_IMAGES,
    ),
    Check(
        "HM130",
        "a group far below the rest",
        ("pictures", "fine detail", "patients"),
        groups.find_weak_group,
        _NO_IMAGES,
    ),
)
"""All checks, by code."""


@dataclass(frozen=True)
class Finding:
    """A mistake that a check found.

    Attributes
    ----------
    code : str
        ``HM101`` …; the same in all versions.
    name : str
        What is wrong, in a few words.
    sentence : str
        What is wrong here, with its counts.
    evidence : mapping of str to int, float or str
        The numbers that the sentence rests on, each with its name.
    """

    code: str
    name: str
    sentence: str
    evidence: Mapping[str, int | float | str]

    def __str__(self) -> str:
        return f"{self.code} {self.name}: {self.sentence}"


@dataclass(frozen=True)
class Report:
    """The findings of all checks, and which checks could look.

    Attributes
    ----------
    data : str
        The name of the data.
    split : str or None
        The kind of the split; None if there is none.
    findings : tuple of Finding
    looked : tuple of Check
        Those whose needs are met.
    skipped : mapping of str to str
        The code of each other check → what it needs.
    images : int
        How many distinct images the data hold.
    compared : int
        How many of them the checks of pictures looked at.
    """

    data: str
    split: str | None
    findings: tuple[Finding, ...]
    looked: tuple[Check, ...]
    skipped: Mapping[str, str]
    images: int
    compared: int


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
        neither a table nor names, or have another number of rows. Data are the same where the
        names of their images are; where names are unknown, where labels and, as far as known,
        lesions are.
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
    names, values = ((), None) if features is None else as_features(features, len(data))
    subject = Subject(data, as_split(data, split), names, values)
    skipped = {each.code: lack for each in CHECKS if (lack := each.lacks(subject))}
    return _report(subject, skipped, on_check)


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
    path = path if path == "sample" else Path(path).expanduser()
    if isinstance(path, Path) and (columns := unexpected_columns(path)):
        report = _report_columns(path.name, columns)
        # Other columns are no leak; loading refuses them below.
        if report.findings:
            return report
    data = load_mislabelled(path, metadata)
    return inspect(
        data,
        None if split_file is None else Path(split_file),
        features=None if feature_file is None else read_feature_file(Path(feature_file)),
        on_check=on_check,
    )


def _report_columns(name: str, columns: Sequence[str]) -> Report:
    """Report on a pixel file that cannot be read for the columns it should not have."""
    nothing = LesionDataset(np.empty((0, 1, 1, 1), np.uint8), np.empty(0, np.int64), name=name)
    unread = "the pixels, which can be read when the other columns are gone"
    skipped = {each.code: unread for each in CHECKS if each.code not in {"HM105", "HM106", "HM126"}}
    return _report(Subject(nothing, feature_names=tuple(columns)), skipped)


def _report(
    subject: Subject,
    skipped: Mapping[str, str],
    on_check: Callable[[int, int], None] | None = None,
) -> Report:
    found: dict[str, Finding] = {}
    left_out = dict(skipped)
    # Causes first, which fewer other checks explain: what follows from them is left out.
    for number, each in enumerate(sorted(CHECKS, key=lambda check: len(check.unless))):
        if on_check is not None:
            on_check(number, len(CHECKS))
        if each.code in left_out:
            continue
        if causes := [code for code in each.unless if code in found]:
            left_out[each.code] = f"images without {' and '.join(causes)}"
        elif (result := each.look(subject)) is not None:
            found[each.code] = Finding(each.code, each.name, result.sentence, result.evidence)
    return Report(
        subject.data.name,
        None if subject.split is None else subject.split.kind,
        tuple(found[code] for code in sorted(found)),
        tuple(each for each in CHECKS if each.code not in left_out),
        left_out,
        len(np.unique(subject.image_keys)),
        len(subject.pictures.rows),
    )
