"""`Linear`: standardised features times coefficients, and how these are found.

It is a model of its own (`hmnist.models.logistic`), what trees start from, and what teaches the
convolutional network (`hmnist.models.teacher`). Trees find thresholds and interactions; sums of a
thousand weak features they find badly, and a linear model finds them well. So the trees begin at
its log-odds and learn what it misses. For the training images themselves the log-odds come from
models that have not seen them (`cross_fit`; stacking, Wolpert 1992): otherwise trees and networks
would trust the linear model's memory.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from hmnist.models.base import Labels, Weights

__all__ = ["Linear", "cross_fit", "fit_linear", "scale_of", "standardise"]

Table = npt.NDArray[np.float32]

FOLDS = 5

CROSS_PENALTY = 0.1
"""The ridge penalty per image of what others start or learn from."""

CLIP = 5.0
"""Standardised features are clipped here: heavy tails would rule a linear model."""

ABSENT = -10.0
"""The log-odds of a class that did not occur in training."""


@dataclass(frozen=True, eq=False)
class Linear:
    """A fitted linear model.

    Attributes
    ----------
    centre, scale : numpy.ndarray of float32, shape (features,)
        How features are standardised.
    coefficients : numpy.ndarray of float32, shape (features, classes)
    intercepts : numpy.ndarray of float32, shape (classes,)
    steps : int
        How many steps L-BFGS took.
    """

    centre: Table
    scale: Table
    coefficients: Table
    intercepts: Table
    steps: int = 0

    def log_odds(self, table: Table) -> Table:
        """Return the log-odds of each class, up to a constant per row: float32, (n, classes)."""
        return np.asarray(self.standardise(table) @ self.coefficients + self.intercepts)

    def standardise(self, table: Table) -> Table:
        """Return features with mean 0 and deviation 1 in training, clipped at ±5."""
        return standardise(table, self.centre, self.scale)

    def save(self, path: Path) -> None:
        """Write the arrays to an ``.npz`` file."""
        np.savez(path, allow_pickle=False, **self.__dict__)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in cls.__dataclass_fields__ if name != "steps"}
            return cls(**found, steps=int(arrays["steps"]))


def fit_linear(
    table: Table,
    labels: Labels,
    weights: Weights | None,
    *,
    classes: int,
    penalty: float,
    steps: int = 100,
) -> Linear:
    """Fit multinomial logistic regression on standardised features.

    Parameters
    ----------
    table : numpy.ndarray of float32, shape (n, features)
    labels : numpy.ndarray of int64, shape (n,)
        At least two different ones.
    weights : numpy.ndarray of float64, shape (n,), or None
        How much each row counts.
    classes : int
        How many columns come out; classes that do not occur are as good as impossible.
    penalty : float
        The ridge penalty per image: mean loss + penalty / 2 · squared coefficients.
    steps : int
        Steps of L-BFGS at most; ending early is a mild regularisation of its own.

    Returns
    -------
    Linear
    """
    centre, scale = scale_of(table, weights)
    inputs = standardise(table, centre, scale)
    found = _regress(inputs, labels, weights, classes, penalty, steps)
    return Linear(centre, scale, *found)


def cross_fit(
    table: Table,
    labels: Labels,
    weights: Weights | None,
    *,
    classes: int,
    seed: int,
    penalty: float = CROSS_PENALTY,
) -> tuple[Linear, Table]:
    """Fit a linear model in folds of the training images.

    Copies of an image stay together; other images of its lesion may not, since a model is not told
    of lesions. Their log-odds are a little too sure for that, which costs some strength and is no
    leak: no image outside the training part is looked at.

    Parameters
    ----------
    table, labels, weights, classes, penalty
        As in `fit_linear`.
    seed : int
        What fixes the folds.

    Returns
    -------
    linear : Linear
        The mean of the folds' models, for images that were not trained on.
    log_odds : numpy.ndarray of float32, shape (n, classes)
        Those of the training images, each from the model that has not seen it.
    """
    centre, scale = scale_of(table, weights)
    inputs = standardise(table, centre, scale)
    log_odds = np.zeros((len(table), classes), np.float32)
    found = []
    for held_out in _folds(inputs, labels, seed):
        rest = ~held_out
        kept = None if weights is None else weights[rest]
        if len(np.unique(labels[rest])) < 2:
            continue  # the only images of another diagnosis are held out: nothing to regress
        coefficients, intercepts, _ = _regress(
            inputs[rest], labels[rest], kept, classes, penalty, 100
        )
        log_odds[held_out] = inputs[held_out] @ coefficients + intercepts
        found.append((coefficients, intercepts))
    coefficients = np.mean([one for one, _ in found], axis=0)
    intercepts = np.mean([one for _, one in found], axis=0)
    return Linear(centre, scale, coefficients, intercepts), log_odds


def scale_of(table: Table, weights: Weights | None = None) -> tuple[Table, Table]:
    """Return mean and standard deviation of each column; constant columns have 1."""
    centre = np.average(table, axis=0, weights=weights).astype(np.float32)
    variance = np.average((table - centre) ** 2, axis=0, weights=weights)
    return centre, np.where(variance > 0, np.sqrt(variance), 1).astype(np.float32)


def standardise(table: Table, centre: Table, scale: Table) -> Table:
    """Return features with mean 0 and deviation 1, clipped at ±5."""
    return np.asarray(np.clip((table - centre) / scale, -CLIP, CLIP))


def _regress(  # noqa: PLR0917 - one call, from two places above
    inputs: Table,
    labels: Labels,
    weights: Weights | None,
    classes: int,
    penalty: float,
    steps: int,
) -> tuple[Table, Table, int]:
    """Return coefficients, intercepts and the steps that were taken."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    total = len(inputs) if weights is None else float(weights.sum())
    regression = LogisticRegression(C=1 / (penalty * total), max_iter=steps, tol=1e-3)
    with warnings.catch_warnings():
        # The limit on its steps is deliberate, so reaching it is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(inputs, labels, weights)
    coefficients = np.zeros((inputs.shape[1], classes), np.float32)
    intercepts = np.full(classes, ABSENT, np.float32)
    present = regression.classes_
    # Of two classes scikit-learn fits one column: the log-odds of the second.
    both = np.array([[-0.5], [0.5]]) if len(present) == 2 else np.eye(len(present))
    coefficients[:, present] = (both @ regression.coef_).T
    intercepts[present] = both @ regression.intercept_
    return coefficients, intercepts, int(regression.n_iter_.max())


def _folds(inputs: Table, labels: Labels, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Return the rows of each fold; copies of an image, made by oversampling, stay together."""
    from sklearn.model_selection import StratifiedGroupKFold

    rows = np.ascontiguousarray(inputs)
    # Compared as bytes: a projection might round copies differently.
    _, copies = np.unique(
        rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel(), return_inverse=True
    )
    count = max(2, min(FOLDS, int(np.bincount(labels).max())))
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    chosen = np.zeros((count, len(inputs)), np.bool_)
    with warnings.catch_warnings():
        # A diagnosis with fewer images than folds is missing from some, which is all right.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fold, (_, rows) in zip(chosen, folds.split(inputs, labels, copies), strict=True):
            fold[rows] = True
    return list(chosen)
