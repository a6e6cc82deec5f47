"""Paired tests in numbers: the bootstrap's p-value, McNemar's test, Holm's correction."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Float64
from hmnist.scores.predictions import Predictions


@dataclass(frozen=True)
class McNemar:
    """Whether the predicted diagnoses of one model are right more often.

    Attributes
    ----------
    first, second : int
        The lesions of which the first, and the second, model got more images right. Where
        lesions are unknown, images.
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


def mcnemar(pairs: Iterable[tuple[Predictions, Predictions]]) -> McNemar:
    """Count the lesions on which each of two models is right more often, and test the counts.

    Images of one lesion are right or wrong together, so that counting images would claim too much.
    With one image per lesion this is McNemar's test. Each pair holds the predictions of both models
    for the images of one fold.

    Examples
    --------
    >>> labels, probabilities = np.full(12, 4), np.full((12, 7), 1 / 7)
    >>> right, wrong = (Predictions(labels, probabilities, np.full(12, code)) for code in (4, 6))
    >>> test = mcnemar([(right, wrong)])
    >>> test.first, test.second, round(test.p_value, 4)
    (12, 0, 0.0002)
    """
    from scipy.stats import binom

    wins, losses, counted = 0, 0, "lesions"
    for first, second in pairs:
        lead = (first.predicted == first.labels).astype(float) - (second.predicted == second.labels)
        if first.lesions is None:
            counted = "images"
        else:
            lead = np.bincount(np.unique(first.lesions, return_inverse=True)[1], lead)
        wins, losses = wins + int((lead > 0).sum()), losses + int((lead < 0).sum())
    fewer, total = min(wins, losses), wins + losses
    # The mid-p counts the observed outcome half; with equal counts it is 1.
    mid_p = 2 * binom.cdf(fewer - 1, total, 0.5) + binom.pmf(fewer, total, 0.5)
    return McNemar(wins, losses, min(1.0, float(mid_p)), counted)


def bootstrap_p_value(differences: Float64) -> float:
    """Return twice the smaller share of resampled differences on either side of zero.

    Adding 1 to both counts keeps the p-value above zero, which no number of resamples could show
    (Davison & Hinkley, *Bootstrap Methods and their Application*, 1997, section 4.2). If all lie on
    one side, the p-value is smaller than resamples can tell: it is that of the normal distribution
    with their mean and standard deviation, if this is smaller. Otherwise a correction for many
    tests would only multiply the smallest p-value that so many resamples can have. Differences that
    are NaN are left out; if all are, so is the p-value.

    Examples
    --------
    >>> bootstrap_p_value(np.arange(1.0, 100.0))
    0.02
    """
    known = differences[~np.isnan(differences)]
    if not len(known):
        return float("nan")
    from scipy.stats import norm

    fewer = int(min((known <= 0).sum(), (known >= 0).sum()))
    p_value = min(1.0, 2 * (fewer + 1) / (len(known) + 1))
    if fewer == 0 and (spread := known.std()) > 1e-9:
        p_value = min(p_value, 2 * float(norm.sf(abs(known.mean()) / spread)))
    return p_value


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
