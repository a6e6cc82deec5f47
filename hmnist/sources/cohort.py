"""Who is in the sample: diagnoses, lesions, images per lesion, ages, sexes, sites. No pixels.

`plan_rows` shares a number of rows out to lesions, `describe` writes the metadata of any stretch
of them. The mix of diagnoses and the number of images per lesion are those of HAM10000 (Tschandl,
Rosendahl & Kittler, Scientific Data 5:180161, 2018); ages, sexes and body sites follow it roughly
and overlap as they do there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from hmnist.diagnoses import CODES, label_of
from hmnist.errors import UsageError
from hmnist.sources.chance import normal, uniform

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MINIMUM_ROWS", "SAMPLE_PREFIX", "Plan", "describe", "plan_rows"]

MINIMUM_ROWS = 42
"""The fewest images: six of each diagnosis, so that each part of a split can have each."""

SAMPLE_PREFIX = "SAMPLE_"
"""What every id of a generated image or lesion starts with, and no real one does."""

_LEAST = MINIMUM_ROWS // len(CODES)

_BLOCKS = ("bkl", "df", "mel", "vasc", "bcc", "nv", "akiec")
"""The order of the blocks of rows, near that of the Kaggle file."""

_IMAGES = {"akiec": 327, "bcc": 514, "bkl": 1099, "df": 115, "nv": 6705, "vasc": 142, "mel": 1113}
_LESIONS = {"akiec": 228, "bcc": 327, "bkl": 727, "df": 73, "nv": 5403, "vasc": 98, "mel": 614}
_LESIONS_BY_IMAGES = {2: 1423, 3: 490, 4: 34, 5: 5, 6: 4}
"""HAM10000: images and lesions of each diagnosis; lesions that have 2, 3, … images."""

_AGES = {
    "akiec": (65, 12), "bcc": (66, 13), "bkl": (64, 14), "df": (52, 14),
    "nv": (47, 16), "vasc": (53, 20), "mel": (61, 15),
}  # fmt: skip
"""Mean and standard deviation in years."""

_MALE = {"akiec": 0.65, "bcc": 0.6, "bkl": 0.57, "df": 0.5, "nv": 0.51, "vasc": 0.5, "mel": 0.6}
_UNKNOWN_SHARE = 0.006
"""The share of lesions whose age is missing, and that of lesions whose sex is unknown."""

_SITES = {
    #                   akiec bcc bkl df nv vasc mel, in 100 lesions of each diagnosis
    "abdomen":         ( 2,  4,  5,  3, 14, 18,  6),
    "back":            (10, 28, 19,  2, 20, 18, 27),
    "chest":           ( 4, 10,  7,  2,  4,  6,  8),
    "ear":             ( 1,  1,  1,  0,  1,  1,  2),
    "face":            (38, 20, 26,  1,  2,  5, 10),
    "foot":            ( 1,  1,  1,  2,  4,  2,  3),
    "genital":         ( 0,  0,  1,  1,  1,  0,  0),
    "hand":            ( 3,  1,  2,  1,  1,  2,  1),
    "lower extremity": (18, 12, 14, 60, 22, 18, 19),
    "neck":            ( 4,  4,  4,  1,  2,  2,  2),
    "scalp":           ( 4,  3,  3,  1,  1,  2,  2),
    "trunk":           ( 3,  5,  6,  4, 16, 18,  5),
    "unknown":         ( 1,  2,  2,  1,  3,  1,  1),
    "upper extremity": (11,  9,  9, 21,  9,  7, 14),
}  # fmt: skip

_CONFIRMATIONS = {
    #             akiec  bcc  bkl   df   nv vasc  mel, in 100 lesions of each diagnosis
    "histo":     ( 100, 100,  70,  45,  37,  50, 100),
    "follow_up": (   0,   0,   0,   0,  55,   0,   0),
    "consensus": (   0,   0,  25,  55,   8,  50,   0),
    "confocal":  (   0,   0,   5,   0,   0,   0,   0),
}  # fmt: skip

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """Which lesion, and which view of it, each row shows.

    Attributes
    ----------
    first_row : int
        The place of the first row in the whole sample.
    labels : numpy.ndarray of int64, shape (n,)
        Diagnoses in the Kaggle order.
    lesions : numpy.ndarray of int64, shape (n,)
        Numbers of the lesions, from 0 on, rising with the rows.
    views : numpy.ndarray of int64, shape (n,)
        0–5: which image of its lesion each row is.
    """

    first_row: int
    labels: Integers
    lesions: Integers
    views: Integers

    def part(self, start: int, stop: int) -> Self:
        """Return the plan of some of the rows."""
        rows = slice(start, stop)
        return type(self)(
            self.first_row + start, self.labels[rows], self.lesions[rows], self.views[rows]
        )


def plan_rows(rows: int, seed: int) -> Plan:
    """Share the rows out to diagnoses and lesions.

    Parameters
    ----------
    rows : int
        Images, at least 42.
    seed : int
        0 or more.

    Returns
    -------
    Plan
        Blocks of one diagnosis, and in them the images of a lesion next to each other.

    Raises
    ------
    UsageError
        If `rows` is below 42 or `seed` below 0.

    Examples
    --------
    >>> plan = plan_rows(10_015, seed=0)
    >>> np.bincount(plan.labels), plan.lesions[-1] + 1
    (array([ 327,  514, 1099,  115, 6705,  142, 1113]), np.int64(7470))
    """
    if rows < MINIMUM_ROWS:
        raise UsageError(
            f"A sample of {rows:,} images is too small: it needs six of each diagnosis.",
            f"Ask for {MINIMUM_ROWS} or more.",
        )
    if seed < 0:
        raise UsageError(f"A seed is 0 or more, not {seed}.")
    images = _share_out(rows)
    sizes, labels = [], []
    for code in _BLOCKS:
        lesions = max(_LEAST, round(images[code] * _LESIONS[code] / _IMAGES[code]))
        of_diagnosis = _share_images(images[code], lesions)
        shuffle = np.random.default_rng([seed, label_of(code)])
        sizes.append(shuffle.permutation(of_diagnosis))
        labels.append(np.full(lesions, label_of(code)))
    size = np.concatenate(sizes)
    first = np.cumsum(size) - size
    return Plan(
        first_row=0,
        labels=np.repeat(np.concatenate(labels), size),
        lesions=np.repeat(np.arange(len(size)), size),
        views=np.arange(rows) - np.repeat(first, size),
    )


def describe(plan: Plan, seed: int) -> "pd.DataFrame":
    """Write the metadata of the planned rows.

    Parameters
    ----------
    plan : Plan
    seed : int
        0 or more.

    Returns
    -------
    pandas.DataFrame
        ``lesion_id``, ``image_id``, ``dx``, ``dx_type``, ``age`` (years in steps of five, NaN
        where missing), ``sex`` and ``localization`` for each row; all but ``image_id`` are the
        lesion's.
    """
    import pandas as pd

    chance = uniform(seed, "patients", plan.lesions, 5)
    mean, deviation = np.array([_AGES[code] for code in CODES], float)[plan.labels].T
    years = mean + deviation * normal(seed, "ages", plan.lesions, 1)[:, 0]
    age = np.clip(np.round(years / 5) * 5, 0, 85)
    male = np.array([_MALE[code] for code in CODES])[plan.labels]
    sex = np.where(chance[:, 0] < male, "male", "female")
    numbers = range(plan.first_row, plan.first_row + len(plan.labels))
    return pd.DataFrame(
        {
            "lesion_id": [f"{SAMPLE_PREFIX}{seed}_LESION_{lesion:07d}" for lesion in plan.lesions],
            "image_id": [f"{SAMPLE_PREFIX}{seed}_{number:07d}" for number in numbers],
            "dx": np.array(CODES)[plan.labels],
            "dx_type": _choose(_CONFIRMATIONS, plan.labels, chance[:, 1]),
            "age": np.where(chance[:, 2] < _UNKNOWN_SHARE, np.nan, age),
            "sex": np.where(chance[:, 3] < _UNKNOWN_SHARE, "unknown", sex),
            "localization": _choose(_SITES, plan.labels, chance[:, 4]),
        }
    )


def _share_out(rows: int) -> dict[str, int]:
    """Images of each diagnosis: as in HAM10000, but at least six; naevi make up the sum."""
    images: dict[str, int] = {}
    left, weight = rows, sum(_IMAGES.values())
    # From the rarest on, so that what the rare ones get beyond their share is taken from the rest.
    for code in sorted(CODES, key=_IMAGES.__getitem__):
        images[code] = max(_LEAST, round(left * _IMAGES[code] / weight))
        left -= images[code]
        weight -= _IMAGES[code]
    return images


def _share_images(images: int, lesions: int) -> Integers:
    """Images of each lesion, 1–6, in the proportions of HAM10000."""
    extra = images - lesions
    whole = sum(count * (size - 1) for size, count in _LESIONS_BY_IMAGES.items())
    sizes = np.ones(lesions, np.int64)
    done = 0
    for size, count in sorted(_LESIONS_BY_IMAGES.items(), reverse=True):
        repeats = extra if size == 2 else int(count * (images - lesions) / whole + 0.5)
        sizes[done : done + repeats] = size
        extra -= repeats * (size - 1)
        done += repeats
    return sizes


def _choose(
    shares: Mapping[str, tuple[int, ...]], labels: Integers, chance: npt.NDArray[np.float64]
) -> npt.NDArray[np.str_]:
    """Choose one name for each row, by the shares of its diagnosis and a number in [0, 1)."""
    totals = np.cumsum(np.array(list(shares.values()), float), axis=0)
    bounds = (totals / totals[-1]).T[labels]
    chosen: npt.NDArray[np.str_] = np.array(list(shares))[(chance[:, None] >= bounds).sum(axis=1)]
    return chosen
