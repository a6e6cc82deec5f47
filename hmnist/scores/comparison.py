"""Are two models really different? Paired tests on the same test images, in numbers and in words.

For every score: the difference, its interval and a p-value from a bootstrap over lesions in which
both models meet the same resamples. For the decisions: McNemar's test, one vote per lesion. What
is compared is two trained models on these lesions; how much another seed would change them, the
spread over seeds tells.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.errors import UsageError
from hmnist.scores.intervals import bootstrap_scores, centre_calibration, interval, mean_scores
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import LOWER_IS_BETTER, SCORE_NAMES, none_if_unknown

__all__ = ["Comparison", "Difference", "McNemar", "Pair", "compare_predictions"]

RESAMPLES = 5000
"""More than for intervals: the smallest p-value is 2 / (resamples + 1)."""

SIGNIFICANT = 0.05

SPOKEN = SCORE_NAMES[:8]
"""The scores that sentences name; the recalls of single diagnoses stay in the numbers."""


@dataclass(frozen=True)
class Difference:
    """How far apart two models are on one score.

    Attributes
    ----------
    difference : float
        The first model's score minus the second's; NaN where the images cannot tell.
    low, high : float
        The 95 % percentile interval of the difference.
    p_value : float
        Two-sided, by the bootstrap: twice the share of resamples on the far side of zero. With
        more than two models corrected (Holm) for the number of pairs.
    """

    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class McNemar:
    """Whether the decisions of one model are right more often.

    Attributes
    ----------
    first, second : int
        The lesions of which the first, and the second, model got more images right. Where
        lesions are unknown, images.
    p_value : float
        Two-sided mid-p of the exact test (Fagerland, Lydersen & Laake, BMC Medical Research
        Methodology 13:91, 2013). With more than two models corrected (Holm) for the number of
        pairs.
    counted : {"lesions", "images"}
        What was counted.
    """

    first: int
    second: int
    p_value: float
    counted: str = "lesions"


@dataclass(frozen=True)
class Pair:
    """Two models side by side.

    Attributes
    ----------
    first, second : str
        Their names.
    scores : dict of str to Difference
        By the names and in the order of `SCORE_NAMES`.
    mcnemar : McNemar
    """

    first: str
    second: str
    scores: dict[str, Difference]
    mcnemar: McNemar


@dataclass(frozen=True)
class Comparison:
    """Every pair of the compared models.

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
            for found in pair["scores"].values():
                found |= {what: none_if_unknown(x) for what, x in found.items()}
        return {"schema": "hmnist-comparison/1", "resamples": self.resamples, "pairs": pairs}

    def sentences(self) -> list[str]:
        """Say for each pair which model is better on what, and on what no difference was found.

        A difference counts if its p-value is below 0.05.

        Examples
        --------
        >>> same = Difference(0.0, -0.1, 0.1, 1.0)
        >>> better = Difference(0.061, 0.032, 0.09, 0.0004)
        >>> scores = dict.fromkeys(SCORE_NAMES, same) | {"balanced_accuracy": better}
        >>> pair = Pair("cnn", "xgboost", scores, McNemar(80, 35, 0.0001))
        >>> print(Comparison((pair,), 5000).sentences()[0])  # doctest: +ELLIPSIS
        cnn beats xgboost on balanced accuracy by 0.061 [0.032, 0.090]. On accuracy, ...
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
        At least two names, each with what its trained models (one; or several seeds and folds)
        answered. All must cover the same folds with the same rows. Scores are means over the
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
    first, *others = models
    for other in others:
        _check_same_test(first, models[first], other, models[other])
    scores = {name: mean_scores(cells) for name, cells in models.items()}
    resampled = {
        name: bootstrap_scores(cells, resamples=resamples, seed=seed)
        for name, cells in models.items()
    }
    pairs = list(itertools.combinations(models, 2))
    differences = {
        (one, two): _differences(scores[one], scores[two], resampled[one], resampled[two])
        for one, two in pairs
    }
    tests = {(one, two): _mcnemar(models[one], models[two]) for one, two in pairs}
    return Comparison(tuple(_correct(differences, tests)), resamples)


def _differences(
    first: dict[str, float],
    second: dict[str, float],
    first_resampled: dict[str, npt.NDArray[np.float64]],
    second_resampled: dict[str, npt.NDArray[np.float64]],
) -> dict[str, Difference]:
    here = {name: first[name] - second[name] for name in SCORE_NAMES}
    resampled = centre_calibration(
        {name: first_resampled[name] - second_resampled[name] for name in SCORE_NAMES}, here
    )
    return {
        name: Difference(here[name], *interval(values), _bootstrap_p(values))
        for name, values in resampled.items()
    }


def _bootstrap_p(differences: npt.NDArray[np.float64]) -> float:
    """Return twice the smaller share of resampled differences on either side of zero.

    The one that is added keeps the p-value above zero, which no number of resamples could show
    (Davison & Hinkley, *Bootstrap Methods and their Application*, 1997, section 4.2).
    """
    known = differences[~np.isnan(differences)]
    if not len(known):
        return float("nan")
    side = min((known <= 0).sum(), (known >= 0).sum())
    return min(1.0, 2 * (int(side) + 1) / (len(known) + 1))


def _mcnemar(first: Sequence[Predictions], second: Sequence[Predictions]) -> McNemar:
    """Test the decisions: each lesion votes for the model that got more of its images right.

    Images of one lesion are right or wrong together; counted one by one they would claim more
    than they know. With one image per lesion this is McNemar's test.
    """
    from scipy.stats import binom

    won, lost = 0, 0
    for fold in sorted({cell.fold for cell in first}):
        one, two = (next(cell for cell in cells if cell.fold == fold) for cells in (first, second))
        lead = (one.decisions == one.labels).astype(float) - (two.decisions == two.labels)
        if one.lesions is not None:
            lead = np.bincount(np.unique(one.lesions, return_inverse=True)[1], lead)
        won, lost = won + int((lead > 0).sum()), lost + int((lead < 0).sum())
    fewer, votes = min(won, lost), won + lost
    # Mid-p takes what was seen for half as extreme; equal votes give 1.
    mid_p = 2 * binom.cdf(fewer - 1, votes, 0.5) + binom.pmf(fewer, votes, 0.5)
    counted = "lesions" if all(cell.lesions is not None for cell in first) else "images"
    return McNemar(won, lost, min(1.0, float(mid_p)), counted)


def _correct(
    differences: dict[tuple[str, str], dict[str, Difference]],
    tests: dict[tuple[str, str], McNemar],
) -> list[Pair]:
    """Correct each score's p-values for the number of pairs; every score is its own question."""
    pairs = list(differences)
    corrected = {
        name: _holm([differences[pair][name].p_value for pair in pairs]) for name in SCORE_NAMES
    }
    votes = _holm([tests[pair].p_value for pair in pairs])
    return [
        Pair(
            *pair,
            {
                name: replace(found, p_value=corrected[name][place])
                for name, found in differences[pair].items()
            },
            replace(tests[pair], p_value=votes[place]),
        )
        for place, pair in enumerate(pairs)
    ]


