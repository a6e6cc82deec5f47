"""Checks of images that show nearly the same in two parts: changed copies, and unknown lesions."""

from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Booleans, Indices
from hmnist.checks.subject import Found, Subject
from hmnist.splits.leaks import NATURAL_COPIES

_LEAST = 2
"""So many test images may be near a training image by chance, also where few are tested."""

_LIKE_RANDOM = (0.3, 3.0)
"""How many near pairs stand in training and test, compared with a split at random by image. In
twenty splits of HAM10000 by image it was .57–1.89 of that, in twenty by lesion 0–.02."""


def find_near_copies(subject: Subject) -> Found | None:
    """Find test images that show nearly the same as a training image of another lesion.

    Where lesions are unknown, two photographs of one lesion are near as well. They stand in two
    parts as often as a split by image makes them (`find_split_by_image`), copies more often.
    """
    apart = _find_apart(subject)
    if apart is None or (subject.data.lesion_ids is None and apart.ratio <= _LIKE_RANDOM[1]):
        return None
    which = "" if subject.data.lesion_ids is None else " of another lesion"
    return Found(
        f"{apart.images:,} of {apart.tested:,} test images are near copies of a training image"
        f"{which}: turned, mirrored, brightened or resampled. The nearest are {apart.nearest}.",
        apart.evidence,
    )


def find_split_by_image(subject: Subject) -> Found | None:
    """Find a split by image, where lesions are unknown: it parts photographs of one lesion."""
    apart = _find_apart(subject)
    if apart is None or subject.data.lesion_ids is not None:
        return None
    if not _LIKE_RANDOM[0] <= apart.ratio <= _LIKE_RANDOM[1]:
        return None
    return Found(
        f"{apart.images:,} of {apart.tested:,} test images show nearly the same as a training "
        f"image, as often as in a split at random by image: lesions that have several photographs "
        f"stand in both parts. The nearest are {apart.nearest}.",
        apart.evidence,
    )


@dataclass(frozen=True)
class _Apart:
    """Near images in training and test: how many, and how often compared with chance."""

    images: int
    tested: int
    ratio: float
    nearest: str
    likeness: float
    limit: float

    @property
    def evidence(self) -> dict[str, int | float | str]:
        return {
            "test images": self.images,
            "of": self.tested,
            "likeness": self.likeness,
            "limit": self.limit,
            "pairs / split at random": self.ratio,
        }


def _find_apart(subject: Subject) -> _Apart | None:
    """Return the near images in two parts, None if no more than may be by chance."""
    pictures, pairs = subject.pictures, subject.pictures.near_pairs
    train, test = subject.pictures_in("train"), subject.pictures_in("test")
    both = train & test  # other checks find these
    train, test = train & ~both, test & ~both
    near = pictures.are_others & pairs.are_near
    first, second = pairs.first[near], pairs.second[near]
    crosses = (train[first] & test[second]) | (test[first] & train[second])
    images = np.unique(np.where(test[first], first, second)[crosses])
    tested = int(test.sum())
    if len(images) <= max(_LEAST, NATURAL_COPIES * tested):
        return None
    position = int(crosses.argmax())  # the pairs are sorted
    return _Apart(
        len(images),
        tested,
        _compare_with_random(first, second, crosses, train, test),
        " and ".join(subject.data.name_of(row) for row in _rows(subject, first, second, position)),
        float(pairs.likeness[near][position]),
        pairs.limit,
    )


def _compare_with_random(
    first: Indices, second: Indices, crosses: Booleans, train: Booleans, test: Booleans
) -> float:
    """Divide the pairs in two parts by those that a random split would have, by those in one."""
    within = int((train[first] & train[second]).sum()) + int((test[first] & test[second]).sum())
    trained, tested = float(train.sum()), float(test.sum())
    expected = max(within, 1) * 2 * trained * tested / (trained**2 + tested**2)
    return float(crosses.sum() / expected)


def _rows(subject: Subject, first: Indices, second: Indices, position: int) -> Indices:
    return subject.pictures.rows[[first[position], second[position]]]
