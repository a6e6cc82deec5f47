"""Are two models really different? Paired tests on the same test images, in numbers and sentences.

For every score: the difference, its interval and a p-value from a bootstrap over lesions, with the
same resamples for both models. For the predicted diagnoses: McNemar's test over lesions. Both
compare two trained models on these lesions; the spread over seeds tells how much another training
would change them.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hmnist.errors import UsageError
from hmnist.scores.intervals import bootstrap_models, centre_calibration, interval, mean_scores
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import SCORE_NAMES, SCORES, none_if_unknown
from hmnist.scores.significance import McNemar, bootstrap_p_value, correct_holm, mcnemar
from hmnist.scores.text import FLOOR, as_sentence_list, interval_text, p_text, score_text

RESAMPLES = 5000
"""More than for intervals, as small p-values need them."""

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Difference:
    """The first model's score minus the second's; NaN where the images cannot tell.

    Attributes
    ----------
    low, high : float
        The 95% percentile interval of the difference.
    p_value : float
        Two-sided, by the bootstrap: twice the share of resamples on the other side of zero; see
        `hmnist.scores.significance.bootstrap_p_value`.
    """

    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Pair:
    """Two models side by side; `scores` are named and ordered as in `SCORE_NAMES`."""

    first: str
    second: str
    scores: dict[str, Difference]
    mcnemar: McNemar


@dataclass(frozen=True)
class Comparison:
    """Every pair of the compared models; all p-values are corrected together (Holm).

    Attributes
    ----------
    pairs : tuple of Pair
        In the order in which the models were given.
    resamples : int
        How many times the lesions were drawn.
    """

    pairs: tuple[Pair, ...]
    resamples: int

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON can hold it: None where the images cannot tell."""
        pairs = [asdict(pair) for pair in self.pairs]
        for pair in pairs:
            for difference in pair["scores"].values():
                difference |= {name: none_if_unknown(x) for name, x in difference.items()}
        return {"schema": "hmnist-comparison/2", "resamples": self.resamples, "pairs": pairs}

    def sentences(self) -> list[str]:
        """Say for each pair which model is better on which scores, and where neither is.

        A difference counts if its p-value is below 0.05. Where none was found, the far end of the
        interval tells which difference is excluded. Scores of single diagnoses are not mentioned.

        Examples
        --------
        >>> same = Difference(0.0, -0.1, 0.1, 1.0)
        >>> better = Difference(0.061, 0.032, 0.09, 0.0004)
        >>> scores = dict.fromkeys(SCORE_NAMES, same) | {"balanced_accuracy": better}
        >>> pair = Pair("cnn", "xgboost", scores, McNemar(80, 35, 0.0001))
        >>> print(Comparison((pair,), 5000).sentences()[0])  # doctest: +ELLIPSIS
        cnn beats xgboost on balanced accuracy by .061 [.032, .090]. No difference was found on ...
        """
        return [_describe(pair) for pair in self.pairs]


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


def _describe(pair: Pair) -> str:
    wins: dict[str, list[str]] = {pair.first: [], pair.second: []}
    undecided: list[str] = []
    for score in SCORES:
        result = pair.scores[score.name]
        if score.diagnosis is not None or np.isnan(result.difference):
            continue
        low, high = sorted((abs(result.low), abs(result.high)))
        if result.p_value >= SIGNIFICANT:
            bound = score_text(high)
            # The first tells what the number in brackets means.
            undecided.append(
                f"{score.title} ({bound if undecided else f'more than {bound} is excluded'})"
            )
            continue
        first_wins = (result.difference > 0) != score.lower_is_better
        wins[pair.first if first_wins else pair.second].append(
            f"{score.title} by {score_text(abs(result.difference))} {interval_text(low, high)}"
        )
    sentences = [
        f"{winner} beats {loser} on {as_sentence_list(wins[winner])}."
        for winner, loser in ((pair.first, pair.second), (pair.second, pair.first))
        if wins[winner]
    ]
    if undecided:
        between = "" if sentences else f" between {pair.first} and {pair.second}"
        sentences.append(f"No difference{between} was found on {as_sentence_list(undecided)}.")
    test = pair.mcnemar
    sign = "" if test.p_value < FLOOR else "= "
    sentences.append(
        f"Predicted diagnoses: {pair.first} is right more often on {test.first:,} {test.counted}, "
        f"{pair.second} on {test.second:,} (McNemar p {sign}{p_text(test.p_value)})."
    )
    return " ".join(sentences)


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
