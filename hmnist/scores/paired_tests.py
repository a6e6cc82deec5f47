"""Paired tests between models on the same test images: `compare_predictions`, `compare_on`.

For every score: the difference, its interval and a p-value from a bootstrap over lesions, with the
same resamples for both models, and over trainings where there are several
(`hmnist.scores.paired_differences`). For the predicted diagnoses: McNemar's test over lesions.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hmnist.errors import UsageError
from hmnist.scores.comparison import Comparison, Difference, Pair, correct_together
from hmnist.scores.intervals import describe_few
from hmnist.scores.paired_differences import RESAMPLES, compare_pairs, count_trainings
from hmnist.scores.predictions import Predictions, as_list
from hmnist.scores.significance import correct_holm, mcnemar


def compare_predictions(
    models: Mapping[str, Predictions | Iterable[Predictions]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare models on the same test images, pair by pair.

    Parameters
    ----------
    models : mapping of str to Predictions, or to an iterable of Predictions
        At least two names, each with the predictions of its trained models (one; or several seeds
        and folds). All must cover the same folds with the same rows. Scores are means over the
        predictions.
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
        If there are fewer than two models, they were tested on different rows, or `resamples` or
        `seed` is out of range.

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
    predictions = {name: as_list(each) for name, each in models.items()}
    pairs = list(itertools.combinations(predictions, 2))
    differences = compare_pairs(predictions, pairs, resamples=resamples, seed=seed)
    compared = [
        Pair(first, second, scores, mcnemar(predictions[first], predictions[second]))
        for (first, second), scores in differences.items()
    ]
    return Comparison(
        tuple(_corrected(compared)),
        resamples,
        count_trainings(predictions),
        describe_few(next(iter(predictions.values()))),
    )


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
    differences = compare_pairs(models, pairs, [score], resamples=resamples, seed=seed)
    corrected = correct_together([scores[score] for scores in differences.values()])
    return dict(zip(differences, corrected, strict=True))


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
