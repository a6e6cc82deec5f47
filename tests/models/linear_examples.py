"""Features and labels for linear models, and scikit-learn's answers."""

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Data = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def make_data(rng: np.random.Generator) -> Data:
    labels = rng.integers(4, size=400)
    features = rng.normal(size=(400, 30)) + labels[:, None] * 0.5
    return (20 + 7 * features).astype(np.float32), labels


def shares_of(log_odds: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    powers = np.exp(log_odds.astype(float))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def reference(inputs: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> LogisticRegression:
    return LogisticRegression(C=1 / (0.1 * len(inputs)), max_iter=1000).fit(inputs, labels)
