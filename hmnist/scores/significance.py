"""Paired tests in numbers: the bootstrap's p-value, McNemar's test, Holm's correction."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64
from hmnist.scores.predictions import Predictions, by_fold


@dataclass(frozen=True)
class McNemar:
    """Whether the predicted diagnoses of one model are right more often.

    Attributes
    ----------
    first, second : int
        The lesions of which the first, and the second, model got more images right, over all
        trainings. Where lesions are unknown, images.
    p_value : float
        Two-sided mid-p of the exact test (Fagerland, Lydersen & Laake, BMC Medical Research
        Methodology 13:91, 2013).
    counted : {"lesions", "images"}
        What was counted.
    """

    first: int
    second: int
    p_value: float
    counted: str = "lesions"


def mcnemar(first: Sequence[Predictions], second: Sequence[Predictions]) -> McNemar:
    """Count the lesions on which each of two models is right more often, and test the counts.

    Images of one lesion are right or wrong together, so that counting images would claim too much;
    and so are several trainings of a model. With one image per lesion and one training this is
    McNemar's test. Both models cover the same folds with the same rows.

    Examples
    --------
    >>> labels, probabilities = np.full(12, 4), np.full((12, 7), 1 / 7)
    >>> right, wrong = (Predictions(labels, probabilities, np.full(12, code)) for code in (4, 6))
    >>> test = mcnemar([right], [wrong])
    >>> test.first, test.second, round(test.p_value, 4)
    (12, 0, 0.0002)
    """
    from scipy.stats import binom

    wins, losses, counted = 0, 0, "lesions"
    seconds = by_fold(second)
    for fold, firsts in by_fold(first).items():
        lead = _share_right(firsts) - _share_right(seconds[fold])
        if firsts[0].lesions is None:
            counted = "images"
        else:
            lead = _sum_by(firsts[0].lesions, lead)
        # Shares of several trainings that cancel each other may leave a rounding error.
        wins, losses = wins + int((lead > 1e-9).sum()), losses + int((lead < -1e-9).sum())
    fewer, total = min(wins, losses), wins + losses
    # The mid-p counts the observed outcome half; with equal counts it is 1.
    mid_p = 2 * binom.cdf(fewer - 1, total, 0.5) + binom.pmf(fewer, total, 0.5)
    return McNemar(wins, losses, min(1.0, float(mid_p)), counted)


def _share_right(trained: Sequence[Predictions]) -> Float64:
    """Return for each image the share of a model's trainings that are right."""
    return np.asarray(np.mean([each.predicted == each.labels for each in trained], axis=0))


def _sum_by(lesions: npt.NDArray[np.generic], values: Float64) -> Float64:
    _, lesion_of_image = np.unique(lesions, return_inverse=True)
    return np.bincount(lesion_of_image, values).astype(np.float64)


def bootstrap_p_value(differences: Float64, degrees: float = math.inf) -> float:
    """Return twice the smaller share of resampled differences on either side of zero.

    Adding 1 to both counts keeps the p-value above zero, which no number of resamples could show
    (Davison & Hinkley, *Bootstrap Methods and their Application*, 1997, section 4.2). If all lie on
    one side, the p-value is smaller than resamples can tell: it is that of the distribution of
    Student with `degrees` of freedom (the normal one by default), and with their mean and standard
    deviation, if this is smaller. Otherwise a correction for many tests would only multiply the
    smallest p-value that so many resamples can have. Differences that are NaN are left out; if all
    are, so is the p-value.

    Examples
    --------
    >>> bootstrap_p_value(np.arange(1.0, 100.0))
    0.02
    """
    known = differences[~np.isnan(differences)]
    if not len(known):
        return float("nan")
    from scipy.special import ndtr, stdtr

    fewer = int(min((known <= 0).sum(), (known >= 0).sum()))
    p_value = min(1.0, 2 * (fewer + 1) / (len(known) + 1))
    if fewer == 0 and (spread := known.std()) > 1e-9:
        distance = -abs(known.mean()) / spread
        tail = ndtr(distance) if math.isinf(degrees) else stdtr(degrees, distance)
        p_value = min(p_value, 2 * float(tail))
    return p_value


def smallest_p_value(differing: int) -> float:
    """Return the smallest p-value that lesions can show on which two models differ.

    If the models were equal, each of the lesions could as well speak for the other one: of 2ⁿ
    outcomes, two are as clear as that in which all n speak for one model (the permutation test).

    Examples
    --------
    >>> smallest_p_value(3), smallest_p_value(0)
    (0.25, 1.0)
    """
    return min(1.0, 2 * 0.5**differing)


def correct_holm(p_values: list[float]) -> list[float]:
    """Return Holm's step-down corrected p-values (Scandinavian Journal of Statistics, 1979).

    Values that are NaN stay NaN and are not counted.

    Examples
    --------
    >>> correct_holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    values = np.array(p_values)
    corrected = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in corrected]
