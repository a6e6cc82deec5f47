"""Probabilities → diagnoses: calibration, prior correction, sensitivity; fitted on validation.

A model's probabilities are first calibrated by one temperature; `roc_auc_ovr`, `log_loss` and
`calibration_error` are those of the calibrated probabilities. The decision then turns them into
diagnoses and changes nothing else:

- ``natural``: the largest probability;
- ``balanced``: the largest probability after dividing by the prior to some power, for balanced
  accuracy;
- ``sensitive``: malignant if P(akiec) + P(bcc) + P(mel) reaches a threshold, for a stated
  sensitivity.

Each is fitted with one or two numbers, and shrunk: a validation part holds some seven df images.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hmnist.decisions.calibration import fit_temperature, rescale
from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.errors import TrustError, UsageError

__all__ = ["KINDS", "Decision", "fit_decision"]

KINDS: tuple[str, ...] = ("natural", "balanced", "sensitive")
"""The kinds of decision, the default first."""

BENIGN: tuple[int, ...] = tuple(sorted(set(range(len(CODES))) - set(MALIGNANT)))

STRENGTHS = np.arange(31) / 20

USUAL_STRENGTH = 0.75
"""Without validation images."""

WORTH = 0.005
"""Balanced accuracy that a stronger correction must promise beyond a milder one. The optimum is
flat: the last half of a hundredth costs two or three hundredths of accuracy."""

EXPECTED_IMAGES = 100
"""How many images per diagnosis the model's own expectation of its recall counts for."""

PRIOR_IMAGES = 50
"""How many images the training prior counts for, against the validation images."""

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Decision:
    """How one trained model's probabilities become diagnoses.

    Attributes
    ----------
    kind : {"natural", "balanced", "sensitive"}
    temperature : float
        > 0; logarithms of probabilities are divided by it. 1 leaves them as they are.
    prior : tuple of 7 floats, or None
        For ``balanced``: how often the calibrated model expects each diagnosis.
    strength : float or None
        For ``balanced``: the power of the prior, 0 (natural) to 1.5.
    threshold : float or None
        For ``sensitive``: the malignant probability from which on an image is called malignant.
    target_sensitivity : float or None
        For ``sensitive``: what the threshold was fitted for.
    validation_sensitivity, validation_specificity : float or None
        For ``sensitive``: what the threshold reached on the validation part.

    Raises
    ------
    UsageError
        If `kind` is unknown or lacks the numbers that it needs.

    Examples
    --------
    >>> decision = Decision("balanced", prior=(0.1,) * 4 + (0.4, 0.1, 0.1), strength=1.0)
    >>> decision.decide(np.array([[0, 0, 0, 0, 0.6, 0, 0.4]]))
    array([6])
    """

    kind: str
    temperature: float = 1.0
    prior: tuple[float, ...] | None = None
    strength: float | None = None
    threshold: float | None = None
    target_sensitivity: float | None = None
    validation_sensitivity: float | None = None
    validation_specificity: float | None = None

    def __post_init__(self) -> None:
        _check_kind(self.kind)
        if not 0 < self.temperature < math.inf:
            raise UsageError(f"The temperature is {self.temperature}; it must be above 0.")
        if self.kind == "balanced" and (
            self.strength is None or self.prior is None or len(self.prior) != len(CODES)
        ):
            raise UsageError("A balanced decision needs a strength and a prior of 7 numbers.")
        if self.kind == "sensitive" and self.threshold is None:
            raise UsageError("A sensitive decision needs a threshold.")

    def calibrate(self, probabilities: npt.NDArray[np.floating]) -> Floats:
        """Return the calibrated probabilities: softmax(log p / temperature).

        Parameters
        ----------
        probabilities : numpy.ndarray of float, shape (n, 7)
            What the bare model says.

        Returns
        -------
        numpy.ndarray of float64, shape (n, 7)
        """
        if self.temperature == 1:
            return np.asarray(probabilities, dtype=np.float64)
        return rescale(probabilities, self.temperature)

    def decide(self, probabilities: npt.NDArray[np.floating]) -> Labels:
        """Return the diagnoses decided for, given calibrated probabilities.

        Parameters
        ----------
        probabilities : numpy.ndarray of float, shape (n, 7)
            What `calibrate` returned.

        Returns
        -------
        numpy.ndarray of int64, shape (n,)
            0–6 in the Kaggle order.
        """
        calibrated = np.asarray(probabilities, dtype=np.float64)
        if self.kind == "balanced" and self.prior is not None and self.strength is not None:
            decided = _correct(calibrated, np.array(self.prior), self.strength).argmax(1)
        elif self.kind == "sensitive" and self.threshold is not None:
            malignant = np.array(MALIGNANT)[calibrated[:, MALIGNANT].argmax(1)]
            benign = np.array(BENIGN)[calibrated[:, BENIGN].argmax(1)]
            decided = np.where(_malignancy(calibrated) >= self.threshold, malignant, benign)
        else:
            decided = calibrated.argmax(1)
        return np.asarray(decided, dtype=np.int64)

    def describe(self) -> str:
        """Return one short phrase for the line under a table.

        Examples
        --------
        >>> Decision("natural", temperature=1.25).describe()
        'natural: the largest probability; temperature 1.25'
        """
        if self.kind == "balanced":
            how = f"probabilities divided by the prior to the power {self.strength:.2f}"
        elif self.kind == "sensitive":
            how = f"malignant from a probability of {self.threshold:.3f} on"
            if self.target_sensitivity is not None:
                how += f", fitted for sensitivity {self.target_sensitivity:.2f}"
            if self.validation_specificity is not None:
                how += f" (specificity on validation {self.validation_specificity:.2f})"
        else:
            how = "the largest probability"
        return f"{self.kind}: {how}; temperature {self.temperature:.2f}"

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as JSON can hold it; `from_dict` reads it back unchanged."""
        values = asdict(self)
        return values | {"prior": None if self.prior is None else list(self.prior)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the decision that `to_dict` described.

        Raises
        ------
        TrustError
            If it is no such description.
        """
        try:
            prior = values["prior"]
            numbers = None if prior is None else tuple(float(number) for number in prior)
            return cls(**(values | {"prior": numbers}))
        except (KeyError, TypeError, ValueError) as error:
            raise TrustError(f"The stored decision cannot be read: {error}") from error


