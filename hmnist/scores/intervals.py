"""How far scores may be off: the bootstrap over lesions within each diagnosis.

Images of one lesion are not independent, so whole lesions are drawn. They are drawn within each
diagnosis, so that every resample has every diagnosis. Of n lesions, n − 1 are drawn, with
replacement, and each counts n / (n − 1) times: if n were drawn, the variance would come out too
small by the factor (n − 1) / n, which is a half for two lesions (Rao & Wu, *Resampling inference
with complex survey data*, Journal of the American Statistical Association 83, 1988). Several
`Predictions` of one kind of model (seeds, folds) are scored by the mean of their scores.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from hmnist.arrays import Float64, Indices, Labels
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, check_counts, check_seed
from hmnist.scores.predictions import Predictions, as_list, by_fold
from hmnist.scores.scoring import SCORE_NAMES, SCORES, Score, mean_of_known, weighted_scores
from hmnist.scores.weighting import PreparedPredictions

RESAMPLES = 1000

CHUNK_BYTES = 2 * 2**20
"""Resamples are weighted in chunks of this size, which fits a processor's cache."""

FEW_LESIONS = 5
"""With fewer lesions of a diagnosis in a test part, intervals of its recall and of means over the
diagnoses hold the truth too rarely (``benchmarks/coverage.py``)."""

NO_SPREAD = 1e-9
"""Resampled scores that differ by less are the same: the difference is one of rounding."""


