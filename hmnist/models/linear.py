"""`Linear`: logistic regression on standardised features, and how it is fitted.

It is a model of its own (`hmnist.models.logistic`), the start of the boosted trees, and the source
of the soft targets of the CNN (`hmnist.models.distillation`). Trees find thresholds and
interactions, but not sums of a thousand weak features; a linear model finds those. So the trees
start from its log-odds and learn the rest. The log-odds of the training images come from linear
models that were fitted on other images (`cross_fit`; stacking, Wolpert 1992). Otherwise trees and
networks would rely on log-odds that are too good.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from hmnist.arrays import Booleans, Float32, Float64, Labels

FOLDS = 5

CROSS_PENALTY = 0.1
"""The ridge penalty per image of the models that trees or networks build on."""

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
        inputs = standardise(features, self.centre, self.scale)
        return np.asarray(inputs @ self.coefficients + self.intercepts)

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

    Returns
    -------
    linear : Linear
        The mean of the folds' models, for images that are not in training.
    log_odds : numpy.ndarray of float32, shape (n, classes)
        For each training image, from the model that was not fitted on it.
    """
    centre, scale = measure_scale(features, weights)
    inputs = standardise(features, centre, scale)
    log_odds = np.zeros((len(features), classes), np.float32)
    models = []
    for held_out in make_folds(inputs, labels, seed):
        rest = ~held_out
        kept = None if weights is None else weights[rest]
        if len(np.unique(labels[rest])) < 2:
            continue  # all images of the second diagnosis are held out, so one class is left
        coefficients, intercepts, _ = _regress(
            inputs[rest], labels[rest], kept, classes, penalty, 100
        )
        log_odds[held_out] = inputs[held_out] @ coefficients + intercepts
        models.append((coefficients, intercepts))
    coefficients, intercepts = (np.mean(arrays, axis=0) for arrays in zip(*models, strict=True))
    return Linear(centre, scale, coefficients, intercepts), log_odds


def measure_scale(features: Float32, weights: Float64 | None = None) -> tuple[Float32, Float32]:
    """Return mean and standard deviation of each column; constant columns have 1."""
    centre = np.average(features, axis=0, weights=weights).astype(np.float32)
    variance = np.average((features - centre) ** 2, axis=0, weights=weights)
    return centre, np.where(variance > 0, np.sqrt(variance), 1).astype(np.float32)


def standardise(features: Float32, centre: Float32, scale: Float32) -> Float32:
    """Return features with mean 0 and deviation 1 in training, clipped at ±5."""
    return np.asarray(np.clip((features - centre) / scale, -CLIP, CLIP))


def _regress(  # noqa: PLR0917 - called in two places above
    inputs: Float32,
    labels: Labels,
    weights: Float64 | None,
    classes: int,
    penalty: float,
    steps: int,
) -> tuple[Float32, Float32, int]:
    """Return coefficients, intercepts and the number of steps."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    total = len(inputs) if weights is None else float(weights.sum())
    regression = LogisticRegression(C=1 / (penalty * total), max_iter=steps, tol=1e-3)
    with warnings.catch_warnings():
        # The limit of the steps is deliberate, so reaching it is expected.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(inputs, labels, weights)
    coefficients = np.zeros((inputs.shape[1], classes), np.float32)
    intercepts = np.full(classes, ABSENT, np.float32)
    present = regression.classes_
    # For two classes scikit-learn fits one column: the log-odds of the second class.
    columns = np.array([[-0.5], [0.5]]) if len(present) == 2 else np.eye(len(present))
    coefficients[:, present] = (columns @ regression.coef_).T
    intercepts[present] = columns @ regression.intercept_
    return coefficients, intercepts, int(regression.n_iter_.max())


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
