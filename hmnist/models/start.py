"""`LinearStart`: what a linear model already knows, for trees to start from.

Trees find thresholds and interactions; sums of a thousand weak features they find badly, and a
linear model finds them well. So the trees begin at the log-odds of a logistic regression and learn
what it misses. For the training images themselves the log-odds come from models that have not seen
them (stacking; Wolpert 1992): otherwise the trees would trust the linear model's memory.
"""

import warnings

import numpy as np
import numpy.typing as npt

from hmnist.models.base import Labels, Weights

__all__ = ["LinearStart", "fit_logistic", "standardise"]

Table = npt.NDArray[np.float32]

FOLDS = 5

CLIP = 5.0
"""Standardised features are clipped here: heavy tails would rule a linear model."""

ABSENT = -10.0
"""The log-odds of a class that did not occur in training."""


class LinearStart:
    """A logistic regression, cross-fitted on the training images.

    Parameters
    ----------
    penalty : float
        The ridge penalty per training image.
    seed : int
        What fixes the folds.

    Attributes
    ----------
    centre_, scale_ : numpy.ndarray of float32, shape (features,)
        How features are standardised.
    coefficients_ : numpy.ndarray of float32, shape (features, classes)
        The mean over the folds' models.
    intercepts_ : numpy.ndarray of float32, shape (classes,)
    """

    def __init__(self, penalty: float = 0.1, seed: int = 0) -> None:
        self.penalty = penalty
        self.seed = seed

    def fit(
        self, table: Table, labels: Labels, weights: Weights | None, classes: int
    ) -> npt.NDArray[np.float32]:
        """Fit on a table and return its own log-odds, each row's from models without it.

        Parameters
        ----------
        table : numpy.ndarray of float32, shape (n, features)
        labels : numpy.ndarray of int64, shape (n,)
        weights : numpy.ndarray of float64, shape (n,), or None
        classes : int
            How many columns the log-odds have.

        Returns
        -------
        numpy.ndarray of float32, shape (n, classes)
        """
        self.centre_ = table.mean(axis=0)
        spread = table.std(axis=0)
        self.scale_ = np.where(spread > 0, spread, 1).astype(np.float32)
        inputs = standardise(table, self.centre_, self.scale_)
        log_odds = np.full((len(table), classes), ABSENT, np.float32)
        coefficients, intercepts = [], []
        for fold in _folds(inputs, labels, self.seed):
            rest = ~fold
            found = fit_logistic(
                inputs[rest],
                labels[rest],
                None if weights is None else weights[rest],
                classes,
                self.penalty,
            )
            coefficients.append(found[0])
            intercepts.append(found[1])
            log_odds[fold] = inputs[fold] @ found[0] + found[1]
        self.coefficients_ = np.mean(coefficients, axis=0)
        self.intercepts_ = np.mean(intercepts, axis=0)
        return log_odds

    def log_odds(self, table: Table) -> npt.NDArray[np.float32]:
        """Return the log-odds of images that were not trained on: float32, shape (n, classes)."""
        inputs = standardise(table, self.centre_, self.scale_)
        return np.asarray(inputs @ self.coefficients_ + self.intercepts_)

    def to_arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the fitted state by name."""
        return {
            "centre": self.centre_,
            "scale": self.scale_,
            "coefficients": self.coefficients_,
            "intercepts": self.intercepts_,
        }

    def set_arrays(self, arrays: dict[str, npt.NDArray[np.float32]]) -> "LinearStart":
        """Take over what `to_arrays` returned."""
        for name in ("centre", "scale", "coefficients", "intercepts"):
            setattr(self, f"{name}_", arrays[name])
        return self


def standardise(table: Table, centre: Table, scale: Table) -> Table:
    """Return features with mean 0 and deviation 1, clipped at ±5."""
    return np.asarray(np.clip((table - centre) / scale, -CLIP, CLIP))


def fit_logistic(
    inputs: Table,
    labels: Labels,
    weights: Weights | None,
    classes: int,
    penalty: float,
    *,
    steps: int = 100,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Fit multinomial logistic regression.

    Parameters
    ----------
    inputs : numpy.ndarray of float32, shape (n, features)
        Standardised.
    labels : numpy.ndarray of int64, shape (n,)
        At least two different ones.
    weights : numpy.ndarray of float64, shape (n,), or None
    classes : int
        How many columns come out; classes that do not occur are as good as impossible.
    penalty : float
        The ridge penalty per image: mean loss + penalty / 2 · squared coefficients.
    steps : int
        Steps of L-BFGS at most.

    Returns
    -------
    coefficients : numpy.ndarray of float32, shape (features, classes)
    intercepts : numpy.ndarray of float32, shape (classes,)
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=1 / (penalty * len(inputs)), max_iter=steps, tol=1e-3)
    with warnings.catch_warnings():
        # The limit on its steps is deliberate, so reaching it is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(inputs, labels, weights)
    coefficients = np.zeros((inputs.shape[1], classes), np.float32)
    intercepts = np.full(classes, ABSENT, np.float32)
    present = regression.classes_
    if len(present) == 2:
        # Of two classes scikit-learn fits one column: the log-odds of the second.
        coefficients[:, present] = np.concatenate([-regression.coef_, regression.coef_]).T / 2
        intercepts[present] = np.concatenate([-regression.intercept_, regression.intercept_]) / 2
    else:
        coefficients[:, present] = regression.coef_.T
        intercepts[present] = regression.intercept_
    return coefficients, intercepts


def _folds(inputs: Table, labels: Labels, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Return the rows of each fold; copies of an image, made by oversampling, stay together."""
    from sklearn.model_selection import StratifiedGroupKFold

    _, copies = np.unique(inputs @ _direction(inputs.shape[1]), return_inverse=True)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    chosen = []
    for _, rows in folds.split(inputs, labels, copies):
        fold = np.zeros(len(inputs), np.bool_)
        fold[rows] = True
        chosen.append(fold)
    return chosen


def _direction(features: int) -> npt.NDArray[np.float64]:
    # Equal rows, and hardly any others, have the same projection on a random direction.
    return np.random.default_rng(0).normal(size=features)
