"""Paired tests between models on the same test images: `compare_predictions`, `compare_on`.

For every score: the difference, its interval and a p-value from a bootstrap over lesions, with the
same resamples for both models. For the predicted diagnoses: McNemar's test over lesions. Both
compare two trained models on these lesions; the spread over seeds tells how much another training
would change them.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hmnist.errors import UsageError
from hmnist.scores.comparison import Comparison, Difference, Pair
from hmnist.scores.intervals import bootstrap_models, centre_calibration, interval, mean_scores
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.scores.significance import bootstrap_p_value, correct_holm, mcnemar

RESAMPLES = 5000
"""More than for intervals, as small p-values need them."""


def compare_predictions(
    models: Mapping[str, Sequence[Predictions]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare models on the same test images, pair by pair.

    Parameters
    ----------
    models : mapping of str to sequence of Predictions
        At least two names, each with the predictions of its trained models (one; or several seeds
        and folds). All must cover the same folds with the same rows. Scores are means over the
        predictions; McNemar's test takes the first of each fold, as seeds repeat the same images.
    resamples : int
        At least 1.
    seed : int
        ≥ 0.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        If there are fewer than two models, or they were tested on different rows.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.tile([2, 4], 100)
    >>> good, poor = np.full((200, 7), 0.02), np.full((200, 7), 1 / 7)
    >>> good[np.arange(200), labels] = 0.88
    >>> comparison = compare_predictions(
    ...     {name: [Predictions(labels, probabilities, probabilities.argmax(1))]
    ...      for name, probabilities in (("cnn", good), ("majority", poor))})
    >>> comparison.pairs[0].scores["balanced_accuracy"].difference
    1.0
    """
    if len(models) < 2:
        raise UsageError("A comparison needs at least two models.", "Name another run.")
    check_same_test(models)
    differences = _differences(
        models, list(itertools.combinations(models, 2)), SCORE_NAMES, resamples, seed
    )
    pairs = [
        Pair(first, second, scores, mcnemar(_by_fold(models[first], models[second])))
        for (first, second), scores in differences.items()
    ]
    return Comparison(tuple(_corrected(pairs)), resamples)


def compare_on(
    score: str,
    models: Mapping[str, Sequence[Predictions]],
    pairs: Sequence[tuple[str, str]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[tuple[str, str], Difference]:
    """Compare some pairs of models on one score; p-values are corrected (Holm) for the pairs.

    Parameters
    ----------
    score : str
        One of `SCORE_NAMES`.
    models : mapping of str to sequence of Predictions
        As in `compare_predictions`.
    pairs : sequence of (str, str)
        Names of models: the differences are first − second.
    resamples : int
        At least 1.
    seed : int
        ≥ 0.

    Returns
    -------
    dict of (str, str) to Difference
        By the pairs.

    Raises
    ------
    UsageError
        If the models were tested on different rows.
    """
    check_same_test(models)
    differences = _differences(models, pairs, [score], resamples, seed)
    corrected = correct_holm([scores[score].p_value for scores in differences.values()])
    return {
        pair: replace(scores[score], p_value=p_value)
        for (pair, scores), p_value in zip(differences.items(), corrected, strict=True)
    }


def _differences(
    models: Mapping[str, Sequence[Predictions]],
    pairs: Sequence[tuple[str, str]],
    names: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[tuple[str, str], dict[str, Difference]]:
    """Return the differences of each pair on the named scores, p-values not corrected."""
    means = {name: mean_scores(predictions) for name, predictions in models.items()}
    resampled = bootstrap_models(models, names, resamples=resamples, seed=seed)
    differences = {}
    for first, second in pairs:
        observed = {name: means[first][name] - means[second][name] for name in names}
        drawn = {name: resampled[first][name] - resampled[second][name] for name in names}
        differences[first, second] = {
            name: Difference(observed[name], *interval(values), bootstrap_p_value(values))
            for name, values in centre_calibration(drawn, observed).items()
        }
    return differences


def _by_fold(
    first: Sequence[Predictions], second: Sequence[Predictions]
) -> list[tuple[Predictions, Predictions]]:
    """Return the first predictions of both models in each fold of the first."""
    firsts, seconds = (
        {each.fold: each for each in reversed(predictions)} for predictions in (first, second)
    )
    return [(firsts[fold], seconds[fold]) for fold in sorted(firsts)]


def _corrected(pairs: list[Pair]) -> list[Pair]:
    """Correct all p-values together: every score of every pair, and McNemar's tests."""
    corrected = iter(
        correct_holm(
            [
                p_value
                for pair in pairs
                for p_value in (
                    *(difference.p_value for difference in pair.scores.values()),
                    pair.mcnemar.p_value,
                )
            ]
        )
    )
    return [
        replace(
            pair,
            scores={
                name: replace(difference, p_value=next(corrected))
                for name, difference in pair.scores.items()
            },
            mcnemar=replace(pair.mcnemar, p_value=next(corrected)),
        )
        for pair in pairs
    ]


def check_same_test(models: Mapping[str, Sequence[Predictions]]) -> None:
    """Refuse models that were not tested on the same rows, each fold by as many seeds."""
    reference, *others = models
    for name in others:
        _check_pair(models, reference, name)


def _check_pair(models: Mapping[str, Sequence[Predictions]], first: str, second: str) -> None:
    folds = {name: Counter(each.fold for each in models[name]) for name in (first, second)}
    if not (
        folds[first]
        and folds[first].keys() == folds[second].keys()
        and all(a.has_rows_of(b) for a, b in _by_fold(models[first], models[second]))
    ):
        raise UsageError(
            f"{first} and {second} were not tested on the same images.",
            "Compare runs of one data set and one split.",
        )
    for name, counts in folds.items():
        if len(set(counts.values())) > 1:
            raise UsageError(
                f"{name} has more predictions for some folds than for others.",
                "Train the same seeds in every fold.",
            )
