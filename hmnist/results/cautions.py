"""What a reader of a table should be warned of: sentences, each only where it applies."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence

from hmnist.results.differences import RowDifferences
from hmnist.results.rows import TableRow
from hmnist.runs.facts import DataFacts, SplitFacts
from hmnist.scores.comparison import SIGNIFICANT
from hmnist.scores.intervals import describe_few
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import SCORE_OF
from hmnist.scores.text import interval_text, p_text, score_text

FAR = 3.5
"""A fold is far from the others beyond so many robust standard deviations (Iglewicz & Hoaglin, *How
to Detect and Handle Outliers*, 1993)."""

MAD_OF_NORMAL = 1.4826
"""What turns a median absolute deviation into the standard deviation of normal values."""

BEST_ACCURACY, BEST_ACCURACY_28, BEST_AUC = 0.90, 0.85, 0.97
"""More than publications reach on HAM10000's lesions that their models have not seen: accuracies of
.831 at 28×28 (ResNet-50 on DermaMNIST-C, Abhishek, Jain & Hamarneh 2025) and .89 at 299×299 (arXiv
1810.10348), and an AUC of .961 with whole photographs and patient data."""

MOST_NAMED = 8
"""Rows that are named in one sentence."""

NATURAL_SHARE = 0.72
"""The accuracy bounds hold where the most frequent diagnosis has no more than this share; in
HAM10000 it has .67."""


def warn_of_few(tested: Mapping[str, Sequence[Predictions]]) -> Iterator[str]:
    """Yield a sentence on the diagnoses that are tested on too few lesions for their intervals."""
    few = describe_few(next(iter(tested.values())))
    if few is not None:
        yield few


def warn_of_failed(
    rows: Mapping[str, TableRow], tested: Mapping[str, Sequence[Predictions]]
) -> Iterator[str]:
    """Yield a sentence for each model of which some trainings have learnt nothing."""
    for label, predictions in tested.items():
        failed = sum(each.are_constant for each in predictions)
        if failed and not rows[label].baseline:
            yield (
                f"{label}: {describe_failed(failed, len(predictions))}. Train it with other seeds "
                "or a lower learning rate."
            )


def describe_failed(failed: int, trainings: int) -> str:
    """Return how many trainings have failed, without a full stop.

    Examples
    --------
    >>> describe_failed(1, 5)
    '1 of 5 trainings has failed: it predicts the same for every image'
    >>> describe_failed(1, 1)
    'the training has failed: it predicts the same for every image'
    """
    if trainings == 1:
        return "the training has failed: it predicts the same for every image"
    verbs = ("has", "it predicts") if failed == 1 else ("have", "they predict")
    return (
        f"{failed:,} of {trainings:,} trainings {verbs[0]} failed: {verbs[1]} the same for every "
        "image"
    )


def warn_of_cheaper(differences: RowDifferences | None) -> Iterator[str]:
    """Yield a sentence on the models that were not found to be better than a cheaper one."""
    if differences is None:
        return
    score = SCORE_OF[differences.ranking.score]
    found = [
        f"{label} than {cheaper} ({result}, p {p_text(result.p_value)})"
        for label, (cheaper, result) in differences.to_cheaper.items()
        if result.p_value >= SIGNIFICANT or (result.difference > 0) == score.lower_is_better
    ]
    if found:
        more = len(found) - MOST_NAMED
        named = [*found[:MOST_NAMED], *([f"and {more:,} more rows"] if more > 0 else [])]
        yield (
            f"Not found to be better on {score.title} than a model that is trained in less than "
            f"two thirds of the time: {'; '.join(named)}."
        )


def warn_of_folds(
    rows: Mapping[str, TableRow], by_fold: Mapping[str, Sequence[float]], score: str
) -> Iterator[str]:
    """Yield a sentence for each fold on which a model scores far from the other folds.

    Far is more than `FAR` standard deviations from the median: either the robust one of the folds
    or, if larger, what the lesions of a fold explain, whose number is that of the interval divided
    by the number of folds.
    """
    for label, values in by_fold.items():
        low, high = rows[label].scores[score].low, rows[label].scores[score].high
        if len(values) < 3 or low is None or high is None or any(map(math.isnan, values)):
            continue
        median = statistics.median(values)
        robust = MAD_OF_NORMAL * statistics.median(abs(value - median) for value in values)
        explained = (high - low) / (2 * 1.96) * math.sqrt(len(values))
        for fold, value in enumerate(values, start=1):
            if abs(value - median) > FAR * max(robust, explained, 0.005):
                yield (
                    f"{label} scores {score_text(value)} on fold {fold}, far from the median of "
                    f"its folds ({SCORE_OF[score].title} {score_text(median)}; more than {FAR} "
                    "robust standard deviations): look at that fold's images."
                )


def warn_of_leaks(
    rows: Mapping[str, TableRow], data: DataFacts, split: SplitFacts
) -> Iterator[str]:
    """Yield a sentence for each model that scores too well for lesions that it has not seen.

    Splits that are known or feared to share lesions say so themselves, and generated images may be
    as easy as they like.
    """
    if data.synthetic or split.shared_lesions != 0:
        return
    bounds = {"roc_auc_ovr": BEST_AUC}
    shares = [row.scores["accuracy"].mean or 0 for row in rows.values() if row.baseline]
    if shares and max(shares) <= NATURAL_SHARE:
        small = max(data.image_shape[:2]) <= 28
        bounds["accuracy"] = BEST_ACCURACY_28 if small else BEST_ACCURACY
    for label, row in rows.items():
        for name, bound in bounds.items():
            low = row.scores[name].low
            if low is not None and low > bound and not row.baseline:
                summary = row.scores[name]
                yield (
                    f"{label} has an {SCORE_OF[name].title} of "
                    f"{score_text(summary.mean)} {interval_text(summary.low, summary.high)}, more "
                    f"than {score_text(bound)}, which no publication reaches on lesions that its "
                    "model has not seen: look for a leak with hmnist data check."
                )
