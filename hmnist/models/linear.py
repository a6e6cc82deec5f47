"""`Linear`: logistic regression on standardised features, and how it is fitted.

It is a model of its own (`hmnist.models.logistic`), the start of the boosted trees, and the source
of the soft targets of the CNN (`hmnist.models.distillation`). Trees find thresholds and
interactions, but not sums of a thousand weak features; a linear model finds those. So the trees
start from its log-odds and learn the rest (`hmnist.models.cross_fitting`).
"""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from hmnist.arrays import Float32, Float64, Labels
from hmnist.errors import UsageError
from hmnist.features.steps import OnStep, ignore_steps
from hmnist.guarded import read_arrays, write_arrays
from hmnist.hardware import limit_scipy_blas
from hmnist.large_arrays import chunks_of, empty_rows, release

CLIP = 5.0
"""Standardised features are clipped to ±5, or a few extreme values would rule a linear model."""

SMALLEST_SCALE = 1e-20
"""The least deviation of a column: what is less is rounding, and to divide by it overflows."""

ABSENT = -10.0
"""The log-odds of a class that did not occur in training."""

_FILE = "linear.npz"


@dataclass(frozen=True, eq=False)
class Linear:
    """A fitted linear model.

    Features are standardised by `centre` and `scale`, one number per feature. The coefficients have
    the shape (features, classes). `steps` are those of L-BFGS.
    """

    centre: Float32
    scale: Float32
    coefficients: Float32
    intercepts: Float32
    steps: int = 0

    def log_odds(self, features: Float32) -> Float32:
        """Return the log-odds of each class, up to a constant per row: float32, (n, classes)."""
        log_odds = np.empty((len(features), len(self.intercepts)), np.float32)
        for part in chunks_of(features):
            inputs = standardise(features[part], self.centre, self.scale)
            log_odds[part] = inputs @ self.coefficients + self.intercepts
            release(features)
        return log_odds

    def save(self, folder: Path) -> None:
        """Write the arrays into ``linear.npz``."""
        write_arrays(folder / _FILE, vars(self))

    @classmethod
    def load(cls, folder: Path, features: int, classes: int) -> Self:
        """Read the file of `save`, of a model of so many features and classes.

        Raises
        ------
        TrustError
            If it is damaged, or of another shape.
        """
        arrays = read_arrays(
            folder / _FILE,
            {
                "centre": (np.float32, (features,)),
                "scale": (np.float32, (features,)),
                "coefficients": (np.float32, (features, classes)),
                "intercepts": (np.float32, (classes,)),
                "steps": (np.int64, ()),
            },
        )
        check_scale(arrays["scale"])
        steps = int(arrays.pop("steps"))
        return cls(**arrays, steps=steps)


def fit_linear(
    features: Float32,
    labels: Labels,
    weights: Float64 | None,
    *,
    classes: int,
    penalty: float,
    steps: int = 100,
    on_step: OnStep = ignore_steps,
) -> Linear:
    """Fit multinomial logistic regression on standardised features.

    The labels contain two classes at least; one of the other columns is nearly impossible. The
    penalty is the ridge penalty per image: mean loss + penalty / 2 · squared coefficients. To stop
    early, after `steps` of L-BFGS, is a mild regularisation. `on_step` is told each of them.
    """
    centre, scale = measure_scale(features, weights)
    inputs = standardise(features, centre, scale)
    fitted = regress(inputs, labels, weights, classes, penalty, steps, on_step)
    return Linear(centre, scale, *fitted)


def measure_scale(features: Float32, weights: Float64 | None = None) -> tuple[Float32, Float32]:
    """Return mean and standard deviation of each column; constant columns have 1."""
    shares = np.ones(len(features)) if weights is None else weights
    shares = shares / shares.sum()
    centre, variance = np.zeros((2, features.shape[1]))
    for part in chunks_of(features):
        centre += shares[part] @ features[part]
        release(features)
    mean = centre.astype(np.float32)
    for part in chunks_of(features):
        variance += shares[part] @ (features[part] - mean) ** 2
        release(features)
    return mean, np.where(variance > SMALLEST_SCALE**2, np.sqrt(variance), 1).astype(np.float32)


def check_scale(scale: Float32) -> None:
    """Raise ValueError if a column cannot be divided by its scale without overflow."""
    if not (scale >= SMALLEST_SCALE).all():
        raise ValueError(f"its scale has numbers below {SMALLEST_SCALE:g}")


def standardise(features: Float32, centre: Float32, scale: Float32) -> Float32:
    """Return features with mean 0 and deviation 1 in training, clipped at ±5."""
    inputs = empty_rows(features.shape, np.float32)
    for part in chunks_of(features):
        np.subtract(features[part], centre, out=inputs[part])
        inputs[part] /= scale
        np.clip(inputs[part], -CLIP, CLIP, out=inputs[part])
        release(features)
        release(inputs)
    return inputs


def regress(  # noqa: PLR0917 - the parameters of `fit_linear`, in their order
    inputs: Float32,
    labels: Labels,
    weights: Float64 | None,
    classes: int,
    penalty: float,
    steps: int,
    on_step: OnStep = ignore_steps,
) -> tuple[Float32, Float32, int]:
    """Return coefficients, intercepts and the number of steps."""
    from scipy.optimize import minimize

    present, targets = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise UsageError("All images have one class; a linear model separates two at least.")
    shares = np.ones(len(inputs)) if weights is None else weights
    # As in scikit-learn, two classes share one column of coefficients, which is penalised once.
    ridge = 2 * penalty if len(present) == 2 else penalty
    done = itertools.count(1)
    with limit_scipy_blas():
        result = minimize(
            measure_loss,
            np.zeros((inputs.shape[1] + 1) * len(present)),
            (inputs, targets, shares / shares.sum(), ridge),
            method="L-BFGS-B",
            jac=True,
            callback=lambda _: on_step(next(done), steps),
            options={"maxiter": steps, "gtol": 1e-3, "ftol": 64 * np.finfo(float).eps, "maxls": 50},
        )
    parameters = result.x.reshape(-1, len(present))
    coefficients = np.zeros((inputs.shape[1], classes), np.float32)
    intercepts = np.full(classes, ABSENT, np.float32)
    coefficients[:, present] = parameters[:-1]
    intercepts[present] = parameters[-1]
    return coefficients, intercepts, int(result.nit)


def measure_loss(
    parameters: Float64, inputs: Float32, targets: Labels, shares: Float64, ridge: float
) -> tuple[float, Float64]:
    """Return the loss of multinomial logistic regression and its gradient.

    The parameters are coefficients (features, classes) and then intercepts, flattened; the shares
    of the rows sum to 1. Products are float32, sums over chunks of rows are float64.
    """
    from scipy.special import log_softmax

    parameters = parameters.reshape(inputs.shape[1] + 1, -1)
    coefficients = parameters[:-1].astype(np.float32)
    gradient = np.zeros_like(parameters)
    gradient[:-1] = ridge * parameters[:-1]
    loss = ridge / 2 * float((parameters[:-1] ** 2).sum())
    for part in chunks_of(inputs):
        rows, target = inputs[part], targets[part, None]
        logarithms = log_softmax(rows @ coefficients + parameters[-1], axis=1)
        loss -= float(shares[part] @ np.take_along_axis(logarithms, target, axis=1)[:, 0])
        residuals = np.exp(logarithms)
        residuals[np.arange(len(target)), target[:, 0]] -= 1
        residuals *= shares[part, None]
        gradient[:-1] += rows.T @ residuals.astype(np.float32)
        gradient[-1] += residuals.sum(axis=0)
        release(inputs)
    return loss, gradient.ravel()
