"""Leaks in numbers: `find_leaks`, and the counts that the checks use as well."""

from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Booleans, Indices, Pixels, Strings
from hmnist.dataset import LesionDataset, fingerprint_images

LEAKS = {
    "HM101": "shared lesion",
    "HM102": "resampled before split",
    "HM103": "test used for validation",
}
"""The names of the three leaks of published protocols, by the code of their check."""

NATURAL_COPIES = 0.002
"""The share of a part that may be copies of others: HAM10000 holds some photographs twice."""


@dataclass(frozen=True)
class Leak:
    """One way in which the models know test images before these are scored.

    Attributes
    ----------
    code, name : str
        As in `LEAKS`.
    images : int
        How many test images it concerns; repeated rows count each time.
    sentence : str
        What is wrong, with its counts; no capital letter, no full stop.
    """

    code: str
    name: str
    images: int
    sentence: str


def find_leaks(
    data: LesionDataset, train: Indices, validation: Indices, test: Indices
) -> tuple[Leak, ...]:
    """Count what the test part shares with the other two.

    Parameters
    ----------
    data : LesionDataset
        Where its lesions are unknown, shared lesions are not counted.
    train, validation, test : numpy.ndarray of int64
        Rows of `data`; parts may share and repeat them.

    Returns
    -------
    tuple of Leak
        The most obvious first: test images validate; test images train; their lesions train or,
        where validation is a part of its own, validate. Images that train themselves are not
        counted again for their lesions.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> rows = np.arange(100)
    >>> leaks = find_leaks(load_sample(rows=100), rows[:80], rows[80:], rows[80:])
    >>> leaks[0].code, leaks[0].sentence
    ('HM103', 'all 20 test images validate as well')
    """
    keys, leaks = number_images(data.images), []
    if copies := count_copies(keys, test, validation):
        leaks.append(("HM103", copies, f"{_of(copies, test)} {_do(copies, 'validate')} as well"))
    trained = find_copies(keys, test, train)
    if copies := int(trained.sum()):
        verb = _do(copies, "train")
        leaks.append(("HM102", copies, f"{_of(copies, test)} {verb} as well, pixel by pixel"))
    if data.lesion_ids is not None:
        seen = np.concatenate([train, np.setdiff1d(validation, test)])
        lesions, images = count_shared_lesions(data.lesion_ids, test[~trained], seen)
        if images:
            which = "a lesion that was" if lesions == 1 else f"one of {lesions:,} lesions that were"
            subject = _of(images, test, more=bool(copies))
            leaks.append(("HM101", images, f"{subject} {_do(images, 'show')} {which} seen before"))
    return tuple(Leak(code, LEAKS[code], images, text) for code, images, text in leaks)


def count_shared_lesions(lesion_ids: Strings, rows: Indices, seen: Indices) -> tuple[int, int]:
    """Return how many lesions stand in both parts, and how many of `rows` show one of them."""
    shared = np.isin(lesion_ids[rows], lesion_ids[seen])
    return len(np.unique(lesion_ids[rows][shared])), int(shared.sum())


def find_copies(keys: Indices, rows: Indices, seen: Indices) -> Booleans:
    """Tell which rows of a part have the same pixels as a row of another part, `seen`.

    `keys` are numbers of all images of the data, from `number_images`. All are False where the
    copies are other rows of the file, and so few that the file may hold these photographs twice.

    Examples
    --------
    >>> find_copies(np.array([7, 8, 7]), np.array([1, 2]), np.array([0]))
    array([False,  True])
    """
    copied = np.isin(keys[rows], keys[seen])
    natural = copied.sum() <= NATURAL_COPIES * len(rows)
    return np.zeros_like(copied) if natural and not np.isin(rows, seen).any() else copied


def count_copies(keys: Indices, rows: Indices, seen: Indices) -> int:
    """Return how many rows `find_copies` finds."""
    return int(find_copies(keys, rows, seen).sum())


def number_images(images: Pixels) -> Indices:
    """Return for each image the first row with the same pixels: int64, shape (n,).

    Examples
    --------
    >>> number_images(np.array([3, 5, 3], np.uint8).reshape(3, 1, 1, 1))
    array([0, 1, 0])
    """
    fingerprints = fingerprint_images(images)
    _, first, numbers = np.unique(fingerprints, return_index=True, return_inverse=True)
    return np.asarray(first[numbers], dtype=np.int64)


def _of(number: int, test: Indices, *, more: bool = False) -> str:
    if number == len(test):
        return "the only test image" if number == 1 else f"all {number:,} test images"
    besides = " more" if more else ""
    return f"{number:,}{besides} of {len(test):,} test images ({number / len(test):.0%})"


def _do(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb
