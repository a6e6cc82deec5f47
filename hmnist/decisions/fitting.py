"""`fit_decision`: calibration and decision, fitted on the validation part.

Each kind of decision has one or two fitted numbers, and they are shrunk: a validation part holds
some seven df images.
"""

import math

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels
from hmnist.decisions.calibration import fit_temperature
from hmnist.decisions.decision import (
    KINDS,
    LARGEST_STRENGTH,
    Decision,
    correct_prior,
    malignant_probability,
)
from hmnist.decisions.given import as_diagnoses, as_numbers, as_probabilities
from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.errors import UsageError, unknown_name

SENSITIVITY = 0.90
"""The default of the sensitivity that ``sensitive`` is to reach."""

STRENGTHS = np.arange(round(20 * LARGEST_STRENGTH) + 1) / 20

USUAL_STRENGTH = 0.75
"""The strength of ``balanced`` without validation images."""

WORTHWHILE = 0.01
"""Balanced accuracy that a stronger correction must promise beyond a milder one. The optimum is
flat: the last hundredth that is promised costs four hundredths of accuracy, and does not come true
on other lesions."""

EXPECTED_IMAGES = 100
"""How many images per diagnosis the model's own expectation of its recall counts for."""

PRIOR_IMAGES = 50
"""How many images the training prior counts for, against the validation images."""


def fit_decision(
    kind: str,
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    prior: npt.ArrayLike,
    *,
    sensitivity: float = SENSITIVITY,
    temperature: float | None = None,
) -> Decision:
    """Fit calibration and decision on the validation part.

    Parameters
    ----------
    kind : {"natural", "balanced", "sensitive"}
    labels : array-like of int, shape (n,)
        The true diagnoses of the validation images, 0–6. With none (n = 0) the temperature is 1 and
        the strength of ``balanced`` 0.75.
    probabilities : array-like of float, shape (n, 7)
        Those of the bare model for these images.
    prior : array-like of 7 floats
        Not negative. The share of each diagnosis among the training images before any oversampling.
    sensitivity : float
        Between 0 and 1; what ``sensitive`` is to reach on {akiec, bcc, mel}.
    temperature : float or None
        Known already: 1 for probabilities that are calibrated. None fits it.

    Returns
    -------
    Decision

    Raises
    ------
    UsageError
        If `kind` is unknown, the shapes disagree, or labels, probabilities or prior are none; if
        `kind` is ``sensitive``, and `sensitivity` is not between 0 and 1 or there are too few
        malignant validation images for it.

    Examples
    --------
    >>> labels = np.array([4] * 90 + [6] * 30)
    >>> probabilities = np.full((120, 7), 0.02)
    >>> probabilities[np.arange(120), labels] = 0.88
    >>> fit_decision("sensitive", labels, probabilities, np.full(7, 1 / 7)).threshold > 0.88
    True
    """
    truth = as_diagnoses("labels", labels, len(np.atleast_1d(labels)))
    check_feasible(kind, truth, sensitivity)
    bare = as_probabilities(probabilities, len(truth))
    natural_prior = _check_prior(prior)
    if temperature is None:
        temperature = fit_temperature(truth, bare)
    natural = Decision("natural", temperature)
    calibrated = natural.calibrate(bare)
    if kind == "balanced":
        expected = _expected_prior(calibrated, natural_prior)
        strength = _fit_strength(truth, calibrated, expected)
        return Decision(kind, temperature, prior=tuple(expected.tolist()), strength=strength)
    if kind == "sensitive":
        return _fit_threshold(truth, calibrated, temperature, sensitivity)
    return natural


def check_feasible(kind: str, labels: Labels, sensitivity: float = SENSITIVITY) -> None:
    """Refuse a decision that cannot be fitted on validation images with these labels.

    Examples
    --------
    >>> check_feasible("sensitive", np.array([6] * 8))
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: A sensitivity of 0.9 needs 9 malignant validation images; there are \
8. Ask for a lower sensitivity, or decide by natural or balanced.
    """
    if kind not in KINDS:
        raise unknown_name("decision", kind, KINDS)
    if kind != "sensitive":
        return
    if not 0 < sensitivity < 1:
        raise UsageError(f"The sensitivity is {sensitivity}; it must lie between 0 and 1.")
    malignant_images = int(np.isin(labels, MALIGNANT).sum())
    if _threshold_rank(malignant_images, sensitivity) < 1:
        needed = math.ceil(sensitivity / (1 - sensitivity) - 1e-9)
        raise UsageError(
            f"A sensitivity of {sensitivity} needs {needed} malignant validation images; there "
            f"are {malignant_images}.",
            "Ask for a lower sensitivity, or decide by natural or balanced.",
        )


