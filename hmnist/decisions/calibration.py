"""Calibration by one temperature, so that probabilities mean what they say."""

import math

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels, softmax

SMALLEST = 1e-12
"""Probabilities are raised to this before their logarithm is taken: trees predict zeros, and no
temperature changes a probability of zero."""

TEMPERATURES = (0.1, 10.0)

TEMPERATURE_SPREAD = 0.5
"""Standard deviation of log T before any validation image is seen. Networks trained sensibly have
temperatures of .6 to 1.7; some hundred images outweigh this, a dozen do not."""


def rescale(probabilities: npt.NDArray[np.floating], temperature: float) -> Float64:
    """Return softmax(log p / temperature): float64, rows with the sum 1.

    Examples
    --------
    >>> rescale(np.array([[0.8, 0.2]]), 2.0).round(3)
    array([[0.667, 0.333]])
    """
    return softmax(_log(probabilities) / temperature)


def fit_temperature(labels: Labels, probabilities: npt.NDArray[np.floating]) -> float:
    """Return the temperature of least log loss for probabilities (n, 7), shrunk slightly toward 1.

    The sum of the losses plus (log T)² / (2 · 0.5²) is minimised: the most probable T if log T is
    normal around 0. Seven hundred images determine T; a handful cannot move it far. T is 0.1–10; 1
    without images. Source of temperature scaling: Guo et al., *On Calibration of Modern Neural
    Networks*, ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    if not len(labels):
        return 1.0
    logits, rows = _log(probabilities), np.arange(len(labels))

    def objective(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        losses = np.log(np.exp(scaled).sum(1)) - scaled[rows, labels]
        return float(losses.sum() + (log_temperature / TEMPERATURE_SPREAD) ** 2 / 2)

    low, high = map(math.log, TEMPERATURES)
    return math.exp(minimize_scalar(objective, bounds=(low, high), method="bounded").x)


def _log(probabilities: npt.NDArray[np.floating]) -> Float64:
    """Return logarithms ≤ 0; the largest of each row is 0."""
    logs = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), SMALLEST))
    return np.asarray(logs - logs.max(1, keepdims=True))
