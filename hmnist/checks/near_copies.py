"""Checks of images that show nearly the same in two parts: changed copies, and unknown lesions."""

from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Booleans, Indices
from hmnist.checks.subject import Found, Subject
from hmnist.splits.leaks import NATURAL_COPIES

_LEAST = 2
"""So many images may be near an image of another part by chance, also where few are counted."""

_LIKE_RANDOM = 3.0
"""So many near pairs may stand in training and test, compared with a split at random by image. In
twenty splits of HAM10000 by image it was .57–1.89 of that, in twenty by lesion 0–.02."""

_PARTS = (("test", "train"), ("test", "validation"), ("validation", "train"))
"""The parts that are compared; the images of the first are counted."""


def find_near_copies(subject: Subject) -> Found | None:
    """Find images that show nearly the same as an image of another lesion in another part.

    Where lesions are unknown, two photographs of one lesion are near as well. If no more stand in
    training and test than a split by image may make, `find_near_images` tells it.
    """
    found = (_find_apart(subject, *parts) for parts in _PARTS)
    apart = next(filter(None, found), None)
    if apart is None or _may_be_photographs(subject, apart):
        return None
    lesion, cause = " of another lesion", "turned, mirrored, brightened or resampled"
    if subject.data.lesion_ids is None:
        lesion, cause = "", f"{cause}, or other photographs of its lesion"
    return Found(
        f"{apart.counted} are near copies of a {apart.other_word} image{lesion}: {cause}. The "
        f"nearest are {apart.nearest}.",
        apart.evidence,
    )


def find_near_images(subject: Subject) -> Found | None:
    """Find near images in training and test, where lesions are unknown.

    They may be photographs of one lesion, which a split by image parts, or changed copies: those
    from one photograph are as alike.
    """
    apart = _find_apart(subject, *_PARTS[0])
    if apart is None or not _may_be_photographs(subject, apart):
        return None
    return Found(
        f"{apart.counted} show nearly the same as a training image. They may be photographs of one "
        f"lesion, as in a split by image, or changed copies. The nearest are {apart.nearest}.",
        apart.evidence,
    )


def _may_be_photographs(subject: Subject, apart: "_Apart") -> bool:
    """Whether a split by image of unknown lesions would part as many in training and test."""
    is_first = (apart.part, apart.other) == _PARTS[0]
    return is_first and apart.ratio <= _LIKE_RANDOM and subject.data.lesion_ids is None


@dataclass(frozen=True)
class _Apart:
    """Near images in two parts: how many, and how often compared with chance."""

    part: str
    other: str
    images: int
    of: int
    ratio: float
    nearest: str
    likeness: float
    limit: float

    @property
    def counted(self) -> str:
        return f"{self.images:,} of {self.of:,} {self.part} images"

    @property
    def other_word(self) -> str:
        return "training" if self.other == "train" else self.other

    @property
    def evidence(self) -> dict[str, int | float | str]:
        return {
            f"{self.part} images": self.images,
            "of": self.of,
            "near images in": self.other_word,
            "likeness": self.likeness,
            "limit": self.limit,
            "pairs / split at random": self.ratio,
        }


def _find_apart(subject: Subject, part: str, other: str) -> _Apart | None:
    """Return the images of a part that are near another one, None if not more than by chance."""
    pictures, pairs = subject.pictures, subject.pictures.near_pairs
    inside, outside = subject.pictures_in(part), subject.pictures_in(other)
    both = inside & outside  # other checks find these
    inside, outside = inside & ~both, outside & ~both
    near = pictures.are_others & pairs.are_near
    first, second = pairs.first[near], pairs.second[near]
    crosses = (outside[first] & inside[second]) | (inside[first] & outside[second])
    images = np.unique(np.where(inside[first], first, second)[crosses])
    count = int(inside.sum())
    if len(images) <= max(_LEAST, NATURAL_COPIES * count):
        return None
    position = int(crosses.argmax())  # the pairs are sorted
    return _Apart(
        part,
        other,
        len(images),
        count,
        _compare_with_random(first, second, crosses, outside, inside),
        " and ".join(subject.data.name_of(row) for row in _rows(subject, first, second, position)),
        float(pairs.likeness[near][position]),
        pairs.limit,
    )


def _compare_with_random(
    first: Indices, second: Indices, crosses: Booleans, one: Booleans, other: Booleans
) -> float:
    """Divide the pairs in two parts by those that a random split would have, by those in one."""
    within = int((one[first] & one[second]).sum()) + int((other[first] & other[second]).sum())
    ones, others = float(one.sum()), float(other.sum())
    expected = max(within, 1) * 2 * ones * others / (ones**2 + others**2)
    return float(crosses.sum() / expected)


def _rows(subject: Subject, first: Indices, second: Indices, position: int) -> Indices:
    return subject.pictures.rows[[first[position], second[position]]]