def _check_prior(prior: npt.ArrayLike) -> Float64:
    """Return the share of each diagnosis among the training images; refuse what is none."""
    shares = as_numbers("shares of the prior", prior)
    if shares.shape != (len(CODES),) or not ((shares >= 0).all() and 0 < shares.sum() < math.inf):
        raise UsageError(
            f"The prior is {shares.tolist()}; expected {len(CODES)} finite numbers from 0 on, not "
            "all 0.",
            "Pass the share of each diagnosis among the training images.",
        )
    return shares


def _expected_prior(calibrated: Float64, prior: Float64) -> Float64:
    """Return how often the model expects each diagnosis, shrunk toward the training prior.

    A model trained on oversampled df and vasc expects them more often than they are. Dividing its
    probabilities by the training prior would correct for them twice; its own mean probabilities
    tell how far it has gone already. They need no labels, so that few df images do not matter.
    """
    blended = calibrated.sum(0) + PRIOR_IMAGES * prior / prior.sum()
    return np.asarray(blended / blended.sum())


def _fit_strength(labels: Labels, calibrated: Float64, prior: Float64) -> float:
    """Return the mildest power of the prior that promises nearly the best balanced accuracy.

    The recalls of a handful of df images jump. Each diagnosis' recall is therefore an average of
    the counted one (n images) and the one that the model expects of itself (100 images): the share
    of its probability for the diagnosis that falls on images predicted to have it. On 700
    validation images this comes closer to the best strength than the counted recalls alone.
    """
    if not len(labels):
        return USUAL_STRENGTH
    rows = np.arange(len(labels))
    images, mass = np.bincount(labels, minlength=len(CODES)), calibrated.sum(0)
    promised = np.empty(len(STRENGTHS))
    for number, strength in enumerate(STRENGTHS):
        predicted = correct_prior(calibrated, prior, strength).argmax(1)
        hits = np.bincount(labels[predicted == labels], minlength=len(CODES))
        kept = np.bincount(predicted, calibrated[rows, predicted], minlength=len(CODES))
        expected = np.divide(kept, mass, out=np.zeros(len(CODES)), where=mass > 0)
        recalls = (hits + EXPECTED_IMAGES * expected) / (images + EXPECTED_IMAGES)
        promised[number] = recalls.mean()
    return float(STRENGTHS[int(np.argmax(promised >= promised.max() - WORTHWHILE))])


def _fit_threshold(
    labels: Labels, calibrated: Float64, temperature: float, sensitivity: float
) -> Decision:
    """Return the sensitive decision, whose threshold is a conformal quantile.

    The threshold is the k-th smallest malignant probability of the n malignant validation images,
    k = ⌊(1 − sensitivity) (n + 1)⌋: a new malignant image of the same kind then reaches it with a
    probability of at least `sensitivity` (Vovk, Gammerman & Shafer 2005). The plain quantile,
    k ≈ (1 − sensitivity) n, would fall short by about 1/n.
    """
    probability, malignant = malignant_probability(calibrated), np.isin(labels, MALIGNANT)
    rank = _threshold_rank(int(malignant.sum()), sensitivity)
    threshold = float(np.sort(probability[malignant])[rank - 1])
    called = probability >= threshold
    return Decision(
        "sensitive",
        temperature,
        threshold=threshold,
        target_sensitivity=sensitivity,
        validation_sensitivity=float(called[malignant].mean()),
        validation_specificity=None if malignant.all() else float((~called[~malignant]).mean()),
    )


def _threshold_rank(images: int, sensitivity: float) -> int:
    # The small number corrects (1 - 0.9) * 10, which is just below 1.
    return math.floor((1 - sensitivity) * (images + 1) + 1e-9)
