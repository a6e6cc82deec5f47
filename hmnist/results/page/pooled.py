"""`PooledPredictions`: one model on all test images, those of its folds together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Float64, Indices, Labels, Strings
from hmnist.errors import TrustError
from hmnist.runs.run import Run
from hmnist.scores.predictions import Predictions


@dataclass(frozen=True, kw_only=True, eq=False)
class PooledPredictions:
    """What the runs of one seed predict, fold after fold.

    Attributes
    ----------
    seed : int
    runs : tuple of Run
        One for each fold, in the order of the folds.
    rows : numpy.ndarray of int64, shape (n,)
        Which rows of the data set the images are.
    labels, predicted : numpy.ndarray of int64, shape (n,)
        The true and the predicted diagnoses.
    probabilities : numpy.ndarray of float64, shape (n, 7)
    image_ids : numpy.ndarray of str, shape (n,), or None
    lesions : numpy.ndarray of int64, shape (n,), or None
        The lesions, numbered from 0.
    """

    seed: int
    runs: tuple[Run, ...]
    rows: Indices
    labels: Labels
    predicted: Labels
    probabilities: Float64
    image_ids: Strings | None
    lesions: Indices | None

    def to_score(self) -> Predictions:
        """Return them in the form that scores are computed from."""
        return Predictions(self.labels, self.probabilities, self.predicted, self.lesions)

    def confidence(self) -> Float64:
        """Return the probability of the predicted diagnosis: shape (n,)."""
        return np.take_along_axis(self.probabilities, self.predicted[:, None], axis=1)[:, 0]


def pool_predictions(runs: Sequence[Run]) -> list[PooledPredictions]:
    """Put the test parts of the folds together, for each seed by itself."""
    by_seed: dict[int, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.manifest.split.fold or 0):
        by_seed.setdefault(run.manifest.recipe.seed, []).append(run)
    return [_pool(seed, of_seed) for seed, of_seed in sorted(by_seed.items())]


def check_same_images(models: Mapping[str, Sequence[PooledPredictions]]) -> None:
    """Refuse models that were tested on different images; TrustError."""
    (first_name, (first, *_)), *_ = models.items()
    for name, pooled in models.items():
        for other in pooled:
            if not np.array_equal(other.rows, first.rows):
                raise TrustError(
                    f"The runs of {name} were tested on other images than those of {first_name}.",
                    "Run the benchmark again: finished runs are kept.",
                )


def _pool(seed: int, runs: Sequence[Run]) -> PooledPredictions:
    parts = [run.predictions["test"] for run in runs]
    lesions = [part.lesion_ids for part in parts if part.lesion_ids is not None]
    image_ids = [part.image_ids for part in parts if part.image_ids is not None]
    return PooledPredictions(
        seed=seed,
        runs=tuple(runs),
        rows=np.concatenate([part.rows for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        predicted=np.concatenate([part.predicted for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        image_ids=np.concatenate(image_ids) if image_ids else None,
        lesions=np.unique(np.concatenate(lesions), return_inverse=True)[1] if lesions else None,
    )