def score_intervals(
    predictions: Predictions | Iterable[Predictions],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Return the percentile interval of each score's mean over several predictions.

    Parameters
    ----------
    predictions : Predictions or iterable of Predictions
        Of models of one kind (several seeds, several folds); at least one.
    resamples : int
        How many times the lesions are drawn.
    seed : int
        ≥ 0. The same seed gives the same intervals, bit for bit.
    level : float
        Between 0 and 1: the interval's coverage.

    Returns
    -------
    dict of str to (float, float)
        Low and high by the names of `SCORE_NAMES`; NaN where the score is, and where it is the same
        in every resample, which cannot tell how far it may be off. A proportion that is exactly 0
        or 1 has the interval of Clopper and Pearson (Biometrika 26:404, 1934) for as many lesions,
        or images where lesions are unknown.

    Raises
    ------
    UsageError
        If there are no predictions, those of one fold have different rows, or `resamples`, `seed`
        or `level` is out of range.

    Examples
    --------
    >>> labels = np.repeat([4, 6], 50)
    >>> probabilities = np.full((100, 7), 0.02)
    >>> probabilities[np.arange(100), labels] = 0.88
    >>> probabilities[:10] = probabilities[50]
    >>> predictions = Predictions(labels, probabilities, predicted=probabilities.argmax(1))
    >>> low, high = score_intervals([predictions])["recall_nv"]
    >>> low < 0.8 < high
    True
    """
    several = as_list(predictions)
    means = mean_scores(several)
    resampled = bootstrap_scores(several, resamples=resamples, seed=seed)
    resampled = centre_calibration(resampled, means)
    # Moving the calibration errors may have made some negative, which no calibration error is.
    resampled["calibration_error"] = np.maximum(resampled["calibration_error"], 0)
    return {name: interval(values, level) for name, values in resampled.items()} | {
        score.name: _exact_interval(several, score, means[score.name], level)
        for score in SCORES
        if score.proportion_of and means[score.name] in {0, 1}
    }


def mean_scores(predictions: Predictions | Iterable[Predictions]) -> dict[str, float]:
    """Return each score's mean over the predictions for which it is known, by `SCORE_NAMES`.

    Parameters
    ----------
    predictions : Predictions or iterable of Predictions
        Of models of one kind (several seeds, several folds); at least one.

    Returns
    -------
    dict of str to float
        NaN where no predictions can tell.

    Raises
    ------
    UsageError
        If there are no predictions.
    """
    return {name: float(mean[0]) for name, mean in _means(score_each(as_list(predictions))).items()}


def score_each(predictions: Sequence[Predictions]) -> list[dict[str, Float64]]:
    """Return the scores of each of the predictions by `SCORE_NAMES`, arrays of one number."""
    return [
        weighted_scores(PreparedPredictions(each), np.ones((len(each.labels), 1)))
        for each in predictions
    ]


def bootstrap_scores(
    predictions: Sequence[Predictions], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Float64]:
    """Return each score's mean over the predictions in every resample of their lesions.

    Parameters and errors are those of `score_intervals`; each array has the shape (resamples,).
    """
    return bootstrap_models({"model": predictions}, resamples=resamples, seed=seed)["model"]


def bootstrap_models(
    models: Mapping[str, Sequence[Predictions]],
    names: Collection[str] = SCORE_NAMES,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Float64]]:
    """Return the named scores of several models in every resample of their lesions.

    Predictions of one fold are for the same images and share their resamples; folds draw
    independently. A lesion has the diagnosis of its first image. The draws depend on labels,
    lesions, fold and seed only, so that two models' resamples can be compared pair by pair.

    Parameters and errors are those of `score_intervals`, for each model; each array has the shape
    (resamples,).
    """
    check_counts(resamples=resamples)
    check_seed(seed)
    scores: dict[str, list[dict[str, Float64]]] = {model: [] for model in models}
    everything = [(model, each) for model, predictions in models.items() for each in predictions]
    for fold in sorted({each.fold for _, each in everything}):
        of_fold = [(model, each) for model, each in everything if each.fold == fold]
        first = of_fold[0][1]
        if not all(first.has_rows_of(each) for _, each in of_fold):
            raise UsageError(
                f"Two sets of predictions for fold {fold} have different rows.",
                "Number the folds apart, or compare predictions for the same images.",
            )
        prepared = [PreparedPredictions(each) for _, each in of_fold]
        chunks = [
            [weighted_scores(each, weights, names) for each in prepared]
            for weights in _resample_weights(first, resamples, seed)
        ]
        for (model, _), parts in zip(of_fold, zip(*chunks, strict=True), strict=True):
            scores[model].append(
                {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            )
    return {model: _means(of_model) for model, of_model in scores.items()}


def centre_calibration(
    resampled: dict[str, Float64], scores: dict[str, float]
) -> dict[str, Float64]:
    """Move the resampled calibration errors so that their mean is the score.

    A resample adds noise to every bin, and the absolute value turns noise into error: resampled
    calibration errors lie above the score itself, often all of them. Their spread is useful, their
    level is not. Differences of two models are moved in the same way.
    """
    name = "calibration_error"
    if name not in resampled:
        return resampled
    return resampled | {name: resampled[name] - resampled[name].mean() + scores[name]}


def interval(values: Float64, level: float = 0.95) -> tuple[float, float]:
    """Return the percentiles that enclose the middle `level` of the values.

    Values that are NaN are left out. Both ends are NaN if all values are, or if they are the same.

    Examples
    --------
    >>> interval(np.arange(101.0), level=0.5)
    (25.0, 75.0)
    """
    if not 0 < level < 1:
        raise UsageError(f"level is {level}; it must lie between 0 and 1.")
    known = values[~np.isnan(values)]
    if not len(known) or np.ptp(known) < NO_SPREAD:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _resample_weights(predictions: Predictions, resamples: int, seed: int) -> Iterator[Float64]:
    """Yield chunks of image weights, float64 (n, r): how often each image's lesion counts."""
    lesion_of_image, diagnosis_of_lesion = _lesions(predictions)
    # Each diagnosis has its own generator: the draws do not depend on the size of the chunks.
    generators = [
        (
            np.flatnonzero(diagnosis_of_lesion == label),
            np.random.default_rng([seed, predictions.fold, label]),
        )
        for label in np.unique(diagnosis_of_lesion).tolist()
    ]
    size = max(1, CHUNK_BYTES // (8 * len(predictions.labels)))
    for start in range(0, resamples, size):
        width = min(size, resamples - start)
        weights = np.ones((len(diagnosis_of_lesion), width))
        for lesions, rng in generators:
            n = len(lesions)
            if n == 1:
                continue  # A single lesion tells nothing of the variance.
            drawn = rng.integers(n, size=(width, n - 1))
            positions = drawn * width + np.arange(width)[:, None]
            times_drawn = np.bincount(positions.ravel(), minlength=n * width)
            weights[lesions] = times_drawn.reshape(n, width) * (n / (n - 1))
        yield weights[lesion_of_image]


def _lesions(predictions: Predictions) -> tuple[Indices, Labels]:
    """Return the lesion of each image, numbered from 0, and the diagnosis of each lesion."""
    if predictions.lesions is None:
        return np.arange(len(predictions.labels)), predictions.labels
    _, first_image, lesion_of_image = np.unique(
        predictions.lesions, return_index=True, return_inverse=True
    )
    return lesion_of_image, predictions.labels[first_image]


def _means(scores: list[dict[str, Float64]]) -> dict[str, Float64]:
    if not scores:
        raise UsageError("There are no predictions to score.")
    return {name: mean_of_known(np.array([each[name] for each in scores])) for name in scores[0]}


def _exact_interval(
    predictions: Sequence[Predictions], score: Score, share: float, level: float
) -> tuple[float, float]:
    """Return Clopper and Pearson's interval of a share that is 0 or 1."""
    from scipy.stats import binomtest

    count = count_lesions(predictions, score.proportion_of)
    limits = binomtest(round(share * count), count).proportion_ci(level)
    return float(limits.low), float(limits.high)


def count_lesions(predictions: Sequence[Predictions], labels: Collection[int]) -> int:
    """Count the lesions with one of the labels in all folds; images where lesions are unknown.

    Several predictions of one fold are for the same lesions, which count once.
    """
    count = 0
    for each in {each.fold: each for each in predictions}.values():
        of_labels = np.isin(each.labels, list(labels))
        lesions = (
            of_labels.sum() if each.lesions is None else len(np.unique(each.lesions[of_labels]))
        )
        count += int(lesions)
    return count


def describe_few(predictions: Sequence[Predictions]) -> str | None:
    """Say which diagnoses are tested on so few lesions that intervals are too narrow; None if none.

    Lesions are images where lesions are unknown. A diagnosis counts if some test part has it, and
    fewer than `FEW_LESIONS` of it.
    """
    fewest = {}
    for label, code in enumerate(CODES):
        counts = [count_lesions(of_fold, [label]) for of_fold in by_fold(predictions).values()]
        fewest[code] = min(counts) if max(counts) else FEW_LESIONS
    listed = [f"{code} {count}" for code, count in fewest.items() if count < FEW_LESIONS]
    if not listed:
        return None
    unit = "images" if predictions[0].lesions is None else "lesions"
    return (
        f"Fewer than {FEW_LESIONS} {unit} in a test part ({', '.join(listed)}): intervals of the "
        "recalls of these diagnoses, of balanced accuracy and of F1 are too narrow."
    )
