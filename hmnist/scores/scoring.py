"""Labels and probabilities → scores: how good one model's answers are.

Every score is a function of whole-number weights on the images. A weight of one each gives the
score itself; the weights of a bootstrap resample give the score of that resample, a thousand at a
time (`hmnist.scores.intervals`). So a score and its interval can never disagree about a definition.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.scores.predictions import Predictions, check_probabilities
from hmnist.scores.reliability import sort_into_bins

__all__ = [
    "LOWER_IS_BETTER",
    "SCORE_NAMES",
    "Scores",
    "WeightedScores",
    "none_if_unknown",
    "score_predictions",
]

SCORE_NAMES: tuple[str, ...] = (
    "balanced_accuracy",
    "accuracy",
    "f1_macro",
    "roc_auc_ovr",
    "log_loss",
    "calibration_error",
    "sensitivity_malignant",
    "specificity_malignant",
    *(f"recall_{code}" for code in CODES),
)
"""Every score by its flat name, in the order of the table's columns."""

LOWER_IS_BETTER: frozenset[str] = frozenset({"log_loss", "calibration_error"})

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """The scores of one model on one set of images.

    A score that the images cannot tell (the recall of a diagnosis that none of them has) is NaN.

    Attributes
    ----------
    balanced_accuracy : float
        The mean recall of the diagnoses that occur.
    accuracy : float
        The share of images with the right decision.
    f1_macro : float
        The mean F1 of the diagnoses that occur or were decided for.
    roc_auc_ovr : float
        The mean area under the ROC curve, each diagnosis against the rest.
    log_loss : float
        Mean negative log-probability of the true diagnosis, in nats; probabilities are clipped to
        float64's epsilon, as scikit-learn does.
    calibration_error : float
        Expected calibration error of the largest probability: 15 bins of equal width (Naeini et
        al., AAAI 2015; Guo et al., ICML 2017), those of `hmnist.scores.reliability`.
    sensitivity_malignant, specificity_malignant : float
        The share of {akiec, bcc, mel} that were decided to be one of these, and of the others
        that were not.
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
        """Return the scores by their flat names (`SCORE_NAMES`), recalls as ``recall_<code>``."""
        flat = {name: getattr(self, name) for name in SCORE_NAMES if not name.startswith("recall_")}
        return flat | {f"recall_{code}": self.recall[code] for code in CODES}


def score_predictions(
    labels: Labels, probabilities: npt.NDArray[np.floating], decisions: Labels | None = None
) -> Scores:
    """Score probabilities and decisions against the true diagnoses.

    Parameters
    ----------
    labels : numpy.ndarray of int64, shape (n,)
        The true diagnoses, 0–6 in the Kaggle order.
    probabilities : numpy.ndarray of float, shape (n, 7)
        One row per image, 0–1, each with the sum 1 (within 0.001).
    decisions : numpy.ndarray of int64, shape (n,), optional
        The diagnoses decided for; by default those of the largest probability. `roc_auc_ovr`,
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
    doubles = np.asarray(probabilities, dtype=np.float64)
    check_probabilities(doubles, len(labels))
    if decisions is None:
        decisions = doubles.argmax(1)
    predictions = Predictions(labels, doubles, decisions)
    weighted = WeightedScores(predictions)(np.ones((len(predictions.labels), 1)))
    flat = {name: float(values[0]) for name, values in weighted.items()}
    recall = {code: flat.pop(f"recall_{code}") for code in CODES}
    return Scores(recall=recall, **flat)


def none_if_unknown(value: float | np.floating) -> float | None:
    """Return a score as JSON can hold it: None for NaN, what the images cannot tell.

    Examples
    --------
    >>> none_if_unknown(0.5), none_if_unknown(float("nan"))
    (0.5, None)
    """
    return None if np.isnan(value) else float(value)