def fit_decision(
    kind: str,
    labels: Labels,
    probabilities: npt.NDArray[np.floating],
    prior: npt.ArrayLike,
    *,
    sensitivity: float = 0.90,
    temperature: float | None = None,
) -> Decision:
    """Fit calibration and decision on the validation part.

    Parameters
    ----------
    kind : {"natural", "balanced", "sensitive"}
    labels : numpy.ndarray of int64, shape (n,)
        The true diagnoses of the validation images. With none (n = 0) the temperature is 1 and the
        strength of ``balanced`` 0.75.
    probabilities : numpy.ndarray of float, shape (n, 7)
        What the bare model says about them.
    prior : array-like of 7 floats
        The share of each diagnosis among the training images before any oversampling.
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
        If `kind` is unknown, the shapes disagree, `sensitivity` is out of range, or ``sensitive``
        has too few malignant validation images for it.

    Examples
    --------
    >>> labels = np.array([4] * 90 + [6] * 30)
    >>> probabilities = np.full((120, 7), 0.02)
    >>> probabilities[np.arange(120), labels] = 0.88
    >>> fit_decision("sensitive", labels, probabilities, np.full(7, 1 / 7)).threshold > 0.88
    True
    """
    _check_kind(kind)
    natural_prior = np.asarray(prior, dtype=np.float64)
    if natural_prior.shape != (len(CODES),) or probabilities.shape != (len(labels), len(CODES)):
        raise UsageError(
            f"{len(labels):,} labels, probabilities of shape {probabilities.shape} and a prior of "
            f"shape {natural_prior.shape} do not fit together."
        )
    if temperature is None:
        temperature = fit_temperature(labels, probabilities)
    natural = Decision("natural", temperature)
    calibrated = natural.calibrate(probabilities)
    if kind == "balanced":
        expected = _expected_prior(calibrated, natural_prior)
        strength = _fit_strength(labels, calibrated, expected)
        return Decision(kind, temperature, prior=tuple(expected.tolist()), strength=strength)
    if kind == "sensitive":
        return _fit_threshold(labels, calibrated, temperature, sensitivity)
    return natural


