"""Labels and probabilities → scores: the list `SCORES`, and `score_predictions`.

A score is a function of weighted sums (`hmnist.scores.weighting`) and a line in `SCORES`; a score
of all diagnoses together is a field of `Scores` as well.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels
from hmnist.decisions.given import as_probabilities
from hmnist.diagnoses import BENIGN, CODES, MALIGNANT
from hmnist.scores.predictions import Predictions, count_images
from hmnist.scores.weighting import PreparedPredictions, WeightedSums


@dataclass(frozen=True)
class Scores:
    """The scores of one model on one set of images.

    A score that the images cannot tell (the recall of a diagnosis that none of them has) is NaN.

    Attributes
    ----------
    balanced_accuracy : float
        The mean recall of the diagnoses that occur.
    accuracy : float
        The share of images whose predicted diagnosis is the true one.
    f1_macro : float
        The mean F1 of the diagnoses that occur or are predicted.
    roc_auc_ovr : float
        The mean area under the ROC curve, each diagnosis against the rest.
    log_loss : float
        Mean negative log-probability of the true diagnosis, in nats; probabilities are clipped to
        float64's epsilon, as scikit-learn does.
    calibration_error : float
        Expected calibration error of the largest probability: 15 bins of equal width (Naeini et
        al., AAAI 2015; Guo et al., ICML 2017), those of `hmnist.scores.reliability`.
    sensitivity_malignant, specificity_malignant : float
        The share of images with {akiec, bcc, mel} that are predicted to have one of these, and of
        the other images that are not.
    recall : dict of str to float
        The recall of each diagnosis by its code, in the Kaggle order.
    """

    balanced_accuracy: float
    accuracy: float
    f1_macro: float
    roc_auc_ovr: float
    log_loss: float
    calibration_error: float
    sensitivity_malignant: float
    specificity_malignant: float
    recall: dict[str, float]

    def to_dict(self) -> dict[str, float]:
        """Return the scores by their names (`SCORE_NAMES`), recalls as ``recall_<code>``."""
        return {
            score.name: getattr(self, score.name)
            if score.diagnosis is None
            else self.recall[score.diagnosis]
            for score in SCORES
        }


@dataclass(frozen=True)
class Score:
    """One score: its name, the heading of its column in a table, and how it is computed.

    Attributes
    ----------
    compute : callable
        From weighted sums of r weightings to float64, shape (r,); NaN where it is unknown.
    title : str
        Its name in sentences.
    proportion_of : tuple of int
        The labels of the images of which it is a share; empty for a score that is not a share.
    sees : {"hits", "predictions", "probabilities"}
        What it depends on: whether a predicted diagnosis is the true one, which one it is, or
        probabilities.
    diagnosis : str or None
        The code of the diagnosis whose recall it is; None for a score of all diagnoses.
    """

    name: str
    heading: str
    title: str
    compute: Callable[[WeightedSums], Float64]
    proportion_of: tuple[int, ...] = ()
    sees: Literal["hits", "predictions", "probabilities"] = "predictions"
    lower_is_better: bool = False
    diagnosis: str | None = None


def _recall(sums: WeightedSums, label: int) -> Float64:
    return _ratio(sums.hits[label], sums.images[label])


SCORES: tuple[Score, ...] = (
    Score(
        "balanced_accuracy",
        "balanced acc.",
        "balanced accuracy",
        lambda sums: _mean_ratio(sums.hits, sums.images),
        sees="hits",
    ),
    Score(
        "accuracy",
        "accuracy",
        "accuracy",
        lambda sums: _ratio(sums.hits.sum(0), sums.total),
        proportion_of=tuple(range(len(CODES))),
        sees="hits",
    ),
    Score(
        "f1_macro",
        "F1",
        "F1",
        lambda sums: _mean_ratio(2 * sums.hits, sums.images + sums.predicted),
    ),
    Score(
        "roc_auc_ovr",
        "AUC",
        "AUC",
        lambda sums: _mean_ratio(sums.pairs_won, sums.images * (sums.total - sums.images)),
        sees="probabilities",
    ),
    Score(
        "log_loss",
        "log loss",
        "log loss",
        lambda sums: _ratio(sums.losses, sums.total),
        sees="probabilities",
        lower_is_better=True,
    ),
    Score(
        "calibration_error",
        "ECE",
        "ECE",
        lambda sums: _ratio(np.abs(sums.gaps).sum(0), sums.total),
        sees="probabilities",
        lower_is_better=True,
    ),
    Score(
        "sensitivity_malignant",
        "sens.",
        "sensitivity",
        lambda sums: _ratio(sums.screened[0], sums.malignant),
        proportion_of=MALIGNANT,
    ),
    Score(
        "specificity_malignant",
        "spec.",
        "specificity",
        lambda sums: _ratio(sums.screened[1], sums.total - sums.malignant),
        proportion_of=BENIGN,
    ),
    *(
        Score(
            f"recall_{code}",
            code,
            f"recall of {code}",
            partial(_recall, label=label),
            proportion_of=(label,),
            sees="hits",
            diagnosis=code,
        )
        for label, code in enumerate(CODES)
    ),
)
"""Every score, in the order of the table's columns."""

