"""The sample's lesions and metadata: diagnoses, images per lesion, ages, sexes, sites.

The shares of the diagnoses and the number of images per lesion are those of HAM10000
(Tschandl, Rosendahl & Kittler, Scientific Data 5:180161, 2018). Ages, sexes and body sites follow
it roughly and overlap as they do there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from hmnist.arrays import Float64, Indices, Labels, Strings
from hmnist.diagnoses import CODES, label_of
from hmnist.errors import UsageError, check_seed
from hmnist.sources.random_numbers import normal, uniform

if TYPE_CHECKING:
    import pandas as pd

MINIMUM_ROWS = 42  # six of each diagnosis, so that each part of a split can have each
SAMPLE_PREFIX = "SAMPLE_"  # the start of all ids of generated images and lesions, of no real ones
_MINIMUM = MINIMUM_ROWS // len(CODES)
_BLOCKS = ("bkl", "df", "mel", "vasc", "bcc", "nv", "akiec")
"""The order of the diagnoses in the rows, similar to that of the Kaggle file."""

_IMAGES = {"akiec": 327, "bcc": 514, "bkl": 1099, "df": 115, "nv": 6705, "vasc": 142, "mel": 1113}
_LESIONS = {"akiec": 228, "bcc": 327, "bkl": 727, "df": 73, "nv": 5403, "vasc": 98, "mel": 614}
_LESIONS_BY_IMAGES = {2: 1423, 3: 490, 4: 34, 5: 5, 6: 4}
"""HAM10000: images and lesions of each diagnosis; lesions with 2, 3, … images."""

_AGES = {
    "akiec": (65, 12), "bcc": (66, 13), "bkl": (64, 14), "df": (52, 14),
    "nv": (47, 16), "vasc": (53, 20), "mel": (61, 15),
}  # fmt: skip
"""Mean and standard deviation in years."""

_MALE = {"akiec": 0.65, "bcc": 0.6, "bkl": 0.57, "df": 0.5, "nv": 0.51, "vasc": 0.5, "mel": 0.6}
_UNKNOWN_SHARE = 0.006  # of the lesions have no age, and so many have no known sex

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


@dataclass(frozen=True)
class Plan:
    """The diagnosis, the lesion and the number of each image: arrays of shape (n,)."""

    first_row: int  # its position in the whole sample
    labels: Labels
    lesions: Indices  # ascending from 0
    image_numbers: Indices  # 0–5: which image of its lesion each row is

    def parts(self, rows: int) -> Iterator[Self]:
        """Yield the plan in parts of so many rows; the last may have fewer."""
        for start in range(0, len(self.labels), rows):
            part = slice(start, start + rows)
            fields = (values[part] for values in (self.labels, self.lesions, self.image_numbers))
            yield type(self)(self.first_row + start, *fields)


def plan_rows(rows: int, seed: int) -> Plan:
    """Distribute rows (42 or more) over diagnoses and lesions.

    Rows of one diagnosis stand together, and among them the images of one lesion. Raises UsageError
    if `rows` is below 42, or `seed` is no whole number from 0.
    """
    if rows < MINIMUM_ROWS:
        raise UsageError(
            f"A sample of {rows:,} images is too small: it needs six of each diagnosis.",
            f"Ask for {MINIMUM_ROWS} or more.",
        )
    check_seed(seed)
    images = _images_by_diagnosis(rows)
    sizes, labels = [], []
    for code in _BLOCKS:
        lesions = max(_MINIMUM, round(images[code] * _LESIONS[code] / _IMAGES[code]))
        rng = np.random.default_rng([seed, label_of(code)])
        sizes.append(rng.permutation(_images_by_lesion(images[code], lesions)))
        labels.append(np.full(lesions, label_of(code)))
    size = np.concatenate(sizes)
    first_image = np.repeat(np.cumsum(size) - size, size)
    return Plan(
        first_row=0,
        labels=np.repeat(np.concatenate(labels), size),
        lesions=np.repeat(np.arange(len(size)), size),
        image_numbers=np.arange(rows) - first_image,
    )


def describe(plan: Plan, seed: int) -> "pd.DataFrame":
    """Return the metadata of the planned rows.

    The columns are ``lesion_id``, ``image_id``, ``dx``, ``dx_type``, ``age`` (years in steps of
    five, NaN where missing), ``sex`` and ``localization``. All images of a lesion have the same
    values, except ``image_id``.
    """
    import pandas as pd

    drawn = uniform(seed, "patients", plan.lesions, 5)
    mean, deviation = np.array([_AGES[code] for code in CODES], float)[plan.labels].T
    years = mean + deviation * normal(seed, "ages", plan.lesions, 1)[:, 0]
    age = np.clip(np.round(years / 5) * 5, 0, 85)
    male = np.array([_MALE[code] for code in CODES])[plan.labels]
    sex = np.where(drawn[:, 0] < male, "male", "female")
    numbers = range(plan.first_row, plan.first_row + len(plan.labels))
    return pd.DataFrame(
        {
            "lesion_id": [f"{SAMPLE_PREFIX}{seed}_LESION_{lesion:07d}" for lesion in plan.lesions],
            "image_id": [f"{SAMPLE_PREFIX}{seed}_{number:07d}" for number in numbers],
            "dx": np.array(CODES)[plan.labels],
            "dx_type": _choose(_CONFIRMATIONS, plan.labels, drawn[:, 1]),
            "age": np.where(drawn[:, 2] < _UNKNOWN_SHARE, np.nan, age),
            "sex": np.where(drawn[:, 3] < _UNKNOWN_SHARE, "unknown", sex),
            "localization": _choose(_SITES, plan.labels, drawn[:, 4]),
        }
    )


def _images_by_diagnosis(rows: int) -> dict[str, int]:
    """Return the images of each diagnosis, shared as in HAM10000 but at least six."""
    images: dict[str, int] = {}
    left, weight = rows, sum(_IMAGES.values())
    # The rarest come first: if they get more than their share, the common ones get less.
    for code in sorted(CODES, key=_IMAGES.__getitem__):
        images[code] = max(_MINIMUM, round(left * _IMAGES[code] / weight))
        left -= images[code]
        weight -= _IMAGES[code]
    return images


def _images_by_lesion(images: int, lesions: int) -> Indices:
    """Return the images of each lesion, 1–6, in the proportions of HAM10000."""
    extra = images - lesions
    total = sum(count * (size - 1) for size, count in _LESIONS_BY_IMAGES.items())
    sizes = np.ones(lesions, np.int64)
    done = 0
    for size, count in sorted(_LESIONS_BY_IMAGES.items(), reverse=True):
        repeats = extra if size == 2 else int(count * (images - lesions) / total + 0.5)
        sizes[done : done + repeats] = size
        extra -= repeats * (size - 1)
        done += repeats
    return sizes


def _choose(shares: Mapping[str, tuple[int, ...]], labels: Labels, drawn: Float64) -> Strings:
    """Choose one name for each row, by the shares of its diagnosis and a number in [0, 1)."""
    totals = np.cumsum(np.array(list(shares.values()), float), axis=0)
    bounds = (totals / totals[-1]).T[labels]
    chosen: Strings = np.array(list(shares))[(drawn[:, None] >= bounds).sum(axis=1)]
    return chosen
