"""Checks that look at a split: which images train, validate and test.

Each function returns None, or what is wrong.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from hmnist.arrays import Float64, Indices
from hmnist.checks.subject import Found, Subject
from hmnist.dataset import PARTS
from hmnist.diagnoses import CODES
from hmnist.sources.metadata import SAME_LESION
from hmnist.splits.leaks import NATURAL_COPIES, count_copies, count_shared_lesions, find_copies

_LARGEST_DIFFERENCE = 0.1
"""Up to here, half the sum of the differences between the shares of diagnoses is not a finding."""

_SMALLEST_TAIL = 20
"""A test part of fewer images may be a block of rows by chance."""


def find_shared_lesions(subject: Subject) -> Found | None:
    """Find lesions of which one image trains and another validates or tests.

    Images that stand in both parts themselves are left to the checks of copies.
    """
    lesion_ids = subject.data.lesion_ids
    if lesion_ids is None:
        return None
    phrases, evidence = [], {}
    for first, second in combinations(PARTS, 2):
        rows, seen, besides = subject.rows(second), subject.rows(first), ""
        if first == "train":
            copied = find_copies(subject.image_keys, rows, seen)
            besides = ", besides those that are in train themselves" if copied.any() else ""
        else:
            copied = np.isin(rows, seen)
        lesions, images = count_shared_lesions(lesion_ids, rows[~copied], seen)
        if images:
            phrases.append(
                f"{_count(lesions, 'lesion stands', 'lesions stand')} in {first} and {second} "
                f"({images:,} of {len(rows):,} {second} images{besides})"
            )
            evidence[f"lesions in {first} and {second}"] = lesions
            evidence[f"{second} images of lesions in {first}"] = images
    return _found(phrases, evidence)


def find_resampled_before_split(subject: Subject) -> Found | None:
    """Find images that train and, pixel by pixel the same, validate or test."""
    copies = {part: count for part in PARTS[1:] if (count := _copies(subject, "train", part))}
    phrases = [
        f"{count:,} of {len(subject.rows(part)):,} {part} images {_are(count)} in train as well, "
        "pixel by pixel"
        for part, count in copies.items()
    ]
    evidence = {f"{part} images": count for part, count in copies.items()}
    return _found(phrases, evidence, ", as happens where rows are repeated before the split")


def find_test_used_for_validation(subject: Subject) -> Found | None:
    """Find test images that also decide when training stops or which settings are chosen."""
    if copies := _copies(subject, "validation", "test"):
        tested = len(subject.rows("test"))
        return Found(
            f"{copies:,} of {tested:,} test images {_are(copies)} in validation as well: what was "
            "chosen on them is not tested by them.",
            {"test images": copies, "of": tested},
        )
    return None


def find_lesion_under_two_ids(subject: Subject) -> Found | None:
    """Find pairs of images that are known to show one lesion, in two parts, under two lesion ids.

    The pairs are those of `hmnist.sources.metadata.SAME_LESION`.
    """
    image_ids, lesion_ids = subject.data.image_ids, subject.data.lesion_ids
    if image_ids is None:
        return None
    row_of = {image: row for row, image in enumerate(image_ids.tolist())}
    apart = []
    for pair in SAME_LESION:
        rows = [row_of[image] for image in pair if image in row_of]
        parts = [{part for part in PARTS if row in subject.rows(part)} for row in rows]
        merged = lesion_ids is not None and len(np.unique(lesion_ids[rows])) == 1
        if len(rows) == 2 and all(parts) and len(parts[0] | parts[1]) > 1 and not merged:
            apart.append(pair)
    if not apart:
        return None
    published = " (Abhishek et al. 2025)" if apart[0] != SAME_LESION[-1] else ""
    return Found(
        f"{_count(len(apart), 'pair', 'pairs')} of images that show one lesion under two ids"
        f"{published} stand in two parts, {apart[0][0]} and {apart[0][1]} first.",
        {"pairs": len(apart)},
    )


def find_repeated_test_images(subject: Subject) -> Found | None:
    """Find test images that are scored more than once."""
    rows = subject.rows("test")
    repeated = len(rows) - len(np.unique(rows))
    copies = len(rows) - len(np.unique(subject.image_keys[rows]))
    if repeated or copies > NATURAL_COPIES * len(rows):
        return Found(
            f"{copies:,} of {len(rows):,} test images repeat another: each is scored again.",
            {"test images": copies, "of": len(rows)},
        )
    return None


def find_other_shares(subject: Subject) -> Found | None:
    """Find a test part whose shares of the diagnoses are not those of the training images.

    Copies among the training images count once, since oversampling them is not a mistake. Small
    parts have a larger limit: by chance, shares of n images differ by about the root of
    classes / n.
    """
    keys = subject.image_keys
    rows = subject.rows("train")
    training = rows[np.unique(keys[rows], return_index=True)[1]]
    test = subject.rows("test")
    if not (len(training) and len(test)):
        return None
    expected, observed = _shares(subject, training), _shares(subject, test)
    limit = max(_LARGEST_DIFFERENCE, (len(CODES) / min(len(training), len(test))) ** 0.5)
    difference = float(np.abs(expected - observed).sum() / 2)
    if difference <= limit:
        return None
    label = int(np.abs(expected - observed).argmax())
    return Found(
        f"The shares of the diagnoses differ: {CODES[label]} is {observed[label]:.0%} of the test "
        f"part and {expected[label]:.0%} of the training images. Scores are true only for the "
        "shares in the test part.",
        {"half the sum of differences": difference, "limit": limit},
    )


def find_unshuffled_tail(subject: Subject) -> Found | None:
    """Find a test part cut in one piece from a file whose rows come in blocks of a diagnosis.

    The parts of a file that brings its own split stand one after another, so that its test part is
    always the last piece.
    """
    if subject.split is not None and subject.split.kind == "own":
        return None
    labels, rows = subject.data.labels, np.unique(subject.rows("test"))
    if not _SMALLEST_TAIL <= len(rows) < len(labels) or rows[-1] - rows[0] + 1 != len(rows):
        return None
    shares = _shares(subject, np.arange(len(labels)))
    blocks = 1 + int((labels[1:] != labels[:-1]).sum())
    if blocks > 0.5 * len(labels) * (1 - (shares**2).sum()):
        return None  # the diagnosis changes from row to row nearly as often as in random order
    return Found(
        f"The test part is rows {rows[0]:,} to {rows[-1]:,} of a file that is sorted into "
        f"{blocks:,} blocks of one diagnosis: it is not a sample of the file.",
        {"blocks": blocks},
    )


def find_missing_diagnoses(subject: Subject) -> Found | None:
    """Find diagnoses that are in the data but not in one of the parts."""
    present = np.unique(subject.data.labels)
    lacking = {}
    for part in PARTS:
        rows = subject.rows(part)
        missing = np.setdiff1d(present, subject.data.labels[rows])
        if len(rows) and len(missing):
            lacking[f"{part} lacks"] = ", ".join(CODES[label] for label in missing)
    return _found([" ".join(each) for each in lacking.items()], lacking)


def find_empty_parts(subject: Subject) -> Found | None:
    """Find parts without an image."""
    phrases = {
        "train": "train is empty: there is nothing to learn from",
        "validation": "validation is empty: what is stopped or chosen is chosen blindly, or on "
        "the test part",
        "test": "test is empty: there is nothing to score",
    }
    empty = [part for part in PARTS if not len(subject.rows(part))]
    return _found([phrases[part] for part in empty], {"empty": ", ".join(empty)})


def _copies(subject: Subject, seen: str, part: str) -> int:
    """Count the images of a part that have the same pixels as one of the part `seen`."""
    return count_copies(subject.image_keys, subject.rows(part), subject.rows(seen))


def _shares(subject: Subject, rows: Indices) -> Float64:
    counts = np.bincount(subject.data.labels[rows], minlength=len(CODES))
    return np.asarray(counts / len(rows), dtype=np.float64)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _count(number: int, singular: str, plural: str) -> str:
    return f"{number:,} {singular if number == 1 else plural}"


def _found(
    phrases: list[str], evidence: Mapping[str, int | float | str], end: str = ""
) -> Found | None:
    text = "; ".join(phrases)
    return Found(f"{text[0].upper()}{text[1:]}{end}.", evidence) if phrases else None