def _expected_prior(calibrated: Floats, prior: Floats) -> Floats:
    """Return how often the model expects each diagnosis, shrunk toward the training prior.

    A model trained on oversampled df and vasc expects them more often than they are. Dividing its
    probabilities by the training prior would correct for them twice; its own mean probabilities
    tell how far it has gone already. They need no labels, so that few df images do not matter.
    """
    blended = calibrated.sum(0) + PRIOR_IMAGES * prior / prior.sum()
    return np.asarray(blended / blended.sum())


def _fit_strength(labels: Labels, calibrated: Floats, prior: Floats) -> float:
    """Return the mildest power of the prior that promises nearly the best balanced accuracy.

    The recalls of a handful of df images jump. Each diagnosis' recall is therefore an average of
    what is counted (n images) and of what the model expects of itself (100 images): of its
    probability for the diagnosis, the share that falls on images decided so. On 700 validation
    images this comes closer to the best strength than the counted recalls alone.
    """
    if not len(labels):
        return USUAL_STRENGTH
    rows = np.arange(len(labels))
    counts, mass = np.bincount(labels, minlength=len(CODES)), calibrated.sum(0)
    promises = np.empty(len(STRENGTHS))
    for place, strength in enumerate(STRENGTHS):
        decided = _correct(calibrated, prior, strength).argmax(1)
        hits = np.bincount(labels[decided == labels], minlength=len(CODES))
        kept = np.bincount(decided, calibrated[rows, decided], minlength=len(CODES))
        expected = np.divide(kept, mass, out=np.zeros(len(CODES)), where=mass > 0)
        recalls = (hits + EXPECTED_IMAGES * expected) / (counts + EXPECTED_IMAGES)
        promises[place] = recalls.mean()
    return float(STRENGTHS[int(np.argmax(promises >= promises.max() - WORTH))])


def _fit_threshold(
    labels: Labels, calibrated: Floats, temperature: float, sensitivity: float
) -> Decision:
    """Return the sensitive decision whose threshold is a conformal quantile.

    The threshold is the k-th smallest malignant probability of the n malignant validation images,
    k = ⌊(1 − sensitivity) (n + 1)⌋: a new malignant image of the same kind then reaches it with a
    probability of at least `sensitivity` (Vovk, Gammerman & Shafer 2005). The plain quantile,
    k ≈ (1 − sensitivity) n, would fall short by about 1/n.
    """
    if not 0 < sensitivity < 1:
        raise UsageError(f"The sensitivity is {sensitivity}; it must lie between 0 and 1.")
    malignancy, malignant = _malignancy(calibrated), np.isin(labels, MALIGNANT)
    n = int(malignant.sum())
    # The small number mends (1 - 0.9) * 10, which is just below 1.
    k = math.floor((1 - sensitivity) * (n + 1) + 1e-9)
    if k < 1:
        needed = math.ceil(sensitivity / (1 - sensitivity) - 1e-9)
        raise UsageError(
            f"A sensitivity of {sensitivity} needs {needed} malignant validation images; there "
            f"are {n}.",
            "Ask for a lower sensitivity, or decide by natural or balanced.",
        )
    threshold = float(np.sort(malignancy[malignant])[k - 1])
    called = malignancy >= threshold
    benign = ~malignant
    return Decision(
        "sensitive",
        temperature,
        threshold=threshold,
        target_sensitivity=sensitivity,
        validation_sensitivity=float(called[malignant].mean()),
        validation_specificity=float((~called[benign]).mean()) if benign.any() else None,
    )


def _correct(calibrated: Floats, prior: Floats, strength: float) -> Floats:
    """Divide by the prior to the power `strength`; rows no longer have the sum 1.

    What neither the model nor the training images know stays as improbable as it is.
    """
    return calibrated * np.where(prior > 0, prior, 1) ** -strength


def _malignancy(calibrated: Floats) -> Floats:
    return np.asarray(calibrated[:, MALIGNANT].sum(1))


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise UsageError(
            f"There is no decision {kind!r}.", f"The decisions are {', '.join(KINDS)}."
        )
