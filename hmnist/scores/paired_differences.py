"""`compare_pairs`: how far the scores of models differ, and what lesions and trainings explain.

Other lesions would give other differences, and so would other trainings. So an interval is over
both: lesions are drawn, the same ones for both models of a pair (`hmnist.scores.intervals`), and
what another training would change is added, as far as several trainings (seeds) tell it. With one
training of a model, intervals are over lesions only.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Float64
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.scores.comparison import Difference
from hmnist.scores.intervals import (
    bootstrap_models,
    centre_calibration,
    interval,
    mean_scores,
    score_each,
)
from hmnist.scores.predictions import Predictions, by_fold
from hmnist.scores.scoring import SCORE_NAMES, SCORE_OF, Score, none_if_unknown
from hmnist.scores.significance import bootstrap_p_value, smallest_p_value

RESAMPLES = 5000
"""More than for intervals of scores, as small p-values need them."""

_ROUNDING = 1e-12
"""Means over trainings that differ by less are the same."""

Differences = dict[tuple[str, str], dict[str, Difference]]
"""By pairs of models and names of scores."""


@dataclass(frozen=True)
class TrainingNoise:
    """The variance of a mean score between trainings, with its degrees of freedom."""

    variance: float
    degrees: float

    def __add__(self, other: "TrainingNoise") -> "TrainingNoise":
        """Return the noise of a difference of two models (Welch & Satterthwaite)."""
        variance = self.variance + other.variance
        if variance == 0:
            return TrainingNoise(0.0, np.inf)
        terms = self.variance**2 / self.degrees + other.variance**2 / other.degrees
        return TrainingNoise(variance, variance**2 / terms)


def compare_pairs(
    models: Mapping[str, Sequence[Predictions]],
    pairs: Sequence[tuple[str, str]],
    names: Sequence[str] = SCORE_NAMES,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Differences:
    """Compare pairs of models on the same test images.

    Parameters
    ----------
    models : mapping of str to sequence of Predictions
        Names, each with the predictions of its trained models (several seeds and folds), which
        cover the same folds with the same rows. Scores are means over them.
    pairs : sequence of (str, str)
        Names of models: the differences are first − second.
    names : sequence of str
        The scores that are compared, of `SCORE_NAMES`.
    resamples : int
        At least 1.
    seed : int
        ≥ 0.

    Returns
    -------
    dict of (str, str) to dict of str to Difference
        By pair and score; p-values are not corrected.

    Raises
    ------
    UsageError
        If the models were tested on different images, or in some folds more often than in others.

    Examples
    --------
    >>> labels = np.tile([2, 4], 100)
    >>> good, poor = np.full((200, 7), 0.02), np.full((200, 7), 1 / 7)
    >>> good[np.arange(200), np.where(np.arange(200) < 180, labels, 0)] = 0.88
    >>> models = {name: [Predictions(labels, probabilities, probabilities.argmax(1))]
    ...           for name, probabilities in (("good", good), ("poor", poor))}
    >>> result = compare_pairs(models, [("good", "poor")])["good", "poor"]["accuracy"]
    >>> round(result.difference, 3), result.low < 0.9 < result.high
    (0.9, True)
    """
    check_same_test(models)
    means = {name: mean_scores(predictions) for name, predictions in models.items()}
    resampled = bootstrap_models(models, names, resamples=resamples, seed=seed)
    noise = {name: _training_noise(predictions) for name, predictions in models.items()}
    if count_trainings(models) < 2:
        noise = {name: dict.fromkeys(SCORE_NAMES, TrainingNoise(0.0, np.inf)) for name in models}
    quantiles = (np.random.default_rng([seed, 1]).permutation(resamples) + 0.5) / resamples
    differences: Differences = {}
    for first, second in pairs:
        observed = {name: means[first][name] - means[second][name] for name in names}
        drawn = {name: resampled[first][name] - resampled[second][name] for name in names}
        differences[first, second] = {
            name: _difference(
                observed[name],
                values,
                noise[first][name] + noise[second][name],
                quantiles,
                _differing_lesions(models[first], models[second], SCORE_OF[name]),
                largest=np.inf if name == "log_loss" else 1,
            )
            for name, values in centre_calibration(drawn, observed).items()
        }
    return differences


def count_trainings(models: Mapping[str, Sequence[Predictions]]) -> int:
    """Return how often each model was trained in each fold, at least."""
    return min(
        min(Counter(each.fold for each in predictions).values()) for predictions in models.values()
    )


def check_same_test(models: Mapping[str, Sequence[Predictions]]) -> None:
    """Refuse models that were not tested on the same rows, each fold by as many seeds."""
    reference, *others = models
    for name in others:
        _check_pair(models, reference, name)


def _difference(
    observed: float,
    over_lesions: Float64,
    noise: TrainingNoise,
    quantiles: Float64,
    differing: int,
    *,
    largest: float,
) -> Difference:
    """Return a difference whose resampled values are over lesions, with noise of trainings.

    It lies in −`largest` to `largest`, whatever normal noise says.
    """
    values, degrees = over_lesions, np.inf
    if noise.variance > 0:
        from scipy.special import stdtrit

        values = over_lesions + noise.variance**0.5 * stdtrit(noise.degrees, quantiles)
        total = float(np.nanvar(over_lesions)) + noise.variance
        degrees = noise.degrees * (total / noise.variance) ** 2
    p_value = np.maximum(bootstrap_p_value(values, degrees), smallest_p_value(differing))
    low, high = map(none_if_unknown, interval(values.clip(-largest, largest)))
    return Difference(observed, low, high, float(p_value))


def _training_noise(predictions: Sequence[Predictions]) -> dict[str, TrainingNoise]:
    """Return the noise of each score's mean: the variance between the seeds of a fold, pooled."""
    folds = [
        {name: np.array([each[name][0] for each in score_each(of_fold)]) for name in SCORE_NAMES}
        for of_fold in by_fold(predictions).values()
    ]
    noise = {}
    for name in SCORE_NAMES:
        known = [scores[name] for scores in folds if not np.isnan(scores[name]).any()]
        seeds = len(folds[0][name])
        if not known or seeds < 2:
            noise[name] = TrainingNoise(0.0, np.inf)
            continue
        variance = float(np.mean([scores.var(ddof=1) for scores in known]))
        noise[name] = TrainingNoise(variance / (len(known) * seeds), len(known) * (seeds - 1))
    return noise


def _differing_lesions(
    first: Sequence[Predictions], second: Sequence[Predictions], score: Score
) -> int:
    """Count the lesions, or images where lesions are unknown, that a score tells apart.

    Of a share, only images of which it is a share count.
    """
    count = 0
    seconds = by_fold(second)
    for fold, of_fold in by_fold(first).items():
        reference = of_fold[0]
        gap = np.abs(_outcome(of_fold, score) - _outcome(seconds[fold], score))
        differs = np.asarray((gap > _ROUNDING).any(axis=1))
        if score.proportion_of:
            differs &= np.isin(reference.labels, score.proportion_of)
        lesions = np.arange(len(differs)) if reference.lesions is None else reference.lesions
        count += len(np.unique(lesions[differs]))
    return count


def _outcome(trained: Sequence[Predictions], score: Score) -> Float64:
    """Return what a score sees of each image: (n, 1 or 7), means over a model's trainings."""
    if score.sees == "probabilities":
        return np.asarray(np.mean([each.probabilities for each in trained], axis=0))
    predicted = np.mean([np.eye(len(CODES))[each.predicted] for each in trained], axis=0)
    if score.sees == "hits":
        return np.take_along_axis(predicted, trained[0].labels[:, None], axis=1)
    if score.proportion_of:  # images are right if they have any of these
        return np.asarray(predicted[:, score.proportion_of].sum(axis=1, keepdims=True))
    return np.asarray(predicted)


def _check_pair(models: Mapping[str, Sequence[Predictions]], first: str, second: str) -> None:
    firsts, seconds = by_fold(models[first]), by_fold(models[second])
    if not (
        firsts
        and firsts.keys() == seconds.keys()
        and all(firsts[fold][0].has_rows_of(seconds[fold][0]) for fold in firsts)
    ):
        raise UsageError(
            f"{first} and {second} were not tested on the same images.",
            "Compare runs of one data set and one split.",
        )
    for name, folds in ((first, firsts), (second, seconds)):
        if len({len(of_fold) for of_fold in folds.values()}) > 1:
            raise UsageError(
                f"{name} has more predictions for some folds than for others.",
                "Train the same seeds in every fold.",
            )