class WeightedScores:
    """All scores of one set of predictions for many weightings of its images at once.

    Whatever does not depend on the weights (who is right, who outranks whom) is worked out once.
    Sums are taken image by image, never by a matrix product: a score is the same, bit for bit, for
    any number of threads, and no thread waits for a busy core.

    Parameters
    ----------
    predictions : Predictions
        n images.
    """

    def __init__(self, predictions: Predictions) -> None:
        labels, decisions = predictions.labels, predictions.decisions
        probabilities, diagnoses = predictions.probabilities, range(len(CODES))
        self._truth = [np.flatnonzero(labels == label) for label in diagnoses]
        self._decided = [np.flatnonzero(decisions == label) for label in diagnoses]
        self._hits = [rows[decisions[rows] == labels[rows]] for rows in self._truth]

        malignant, called = np.isin(labels, MALIGNANT), np.isin(decisions, MALIGNANT)
        self._screened = [np.flatnonzero(malignant & called), np.flatnonzero(~malignant & ~called)]

        normalised = probabilities / probabilities.sum(1, keepdims=True)
        epsilon = np.finfo(np.float64).eps
        true = normalised[np.arange(len(labels)), labels]
        self._losses = -np.log(np.clip(true, epsilon, 1 - epsilon))[:, None]

        confidence = probabilities.max(1)
        self._bins = [rows for rows in sort_into_bins(confidence) if len(rows)]
        self._gaps = (confidence - (probabilities.argmax(1) == labels))[:, None]

        self._rankings = [_Ranking(probabilities[:, label], labels == label) for label in diagnoses]

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        """Return every score for each column of `weights`.

        Parameters
        ----------
        weights : numpy.ndarray of float64, shape (n, r)
            Whole numbers ≥ 0: how often each image counts.

        Returns
        -------
        dict of str to numpy.ndarray of float64, shape (r,)
            By the names and in the order of `SCORE_NAMES`; NaN where the weighted images cannot
            tell.
        """
        counts, hits = _sums(weights, self._truth), _sums(weights, self._hits)
        total, malignant = counts.sum(0), counts[list(MALIGNANT)].sum(0)
        screened = _sums(weights, self._screened)
        gaps = _sums(weights * self._gaps, self._bins)
        recalls = _ratio(hits, counts)
        wins = np.array([ranking.wins(weights) for ranking in self._rankings])
        scores = (
            _mean_of_known(recalls),
            _ratio(hits.sum(0), total),
            _mean_of_known(_ratio(2 * hits, counts + _sums(weights, self._decided))),
            _mean_of_known(_ratio(wins, counts * (total - counts))),
            _ratio((weights * self._losses).sum(0), total),
            _ratio(np.abs(gaps).sum(0), total),
            _ratio(screened[0], malignant),
            _ratio(screened[1], total - malignant),
            *recalls,
        )
        return dict(zip(SCORE_NAMES, scores, strict=True))


class _Ranking:
    """How often images with one diagnosis get a larger probability of it than the others do."""

    def __init__(self, probability: Floats, positive: npt.NDArray[np.bool_]) -> None:
        self._positive = np.flatnonzero(positive)
        others = np.flatnonzero(~positive)
        self._others = others[np.argsort(probability[others], kind="stable")]
        rising = probability[self._others]
        self._beaten = np.searchsorted(rising, probability[self._positive], side="left")
        self._not_lost = np.searchsorted(rising, probability[self._positive], side="right")

    def wins(self, weights: Floats) -> Floats:
        """Return the weighted number of pairs won, ties half: the Mann–Whitney U, shape (r,)."""
        below = np.zeros((len(self._others) + 1, weights.shape[1]))
        np.cumsum(weights[self._others], axis=0, out=below[1:])
        won = below[self._beaten]
        won += below[self._not_lost]
        won *= weights[self._positive]
        return np.asarray(won.sum(0) / 2)


def _sums(weights: Floats, groups: list[npt.NDArray[np.int64]]) -> Floats:
    """Return the sum of the weights of each group of rows, shape (groups, r)."""
    return np.array([weights[rows].sum(0) for rows in groups])


def _ratio(parts: Floats, wholes: Floats) -> Floats:
    unknown = np.full(parts.shape, np.nan)
    return np.asarray(np.divide(parts, wholes, out=unknown, where=wholes > 0))


def _mean_of_known(values: Floats) -> Floats:
    """Mean over the first axis of what is not NaN."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(0), known.sum(0).astype(np.float64))