def _holm(p_values: list[float]) -> list[float]:
    """Return Holm's step-down corrected p-values (Scandinavian Journal of Statistics, 1979).

    Values that are NaN stay so and are no question.
    """
    values = np.array(p_values)
    corrected = np.full(len(values), np.nan)
    asked = np.flatnonzero(~np.isnan(values))
    order = asked[np.argsort(values[asked], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in corrected]


def _describe(pair: Pair) -> str:
    wins: dict[str, list[str]] = {pair.first: [], pair.second: []}
    open_questions = []
    for name in SPOKEN:
        found, words = pair.scores[name], name.replace("_", " ")
        if np.isnan(found.difference):
            continue
        if found.p_value >= SIGNIFICANT:
            open_questions.append(words)
            continue
        ahead = (found.difference > 0) != (name in LOWER_IS_BETTER)
        low, high = sorted((abs(found.low), abs(found.high)))
        wins[pair.first if ahead else pair.second].append(
            f"{words} by {abs(found.difference):.3f} [{low:.3f}, {high:.3f}]"
        )
    parts = [
        f"{winner} beats {pair.second if winner == pair.first else pair.first} on {_join(scores)}."
        for winner, scores in wins.items()
        if scores
    ]
    if open_questions:
        between = "" if parts else f" between {pair.first} and {pair.second}"
        parts.append(f"On {_join(open_questions)} no difference{between} was found.")
    votes = pair.mcnemar
    p_value = "p < 0.001" if votes.p_value < 0.001 else f"p = {votes.p_value:.3f}"
    parts.append(
        f"Decisions: {pair.first} is right more often on {votes.first:,} {votes.counted}, "
        f"{pair.second} on {votes.second:,} (McNemar {p_value})."
    )
    return " ".join(parts)


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _check_same_test(
    first: str, one: Sequence[Predictions], second: str, two: Sequence[Predictions]
) -> None:
    folds = [sorted({cell.fold for cell in cells}) for cells in (one, two)]
    same = folds[0] == folds[1] and len(one) > 0
    for fold in folds[0] if same else []:
        mine, other = (next(cell for cell in cells if cell.fold == fold) for cells in (one, two))
        same = same and mine.has_rows_of(other)
    if not same:
        raise UsageError(
            f"{first} and {second} were not tested on the same images.",
            "Compare runs of one data set and one split.",
        )
    for name, cells in ((first, one), (second, two)):
        if len({sum(cell.fold == fold for cell in cells) for fold in folds[0]}) > 1:
            raise UsageError(
                f"{name} has more predictions for some folds than for others.",
                "Train the same seeds in every fold.",
            )
