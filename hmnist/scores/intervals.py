"""How far scores may be off: the bootstrap over lesions within each diagnosis.

Images of one lesion are not independent, so whole lesions are drawn; they are drawn within each
diagnosis, so that no resample lacks one. A model's predictions on a test part are `Predictions`;
a list of them (seeds, folds) is judged by the mean of their scores.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hmnist.errors import UsageError
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import SCORE_NAMES, WeightedScores

__all__ = ["bootstrap_scores", "centre_calibration", "interval", "mean_scores", "score_intervals"]

RESAMPLES = 1000

CHUNK_BYTES = 2 * 2**20
"""Resamples are weighed in chunks of this size: it fits a processor's cache, and large parts fit
memory."""

Floats = npt.NDArray[np.float64]


def score_intervals(
    cells: Sequence[Predictions],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Return the percentile interval of each score's mean over the cells.

    Parameters
    ----------
    cells : sequence of Predictions
        What models of one kind (several seeds, several folds) answered; at least one.
    resamples : int
        How many times the lesions are drawn.
    seed : int
        ≥ 0. The same seed gives the same intervals, bit for bit.
    level : float
        Between 0 and 1: the interval's coverage.

    Returns
    -------
    dict of str to (float, float)
        Low and high by the names of `SCORE_NAMES`; NaN where the score is.

    Raises
    ------
    UsageError
        If there are no cells, cells of one fold have different rows, or `resamples` or `level` is
        out of range.

    Examples
    --------
    >>> labels = np.repeat([4, 6], 50)
    >>> probabilities = np.full((100, 7), 0.02)
    >>> probabilities[np.arange(100), labels] = 0.88
    >>> probabilities[:10] = probabilities[50]
    >>> cell = Predictions(labels, probabilities, decisions=probabilities.argmax(1))
    >>> low, high = score_intervals([cell])["recall_nv"]
    >>> low < 0.8 < high
    True
    """
    resampled = bootstrap_scores(cells, resamples=resamples, seed=seed)
    resampled = centre_calibration(resampled, mean_scores(cells))
    # No score is negative; moving the calibration errors may have made some so.
    return {name: interval(np.maximum(values, 0), level) for name, values in resampled.items()}


def mean_scores(cells: Sequence[Predictions]) -> dict[str, float]:
    """Return each score's mean over the cells that can tell it.

    Raises
    ------
    UsageError
        If there are no cells.
    """
    means = _mean_over_cells(
        [WeightedScores(cell)(np.ones((len(cell.labels), 1))) for cell in cells]
    )
    return {name: float(values[0]) for name, values in means.items()}


def bootstrap_scores(
    cells: Sequence[Predictions], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Floats]:
    """Return each score's mean over the cells in every resample of their lesions.

    Cells of one fold are tested on the same images and share their resamples; folds draw
    independently. A lesion has the diagnosis of its first image. The draws depend on labels,
    lesions, fold and seed only, so that two models' resamples can be compared pair by pair.

    Parameters
    ----------
    cells : sequence of Predictions
        At least one.
    resamples : int
        At least 1.
    seed : int
        ≥ 0.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (resamples,)
        By the names of `SCORE_NAMES`.

    Raises
    ------
    UsageError
        If there are no cells, cells of one fold have different rows, or `resamples` is below 1.
    """
    if resamples < 1:
        raise UsageError(f"resamples is {resamples}; it must be at least 1.")
    scores: list[dict[str, Floats]] = []
    for fold in sorted({cell.fold for cell in cells}):
        members = [cell for cell in cells if cell.fold == fold]
        _check_same_rows(members)
        scorers = [WeightedScores(cell) for cell in members]
        chunks = [
            [scorer(weights) for scorer in scorers]
            for weights in _resample_weights(members[0], resamples, seed)
        ]
        scores += [
            {name: np.concatenate([part[name] for part in parts]) for name in SCORE_NAMES}
            for parts in zip(*chunks, strict=True)
        ]
    return _mean_over_cells(scores)


def centre_calibration(resampled: dict[str, Floats], scores: dict[str, float]) -> dict[str, Floats]:
    """Move the resampled calibration errors back to where the score is.

    A resample adds noise to every bin, and the absolute value turns noise into error: resampled
    calibration errors lie above the score itself, often all of them. Their spread is of use, their
    place is not.

    Parameters
    ----------
    resampled : dict of str to numpy.ndarray of float64, shape (resamples,)
        What `bootstrap_scores` returned, or the differences of two.
    scores : dict of str to float
        The scores, or differences, of the images themselves.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (resamples,)
        The same but for `calibration_error`, whose mean is now the score.
    """
    name = "calibration_error"
    return resampled | {name: resampled[name] - resampled[name].mean() + scores[name]}


def interval(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """Return the percentiles that enclose the middle `level` of the values.

    Values that are NaN are left out; if all are, so are both ends.

    Raises
    ------
    UsageError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> interval(np.arange(101.0), level=0.5)
    (25.0, 75.0)
    """
    if not 0 < level < 1:
        raise UsageError(f"level is {level}; it must lie between 0 and 1.")
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _resample_weights(cell: Predictions, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield chunks of image weights, float64 (n, r): how often each image's lesion was drawn."""
    lesion_of_image, diagnosis_of_lesion = _lesions(cell)
    # One stream per diagnosis: the draws do not depend on the size of the chunks.
    streams = [
        (
            np.flatnonzero(diagnosis_of_lesion == label),
            np.random.default_rng([seed, cell.fold, label]),
        )
        for label in np.unique(diagnosis_of_lesion).tolist()
    ]
    size = max(1, CHUNK_BYTES // (8 * len(cell.labels)))
    for start in range(0, resamples, size):
        width = min(size, resamples - start)
        counts = np.empty((len(diagnosis_of_lesion), width))
        for members, random in streams:
            drawn = random.integers(len(members), size=(width, len(members)))
            places = drawn * width + np.arange(width)[:, None]
            tally = np.bincount(places.ravel(), minlength=len(members) * width)
            counts[members] = tally.reshape(len(members), width)
        yield counts[lesion_of_image]


def _lesions(cell: Predictions) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the lesion of each image, numbered from 0, and the diagnosis of each lesion."""
    if cell.lesions is None:
        return np.arange(len(cell.labels)), cell.labels
    _, first, lesion_of_image = np.unique(cell.lesions, return_index=True, return_inverse=True)
    return lesion_of_image, cell.labels[first]


def _mean_over_cells(scores: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    if not scores:
        raise UsageError("There are no predictions to score.")
    means: dict[str, Floats] = {}
    for name in SCORE_NAMES:
        values = np.array([cell[name] for cell in scores])
        known = ~np.isnan(values)
        sums, counts = np.where(known, values, 0).sum(0), known.sum(0)
        means[name] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means


def _check_same_rows(cells: Sequence[Predictions]) -> None:
    first = cells[0]
    for other in cells[1:]:
        if not first.has_rows_of(other):
            raise UsageError(
                f"Two sets of predictions for fold {first.fold} have different rows.",
                "Number the folds apart, or compare predictions for the same images.",
            )
