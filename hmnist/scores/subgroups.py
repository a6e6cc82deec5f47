"""Scores of subgroups: patients of one age, of one sex, lesions of one site.

A subgroup may hold few lesions of few diagnoses. So each score stands with its interval and with
its numbers of images and lesions. Models are compared within a subgroup; the balanced accuracies of
two subgroups with different diagnoses are not comparable.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Booleans, Float32, Float64
from hmnist.diagnoses import MALIGNANT
from hmnist.errors import UsageError
from hmnist.patients import AGE_BOUNDS, AGE_GROUPS, PATIENT_COLUMNS
from hmnist.scores.predictions import Predictions

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""

_RANGES = [
    f"below {AGE_BOUNDS[0]}",
    *(f"{first}–{after - 1}" for first, after in itertools.pairwise(AGE_BOUNDS)),
    f"{AGE_BOUNDS[-1]} or more",
]
_AGES = dict(zip(AGE_GROUPS, _RANGES, strict=True))


@dataclass(frozen=True)
class Share:
    """A score from 0 to 1 with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Subgroup:
    """How several models score on some of the images.

    Attributes
    ----------
    images : int
    lesions : int or None
        None where lesions are unknown.
    diagnoses : int
        How many of the seven diagnoses occur.
    scores : tuple of mapping of str to (Share or None)
        For each model ``balanced_accuracy`` (the mean recall of the diagnoses that occur),
        ``accuracy``, ``sensitivity_malignant`` and ``specificity_malignant``; None where no image
        tells.
    """

    images: int
    lesions: int | None
    diagnoses: int
    scores: tuple[Mapping[str, Share | None], ...]


def patient_groups(patients: Float32) -> Iterator[tuple[str, str, Booleans]]:
    """Yield age groups, sexes and sites: kind, name, and the images that belong to it.

    Parameters
    ----------
    patients : numpy.ndarray of float32, shape (n, `PATIENT_COLUMNS`)
        What `hmnist.encode_patients` returns.

    Yields
    ------
    (str, str, numpy.ndarray of bool, shape (n,))
        The kind is ``age``, ``sex`` or ``site``. Groups without images are left out.
    """
    for name, column in zip(PATIENT_COLUMNS, patients.T, strict=True):
        kind, _, group = name.removeprefix("patient ").partition(" ")
        members = column == 1
        if group and members.any():
            yield kind, _AGES.get(group, group), members


def score_subgroup(models: Sequence[Sequence[Predictions]], members: Booleans) -> Subgroup:
    """Score models on the images of one subgroup.

    Parameters
    ----------
    models : sequence of sequence of Predictions
        For each model the predictions of its trainings (several seeds) for the same n images; the
        scores of a model are means over its trainings.
    members : numpy.ndarray of bool, shape (n,)
        Which images belong to the subgroup; at least one.

    Returns
    -------
    Subgroup
        Shares of images have Wilson intervals that count lesions, or images where lesions are
        unknown; balanced accuracies have the interval of a mean of such shares (`mean_interval`).

    Raises
    ------
    UsageError
        If the subgroup is empty, or predictions are for other images.

    Examples
    --------
    >>> labels = np.repeat([4, 6], 50)
    >>> predictions = Predictions(labels, np.full((100, 7), 1 / 7), np.full(100, 4))
    >>> group = score_subgroup([[predictions]], np.arange(100) >= 40)
    >>> group.images, group.diagnoses, round(group.scores[0]["accuracy"].value, 3)
    (60, 2, 0.167)
    """
    first = models[0][0]
    if not all(first.has_rows_of(each) for model in models for each in model):
        raise UsageError("The models of a subgroup were tested on different images.")
    if not members.any():
        raise UsageError("A subgroup without images has no scores.")
    labels = first.labels[members]
    # Where lesions are unknown, every image counts as one.
    known = first.lesions is not None
    lesions = np.arange(len(labels)) if first.lesions is None else first.lesions[members]
    return Subgroup(
        images=len(labels),
        lesions=len(np.unique(lesions)) if known else None,
        diagnoses=len(np.unique(labels)),
        scores=tuple(_score(model, members, lesions) for model in models),
    )


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """Return the 95% interval of a share of `count` independent observations.

    Source: E. B. Wilson, *Probable inference, the law of succession, and statistical inference*,
    Journal of the American Statistical Association 22 (1927).

    Examples
    --------
    >>> low, high = wilson_interval(1.0, 29)
    >>> round(low, 3), high
    (0.883, 1.0)
    """
    squared = Z * Z / count
    centre = (share + squared / 2) / (1 + squared)
    half = Z / (1 + squared) * math.sqrt(share * (1 - share) / count + squared / count / 4)
    # Rounding must not put the interval of a share of 0 or 1 beside it.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def mean_interval(shares: Sequence[Share]) -> Share:
    """Return the mean of independent shares, at least one, with its 95% interval.

    Each end lies as far from the mean as the ends of the shares lie from them, added in squares;
    so a share of 1 from a few lesions makes the interval wide, where a bootstrap would see no
    spread. Source: G. Y. Zou & A. Donner, *Construction of confidence limits about effect measures:
    a general approach*, Statistics in Medicine 27 (2008).

    Examples
    --------
    >>> mean = mean_interval([Share(1.0, 0.4, 1.0), Share(0.5, 0.2, 0.8)])
    >>> mean.value, round(mean.low, 3), round(mean.high, 3)
    (0.75, 0.415, 0.9)
    """
    values, lows, highs = np.array([(each.value, each.low, each.high) for each in shares]).T
    mean = values.mean()
    below, above = (np.linalg.norm(end - values) / len(values) for end in (lows, highs))
    return Share(float(mean), float(mean - below), float(mean + above))


def _score(
    model: Sequence[Predictions], members: Booleans, lesions: npt.NDArray[np.generic]
) -> dict[str, Share | None]:
    labels = model[0].labels[members]
    malignant = np.isin(labels, MALIGNANT)
    predicted = np.array([each.predicted[members] for each in model])
    right = (predicted == labels).mean(axis=0)
    screened = (np.isin(predicted, MALIGNANT) == malignant).mean(axis=0)

    def share(counted: Float64, rows: Booleans) -> Share | None:
        if not rows.any():
            return None
        value = float(counted[rows].mean())
        return Share(value, *wilson_interval(value, len(np.unique(lesions[rows]))))

    recalls = [share(right, labels == label) for label in np.unique(labels)]
    return {
        "balanced_accuracy": mean_interval([recall for recall in recalls if recall is not None]),
        "accuracy": share(right, np.full(len(labels), fill_value=True)),
        "sensitivity_malignant": share(screened, malignant),
        "specificity_malignant": share(screened, ~malignant),
    }
