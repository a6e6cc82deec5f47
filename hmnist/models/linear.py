"""`Linear`: logistic regression on standardised features, and how it is fitted.

It is a model of its own (`hmnist.models.logistic`), the start of the boosted trees, and the source
of the soft targets of the CNN (`hmnist.models.distillation`). Trees find thresholds and
interactions, but not sums of a thousand weak features; a linear model finds those. So the trees
start from its log-odds and learn the rest. The log-odds of the training images come from linear
models that were fitted on other images (`cross_fit`; stacking, Wolpert 1992). Otherwise trees and
networks would rely on log-odds that are too good.
"""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from hmnist.arrays import Array, Booleans, Float32, Float64, Indices, Labels
from hmnist.errors import UsageError
from hmnist.features.store import digest, kept
from hmnist.large_arrays import chunks_of, empty_rows, release, take_rows

FOLDS = 5

CROSS_PENALTY = 0.1
"""The ridge penalty per image of the models that trees or networks build on."""

CROSS_ROWS = 20_000
"""The largest number of images that models are cross-fitted on: more hardly make them better, and
they would have to be held in memory."""

CLIP = 5.0
"""Standardised features are clipped to ±5, or a few extreme values would rule a linear model."""

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
        np.savez(folder / _FILE, allow_pickle=False, **self.__dict__)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the file of `save`."""
        with (folder / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in cls.__dataclass_fields__ if name != "steps"}
            return cls(**arrays, steps=int(stored["steps"]))


def fit_linear(
    features: Float32,
    labels: Labels,
    weights: Float64 | None,
    *,
    classes: int,
    penalty: float,
    steps: int = 100,
) -> Linear:
    """Fit multinomial logistic regression on standardised features.

    The labels contain two classes at least; one of the other columns is nearly impossible. The
    penalty is the ridge penalty per image: mean loss + penalty / 2 · squared coefficients. To stop
    early, after `steps` of L-BFGS, is a mild regularisation.
    """
    centre, scale = measure_scale(features, weights)
    inputs = standardise(features, centre, scale)
    return Linear(centre, scale, *_regress(inputs, labels, weights, classes, penalty, steps))


def cross_fit(
    features: Float32,
    labels: Labels,
    weights: Float64 | None,
    *,
    classes: int,
    seed: int,
    penalty: float = CROSS_PENALTY,
) -> tuple[Linear, Float32]:
    """Fit a linear model in folds of the training images, with the parameters of `fit_linear`.

    Copies of an image stay together. Other images of its lesion may be apart, since models do not
    know lesions: the log-odds are a little too sure for that. It is no leak, since only images of
    the training part are used.

    Of more than `CROSS_ROWS` images, a random sample of so many is used, with the shares of the
    diagnoses as they are. The models were not fitted on the images outside it, which therefore get
    the log-odds of the mean model; but a copy of an image in the sample gets those of that image.

    Returns
    -------
    linear : Linear
        The mean of the folds' models, for images that are not in training.
    log_odds : numpy.ndarray of float32, shape (n, classes)
        For each training image, from a model that was not fitted on it.
    """

    def describe() -> dict[str, Any]:
        rows = [digest(features), digest(labels), None if weights is None else digest(weights)]
        return {"rows": rows, "classes": classes, "seed": seed, "penalty": penalty}

    def fit() -> dict[str, Array]:
        linear, log_odds = _cross_fit(
            features, labels, weights, classes=classes, seed=seed, penalty=penalty
        )
        return {
            "centre": linear.centre,
            "scale": linear.scale,
            "coefficients": linear.coefficients,
            "intercepts": linear.intercepts,
            "log_odds": log_odds,
        }

    # The trees and the soft targets of the CNN need the same.
    arrays = kept(describe, fit)
    linear = Linear(arrays["centre"], arrays["scale"], arrays["coefficients"], arrays["intercepts"])
    return linear, arrays["log_odds"]


def _cross_fit(
    features: Float32,
    labels: Labels,
    weights: Float64 | None,
    *,
    classes: int,
    seed: int,
    penalty: float,
) -> tuple[Linear, Float32]:
    centre, scale = measure_scale(features, weights)
    sample = draw_rows(labels, seed)
    inputs = standardise(take_rows(features, sample), centre, scale)
    sampled = None if weights is None else weights[sample]
    coefficients, intercepts, held_out = _fit_folds(
        inputs, labels[sample], sampled, classes, penalty, seed
    )
    linear = Linear(centre, scale, coefficients, intercepts)
    if len(sample) == len(features):
        return linear, held_out
    log_odds = linear.log_odds(features)
    rows, originals = _find_copies(features, sample)
    log_odds[rows] = held_out[originals]
    return linear, log_odds


def draw_rows(labels: Labels, seed: int) -> Indices:
    """Return the rows of a stratified sample of `CROSS_ROWS` images in order, or all if less."""
    if len(labels) <= CROSS_ROWS:
        return np.arange(len(labels))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_diagnosis = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return np.sort(by_diagnosis[np.arange(CROSS_ROWS) * len(labels) // CROSS_ROWS])


def _find_copies(features: Float32, sample: Indices) -> tuple[Indices, Indices]:
    """Return the rows that equal a row of the sample, and its position in the sample."""
    digests = [hashlib.blake2b(features[row]).digest() for row in sample]
    positions = {digest: position for position, digest in enumerate(digests)}
    found = []
    for part in chunks_of(features):
        for row in range(part.start, part.stop):
            position = positions.get(hashlib.blake2b(features[row]).digest())
            if position is not None:
                found.append((row, position))
        release(features)
    rows, originals = np.array(found, dtype=np.int64).T
    return rows, originals


def _fit_folds(  # noqa: PLR0917 - as `_regress`
    inputs: Float32,
    labels: Labels,
    weights: Float64 | None,
    classes: int,
    penalty: float,
    seed: int,
) -> tuple[Float32, Float32, Float32]:
    """Return the mean coefficients and intercepts, and the log-odds of the rows held out."""
    log_odds = np.zeros((len(inputs), classes), np.float32)
    models = []
    for held_out in make_folds(inputs, labels, seed):
        rest = ~held_out
        if len(np.unique(labels[rest])) < 2:
            continue  # all images of the second diagnosis are held out, so one class is left
        kept = None if weights is None else weights[rest]
        coefficients, intercepts, _ = _regress(
            inputs[rest], labels[rest], kept, classes, penalty, 100
        )
        log_odds[held_out] = inputs[held_out] @ coefficients + intercepts
        models.append((coefficients, intercepts))
    coefficients, intercepts = (np.mean(arrays, axis=0) for arrays in zip(*models, strict=True))
    return coefficients, intercepts, log_odds


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
    return mean, np.where(variance > 0, np.sqrt(variance), 1).astype(np.float32)


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


def _regress(  # noqa: PLR0917 - called in two places above
    inputs: Float32,
    labels: Labels,
    weights: Float64 | None,
    classes: int,
    penalty: float,
    steps: int,
) -> tuple[Float32, Float32, int]:
    """Return coefficients, intercepts and the number of steps."""
    from scipy.optimize import minimize

    present, targets = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise UsageError("All images have one class; a linear model separates two at least.")
    shares = np.ones(len(inputs)) if weights is None else weights
    # As in scikit-learn, two classes share one column of coefficients, which is penalised once.
    ridge = 2 * penalty if len(present) == 2 else penalty
    result = minimize(
        measure_loss,
        np.zeros((inputs.shape[1] + 1) * len(present)),
        (inputs, targets, shares / shares.sum(), ridge),
        method="L-BFGS-B",
        jac=True,
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


def make_folds(inputs: Float32, labels: Labels, seed: int) -> list[Booleans]:
    """Return the rows of each fold, stratified; copies of an image stay together."""
    from sklearn.model_selection import StratifiedGroupKFold

    rows = np.ascontiguousarray(inputs)
    # Rows are compared as bytes: a projection might round copies differently.
    _, copies = np.unique(
        rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel(), return_inverse=True
    )
    count = max(2, min(FOLDS, int(np.bincount(labels).max())))
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A diagnosis with fewer images than folds is missing from some folds, which is harmless.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splits = list(folds.split(inputs, labels, copies))
    return [np.isin(np.arange(len(inputs)), held_out) for _, held_out in splits]