SCORE_OF: dict[str, Score] = {score.name: score for score in SCORES}
"""Every score by its name."""

SCORE_NAMES: tuple[str, ...] = tuple(score.name for score in SCORES)

LOWER_IS_BETTER: frozenset[str] = frozenset(score.name for score in SCORES if score.lower_is_better)


def score_predictions(
    labels: Labels, probabilities: npt.NDArray[np.floating], predicted: Labels | None = None
) -> Scores:
    """Score probabilities and predicted diagnoses against the true diagnoses.

    Parameters
    ----------
    labels : numpy.ndarray of int64, shape (n,)
        The true diagnoses, 0–6 in the Kaggle order.
    probabilities : numpy.ndarray of float, shape (n, 7)
        One row per image, 0–1, each with the sum 1 (within 0.001).
    predicted : numpy.ndarray of int64, shape (n,), optional
        The predicted diagnoses; by default those of the largest probability. `roc_auc_ovr`,
        `log_loss` and `calibration_error` do not depend on them.

    Returns
    -------
    Scores

    Raises
    ------
    UsageError
        As `Predictions` does.

    Examples
    --------
    >>> labels = np.array([4, 4, 6, 6])
    >>> probabilities = np.full((4, 7), 0.02)
    >>> probabilities[[0, 1, 2, 3], [4, 4, 4, 6]] = 0.88
    >>> scores = score_predictions(labels, probabilities)
    >>> scores.balanced_accuracy, scores.recall["nv"], scores.sensitivity_malignant
    (0.75, 1.0, 0.5)
    """
    doubles = as_probabilities(probabilities, count_images(labels))
    if predicted is None:
        predicted = doubles.argmax(1)
    prepared = PreparedPredictions(Predictions(labels, doubles, predicted))
    weighted = weighted_scores(prepared, np.ones((len(labels), 1)))
    by_name = {name: float(values[0]) for name, values in weighted.items()}
    recall = {
        score.diagnosis: by_name.pop(score.name) for score in SCORES if score.diagnosis is not None
    }
    return Scores(recall=recall, **by_name)


def weighted_scores(
    prepared: PreparedPredictions, weights: Float64, names: Collection[str] = SCORE_NAMES
) -> dict[str, Float64]:
    """Return the named scores for each column of `weights` (n, r); NaN if unknown."""
    sums = WeightedSums(prepared, weights)
    return {score.name: score.compute(sums) for score in SCORES if score.name in names}


def none_if_unknown(value: float | np.floating) -> float | None:
    """Return a score as JSON can hold it: None for NaN, what the images cannot tell."""
    return None if np.isnan(value) else float(value)


def mean_of_known(values: Float64) -> Float64:
    """Return the mean over the first axis of what is not NaN; NaN where nothing is known."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(0), known.sum(0).astype(np.float64))


def _mean_ratio(parts: Float64, wholes: Float64) -> Float64:
    return mean_of_known(_ratio(parts, wholes))


def _ratio(parts: Float64, wholes: Float64) -> Float64:
    unknown = np.full(parts.shape, np.nan)
    return np.asarray(np.divide(parts, wholes, out=unknown, where=wholes > 0))
