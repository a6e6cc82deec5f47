"""`Decision`: how one trained model's probabilities become diagnoses.

Probabilities are first calibrated by one temperature; `roc_auc_ovr`, `log_loss` and
`calibration_error` are those of the calibrated probabilities. The decision then chooses the
predicted diagnosis of each image and changes nothing else. `hmnist.decisions.fitting` fits its
numbers on the validation part.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels
from hmnist.decisions.calibration import rescale
from hmnist.decisions.given import SUM_TOLERANCE
from hmnist.diagnoses import BENIGN, CODES, MALIGNANT
from hmnist.errors import UsageError, unknown_name

KINDS: tuple[str, ...] = ("natural", "balanced", "sensitive")
"""The kinds of decision, the default first."""

LARGEST_STRENGTH = 1.5

LEAST_TEMPERATURE, LARGEST_TEMPERATURE = 1e-3, 1e3
"""Far beyond what is fitted (`hmnist.decisions.calibration.TEMPERATURES`)."""

LEAST_SHARE = 1e-200
"""Of a diagnosis in a prior, unless it is 0: a power of a smaller one may be infinite."""


@dataclass(frozen=True)
class Decision:
    """How one trained model's probabilities become diagnoses.

    Attributes
    ----------
    kind : {"natural", "balanced", "sensitive"}
        ``natural`` takes the largest probability; ``balanced`` the largest after dividing by the
        prior to some power, for balanced accuracy; ``sensitive`` predicts malignant if P(akiec) +
        P(bcc) + P(mel) reaches a threshold, for a stated sensitivity.
    temperature : float
        0.001 to 1000; logarithms of probabilities are divided by it. 1 leaves them as they are.
    prior : tuple of 7 floats, or None
        For ``balanced``: how often the calibrated model expects each diagnosis; 0 or more.
    strength : float or None
        For ``balanced``: the power of the prior, 0 (natural) to 1.5.
    threshold : float or None
        For ``sensitive``: from which malignant probability an image is predicted malignant, 0–1.
    target_sensitivity : float or None
        For ``sensitive``: the sensitivity that the threshold was fitted for, between 0 and 1.
    validation_sensitivity, validation_specificity : float or None
        For ``sensitive``: what the threshold reached on the validation part, 0–1.

    Raises
    ------
    UsageError
        If `kind` is unknown, a number is out of range, or one that the kind needs is missing.

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
        if self.kind not in KINDS:
            raise unknown_name("decision", self.kind, KINDS)
        if not LEAST_TEMPERATURE <= self.temperature <= LARGEST_TEMPERATURE:
            raise UsageError(
                f"The temperature is {self.temperature}; it must lie in "
                f"{LEAST_TEMPERATURE:g}–{LARGEST_TEMPERATURE:g}."
            )
        if self.kind == "balanced" and (self.prior is None or self.strength is None):
            raise UsageError("A balanced decision needs a strength and a prior of 7 numbers.")
        if self.kind == "sensitive" and self.threshold is None:
            raise UsageError("A sensitive decision needs a threshold.")
        if self.prior is not None and not (
            len(self.prior) == len(CODES)
            and all(share == 0 or LEAST_SHARE <= share < math.inf for share in self.prior)
        ):
            raise UsageError(
                f"The prior is {self.prior}; it must be {len(CODES)} finite numbers from 0 on."
            )
        for name, largest in (
            ("strength", LARGEST_STRENGTH),
            ("threshold", 1 + SUM_TOLERANCE),
            ("target_sensitivity", 1),
            ("validation_sensitivity", 1),
            ("validation_specificity", 1),
        ):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= largest:
                raise UsageError(f"The {name} is {value}; it must lie in 0–{largest:.2g}.")

    def calibrate(self, probabilities: npt.NDArray[np.floating]) -> Float64:
        """Return softmax(log p / temperature): float64, shape (n, 7).

        Parameters
        ----------
        probabilities : numpy.ndarray of float, shape (n, 7)
            Those of the bare model.
        """
        if self.temperature == 1:
            return np.asarray(probabilities, dtype=np.float64)
        return rescale(probabilities, self.temperature)

    def decide(self, probabilities: npt.NDArray[np.floating]) -> Labels:
        """Return the predicted diagnoses, 0–6 in the Kaggle order: int64, shape (n,).

        Parameters
        ----------
        probabilities : numpy.ndarray of float, shape (n, 7)
            Calibrated: what `calibrate` returned.
        """
        calibrated = np.asarray(probabilities, dtype=np.float64)
        if self.kind == "balanced" and self.prior is not None and self.strength is not None:
            predicted = correct_prior(calibrated, np.array(self.prior), self.strength).argmax(1)
        elif self.kind == "sensitive" and self.threshold is not None:
            malignant = np.array(MALIGNANT)[calibrated[:, MALIGNANT].argmax(1)]
            benign = np.array(BENIGN)[calibrated[:, BENIGN].argmax(1)]
            is_malignant = malignant_probability(calibrated) >= self.threshold
            predicted = np.where(is_malignant, malignant, benign)
        else:
            predicted = calibrated.argmax(1)
        return np.asarray(predicted, dtype=np.int64)

    def describe(self) -> str:
        """Return one short phrase for the line under a table.

        Examples
        --------
        >>> Decision("natural", temperature=1.25).describe()
        'natural: the largest probability; temperature 1.25'
        """
        if self.kind == "balanced":
            rule = f"probabilities divided by the prior to the power {self.strength:.2f}"
        elif self.kind == "sensitive":
            rule = f"malignant from a probability of {self.threshold:.3f} on"
            if self.target_sensitivity is not None:
                rule += f", fitted for sensitivity {self.target_sensitivity:.2f}"
            if self.validation_specificity is not None:
                rule += f" (specificity on validation {self.validation_specificity:.2f})"
        else:
            rule = "the largest probability"
        return f"{self.kind}: {rule}; temperature {self.temperature:.2f}"


def correct_prior(calibrated: Float64, prior: Float64, strength: float) -> Float64:
    """Divide probabilities by the prior to the power `strength`; rows no longer have the sum 1.

    A diagnosis with the prior 0, which neither the model nor the training images know, keeps its
    probability.
    """
    return calibrated * np.where(prior > 0, prior, 1) ** -strength


def malignant_probability(calibrated: Float64) -> Float64:
    """Return P(akiec) + P(bcc) + P(mel) of each row: float64, shape (n,)."""
    return np.asarray(calibrated[:, MALIGNANT].sum(1))
