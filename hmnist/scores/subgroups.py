"""Scores of subgroups: patients of one age, of one sex, lesions of one site.

A subgroup may hold few lesions of few diagnoses. So each score stands with its interval and with
its numbers of images and lesions. Models are compared within a subgroup; the balanced accuracies of
two subgroups with different diagnoses are not comparable.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Booleans, Float32, Float64, Labels
from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.errors import UsageError
from hmnist.patients import PATIENT_COLUMNS
from hmnist.scores.intervals import RESAMPLES, interval, resample_weights
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import mean_of_known

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


@dataclass(frozen=True)
class Share:
    """A score from 0 to 1 with its 95 % interval; None where there is nothing to compute it from."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Subgroup:
    """How several models score on some of the images.

    Attributes
    ----------
    images : int
    lesions : int or None
        None where lesions are unknown.
    diagnoses : int
        How many of the seven diagnoses occur.
    scores : tuple of mapping of str to Share
        For each model ``balanced_accuracy`` (the mean recall of the diagnoses that occur),
        ``accuracy``, ``sensitivity_malignant`` and ``specificity_malignant``.
    """

    images: int
    lesions: int | None
    diagnoses: int
    scores: tuple[Mapping[str, Share], ...]


def patient_groups(patients: Float32) -> Iterator[tuple[str, str, Booleans]]:
    """Yield age groups, sexes and sites: kind, name, and the images that belong to it.

    Parameters
    ----------
    patients : numpy.ndarray of float32, shape (n, `PATIENT_COLUMNS`)
        What `hmnist.encode_patients` returns.

    Yields
    ------
    (str, str, numpy.ndarray of bool, shape (n,))
        The kind is ``age``, ``sex`` or ``site``. Groups without images are left out.
    """
    for name, column in zip(PATIENT_COLUMNS, patients.T, strict=True):
        kind, _, group = name.removeprefix("patient ").partition(" ")
        members = column == 1
        if group and members.any():
            yield kind, group, members


def score_subgroup(
    models: Sequence[Sequence[Predictions]], members: Booleans, *, resamples: int = RESAMPLES
) -> Subgroup:
    """Score models on the images of one subgroup.

    Parameters
    ----------
    models : sequence of sequence of Predictions
        For each model the predictions of its trainings (several seeds) for the same n images; the
        scores of a model are means over its trainings.
    members : numpy.ndarray of bool, shape (n,)
        Which images belong to the subgroup; at least one.
    resamples : int
        How many times the lesions are drawn for the intervals of balanced accuracies.

    Returns
    -------
    Subgroup
        Shares of images have Wilson intervals that count lesions, or images where lesions are
        unknown. Balanced accuracies have bootstrap intervals over the lesions of each diagnosis.

    Raises
    ------
    UsageError
        If the subgroup is empty, or predictions are for other images.

    Examples
    --------
    >>> labels = np.repeat([4, 6], 50)
    >>> predictions = Predictions(labels, np.full((100, 7), 1 / 7), np.full(100, 4))
    >>> group = score_subgroup([[predictions]], np.arange(100) >= 40)
    >>> group.images, group.diagnoses, round(group.scores[0]["accuracy"].value, 3)
    (60, 2, 0.167)
    """
    first = models[0][0]
    if not all(first.has_rows_of(each) for model in models for each in model):
        raise UsageError("The models of a subgroup were tested on different images.")
    if not members.any():
        raise UsageError("A subgroup without images has no scores.")
    labels = first.labels[members]
    lesions = None if first.lesions is None else first.lesions[members]
    answers = [_mean_answers(model, members) for model in models]
    intervals = _balanced_intervals(labels, lesions, [right for right, _ in answers], resamples)
    return Subgroup(
        images=len(labels),
        lesions=None if lesions is None else len(np.unique(lesions)),
        diagnoses=len(np.unique(labels)),
        scores=tuple(
            {
                "balanced_accuracy": Share(_balanced_accuracy(labels, right), low, high),
                **_shares(labels, lesions, right, screened),
            }
            for (right, screened), (low, high) in zip(answers, intervals, strict=True)
        ),
    )


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `count` independent observations.

    Source: E. B. Wilson, *Probable inference, the law of succession, and statistical inference*,
    Journal of the American Statistical Association 22 (1927).

    Examples
    --------
    >>> low, high = wilson_interval(1.0, 29)
    >>> round(low, 3), high
    (0.883, 1.0)
    """
    squared = Z * Z / count
    centre = (share + squared / 2) / (1 + squared)
    half = Z / (1 + squared) * math.sqrt(share * (1 - share) / count + squared / count / 4)
    # Rounding must not put the interval of a share of 0 or 1 beside it.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def _mean_answers(model: Sequence[Predictions], members: Booleans) -> tuple[Float64, Float64]:
    """Return how often each image is right, and rightly malignant or benign: shape (n,) each."""
    labels = model[0].labels[members]
    predicted = np.array([each.predicted[members] for each in model])
    screened = np.isin(predicted, MALIGNANT) == np.isin(labels, MALIGNANT)
    return (predicted == labels).mean(axis=0), screened.mean(axis=0)


def _shares(
    labels: Labels, lesions: npt.NDArray[np.generic] | None, right: Float64, screened: Float64
) -> dict[str, Share]:
    malignant = np.isin(labels, MALIGNANT)
    return {
        name: _share(counted[rows], None if lesions is None else lesions[rows])
        for name, counted, rows in (
            ("accuracy", right, np.full(len(labels), fill_value=True)),
            ("sensitivity_malignant", screened, malignant),
            ("specificity_malignant", screened, ~malignant),
        )
    }


def _share(counted: Float64, lesions: npt.NDArray[np.generic] | None) -> Share:
    if not len(counted):
        return Share(None, None, None)
    share = float(counted.mean())
    return Share(share, *wilson_interval(share, len(counted if lesions is None else set(lesions))))


def _balanced_accuracy(labels: Labels, right: Float64) -> float:
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def _balanced_intervals(
    labels: Labels,
    lesions: npt.NDArray[np.generic] | None,
    answers: Sequence[Float64],
    resamples: int,
) -> list[tuple[float, float]]:
    """Return the bootstrap interval of each model's balanced accuracy, all on the same draws."""
    uniform = np.full((len(labels), len(CODES)), 1 / len(CODES))
    drawn = Predictions(labels, uniform, labels, lesions)  # of which only the lesions matter
    right, present = np.array(answers), np.unique(labels).tolist()
    resampled: list[Float64] = []
    for weights in resample_weights(drawn, resamples, seed=0):
        recalls = [
            _resampled_recall(right[:, labels == label], weights[labels == label])
            for label in present
        ]
        resampled.append(mean_of_known(np.array(recalls)))
    return [interval(values) for values in np.concatenate(resampled, axis=1)]


def _resampled_recall(right: Float64, weights: Float64) -> Float64:
    """Return recalls of shape (models, resamples); NaN where no lesion was drawn."""
    hits, images = np.einsum("mi,ir->mr", right, weights), weights.sum(axis=0)
    return np.divide(hits, images, out=np.full(hits.shape, np.nan), where=images > 0)
