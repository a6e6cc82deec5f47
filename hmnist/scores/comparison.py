"""`Comparison`: whether models really differ, in numbers, tables and sentences."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hmnist.html import html_of
from hmnist.scores.scoring import SCORE_OF, SCORES, none_if_unknown
from hmnist.scores.significance import McNemar, correct_holm
from hmnist.scores.text import (
    FLOOR,
    as_sentence_list,
    bound_text,
    interval_text,
    p_text,
    score_text,
    signed_text,
)

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Difference:
    """The first model's score minus the second's; NaN where the images cannot tell.

    Attributes
    ----------
    low, high : float or None
        The 95% percentile interval of the difference; None where all resamples agree.
    p_value : float
        Two-sided, by the bootstrap: twice the share of resamples on the other side of zero; see
        `hmnist.scores.significance.bootstrap_p_value`.
    """

    difference: float
    low: float | None
    high: float | None
    p_value: float

    def __str__(self) -> str:
        """Return the difference with its interval: ``+.017 [+.001, +.034]``.

        Where all resamples agree, there is none, and no difference is ``equal``.

        Examples
        --------
        >>> print(Difference(0.0, None, None, 1.0), Difference(1.0, None, None, 0.001))
        equal +1.000
        """
        if self.low is None:
            return "equal" if self.difference == 0 else signed_text(self.difference)
        return f"{signed_text(self.difference)} {interval_text(self.low, self.high, signed=True)}"

    def marked(self) -> str:
        """Return it as a cell: with a star if the p-value is below 0.05, a space otherwise."""
        return f"{self}{'*' if self.p_value < SIGNIFICANT else ' '}"

    def __neg__(self) -> "Difference":
        """Return the second model's score minus the first's."""
        low, high = (None if end is None else -end for end in (self.high, self.low))
        return Difference(-self.difference, low, high, self.p_value)


def correct_together(differences: Sequence[Difference]) -> list[Difference]:
    """Return differences with their p-values corrected for the number of them (Holm)."""
    corrected = correct_holm([each.p_value for each in differences])
    return [
        replace(each, p_value=p_value) for each, p_value in zip(differences, corrected, strict=True)
    ]


@dataclass(frozen=True)
class Pair:
    """Two models side by side; `scores` are named and ordered as in `SCORE_NAMES`."""

    first: str
    second: str
    scores: dict[str, Difference]
    mcnemar: McNemar


@dataclass(frozen=True, repr=False)
class Comparison:
    """Every pair of the compared models; all p-values are corrected together (Holm).

    Attributes
    ----------
    pairs : tuple of Pair
        In the order in which the models were given.
    resamples : int
        How many times the lesions were drawn.
    trainings : int
        How often each model was trained for the same images; from 2 on, the intervals contain what
        another training would change.
    few : str or None
        Which diagnoses are tested on too few lesions; see `hmnist.scores.intervals.describe_few`.
    """

    pairs: tuple[Pair, ...]
    resamples: int
    trainings: int = 1
    few: str | None = None

    def __repr__(self) -> str:
        names = dict.fromkeys(name for pair in self.pairs for name in (pair.first, pair.second))
        return f"Comparison({', '.join(names)})"

    def _repr_html_(self) -> str:
        sentences = self.sentences() if len(self.pairs) == 1 else []
        return html_of([self.table()], [*sentences, self.describe_tests()])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return header and cells: of one pair a row per score, of several a row per pair."""
        if len(self.pairs) == 1:
            [pair] = self.pairs
            return [_name(pair), "difference", "[low, high]", "p"], [
                [
                    SCORE_OF[name].title,
                    signed_text(result.difference),
                    interval_text(result.low, result.high, signed=True),
                    p_text(result.p_value),
                ]
                for name, result in pair.scores.items()
            ]
        shown = [score for score in SCORES if score.diagnosis is None]
        return ["difference", *(score.heading for score in shown)], [
            [_name(pair), *(pair.scores[score.name].marked() for score in shown)]
            for pair in self.pairs
        ]

    def describe_tests(self) -> str:
        """Say which tests there were, and how they were corrected."""
        p_values = [result.p_value for pair in self.pairs for result in pair.scores.values()]
        tests = len(self.pairs) + sum(not math.isnan(p_value) for p_value in p_values)
        mark = "" if len(self.pairs) == 1 else f"* p < {SIGNIFICANT}. "
        over = self.pairs[0].mcnemar.counted
        if self.trainings > 1:
            over += f" and trainings ({self.trainings} seeds)"
        return (
            f"{mark}p: paired bootstrap over {over}, {self.resamples:,} resamples; all {tests} "
            "tests, McNemar's included, are corrected together (Holm). Intervals: 95%, each by "
            f"itself.{'' if self.few is None else ' ' + self.few}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON can hold it: None where the images cannot tell."""
        pairs = [asdict(pair) for pair in self.pairs]
        for pair in pairs:
            for difference in pair["scores"].values():
                difference |= {
                    name: None if value is None else none_if_unknown(value)
                    for name, value in difference.items()
                }
        return {
            "schema": "hmnist-comparison/3",
            "resamples": self.resamples,
            "trainings": self.trainings,
            "few": self.few,
            "pairs": pairs,
        }

    def sentences(self) -> list[str]:
        """Say for each pair which model is better on which scores, and where neither is.

        A difference counts if its p-value is below 0.05. Where none was found, the far end of the
        interval tells how large it is at most. Scores of single diagnoses are not mentioned.

        Examples
        --------
        >>> from hmnist.scores.scoring import SCORE_NAMES
        >>> same = Difference(0.0, -0.1, 0.1, 1.0)
        >>> better = Difference(0.061, 0.032, 0.09, 0.0004)
        >>> scores = dict.fromkeys(SCORE_NAMES, same) | {"balanced_accuracy": better}
        >>> pair = Pair("cnn", "xgboost", scores, McNemar(80, 35, 0.0001))
        >>> print(Comparison((pair,), 5000).sentences()[0])  # doctest: +ELLIPSIS
        cnn beats xgboost on balanced accuracy by .061 [.032, .090]. No difference was found on ...
        """
        return [_describe(pair) for pair in self.pairs]


def _name(pair: Pair) -> str:
    return f"{pair.first} − {pair.second}"


def _bound(result: Difference) -> str:
    """Say how large a difference is at most; where all resamples agree, nothing is excluded."""
    if result.low is not None and result.high is not None:
        return f"at most {bound_text(max(abs(result.low), abs(result.high)))}"
    return "equal" if result.difference == 0 else "too few lesions"


def _describe(pair: Pair) -> str:
    wins: dict[str, list[str]] = {pair.first: [], pair.second: []}
    undecided: list[str] = []
    for score in SCORES:
        result = pair.scores[score.name]
        if score.diagnosis is not None or np.isnan(result.difference):
            continue
        if result.p_value >= SIGNIFICANT:
            undecided.append(f"{score.title} ({_bound(result)})")
            continue
        first_wins = (result.difference > 0) != score.lower_is_better
        lead = result if result.difference > 0 else -result
        by = score_text(lead.difference)
        if lead.low is not None:
            by += f" {interval_text(lead.low, lead.high)}"
        wins[pair.first if first_wins else pair.second].append(f"{score.title} by {by}")
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
