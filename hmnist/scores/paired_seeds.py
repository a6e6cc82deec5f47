"""`compare_seeds`: paired differences of models that were trained several times.

Another training would give other scores, and so would other lesions. So the intervals are over
both: lesions and seeds are drawn together, the same ones for both models of a pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hmnist.arrays import Float64, Indices
from hmnist.errors import UsageError
from hmnist.scores.comparison import Difference
from hmnist.scores.intervals import bootstrap_models, interval, mean_scores
from hmnist.scores.paired_tests import RESAMPLES, check_same_test
from hmnist.scores.predictions import Predictions
from hmnist.scores.significance import bootstrap_p_value, correct_holm


def compare_seeds(
    models: Mapping[str, Sequence[Predictions]],
    pairs: Sequence[tuple[str, str]],
    names: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[tuple[str, str], dict[str, Difference]]:
    """Compare pairs of models; number i of each was trained with the same seed.

    Parameters
    ----------
    models : mapping of str to sequence of Predictions
        Names, each with the predictions of its trained models for the same images, one per seed.
    pairs : sequence of (str, str)
        Names of models: the differences are first − second.
    names : sequence of str
        The scores that are compared, of `SCORE_NAMES`.
    resamples : int
        At least 1.
    seed : int
        ≥ 0.

    Returns
    -------
    dict of (str, str) to dict of str to Difference
        By pair and score. Each resample draws lesions within each diagnosis, and seeds. With one
        seed the intervals are over lesions only. P-values are corrected (Holm) for the pairs.

    Raises
    ------
    UsageError
        If the models were tested on different images, or have different numbers of seeds.

    Examples
    --------
    >>> labels = np.tile([2, 4], 100)
    >>> good, poor = np.full((200, 7), 0.02), np.full((200, 7), 1 / 7)
    >>> good[np.arange(200), labels] = 0.88
    >>> models = {name: [Predictions(labels, probabilities, probabilities.argmax(1))] * 2
    ...           for name, probabilities in (("good", good), ("poor", poor))}
    >>> pair = "good", "poor"
    >>> compare_seeds(models, [pair], ["accuracy"])[pair]["accuracy"].difference
    1.0
    """
    check_same_test(models)
    seeds = {len(predictions) for predictions in models.values()}
    if len(seeds) > 1:
        raise UsageError("The models have different numbers of seeds.", "Train the same of each.")
    count = seeds.pop()
    drawn = np.random.default_rng(seed).integers(count, size=(count, resamples))
    resampled = _resample(models, names, drawn, seed)
    means = {name: mean_scores(predictions) for name, predictions in models.items()}
    differences: dict[tuple[str, str], dict[str, Difference]] = {pair: {} for pair in pairs}
    for name in names:
        values = {pair: resampled[pair[0]][name] - resampled[pair[1]][name] for pair in pairs}
        p_values = correct_holm([bootstrap_p_value(each) for each in values.values()])
        for (pair, each), p_value in zip(values.items(), p_values, strict=True):
            observed = means[pair[0]][name] - means[pair[1]][name]
            differences[pair][name] = Difference(observed, *interval(each), p_value)
    return differences


def _resample(
    models: Mapping[str, Sequence[Predictions]],
    names: Sequence[str],
    drawn: Indices,
    seed: int,
) -> dict[str, dict[str, Float64]]:
    """Return each model's scores in every resample: the mean over the seeds that are drawn."""
    single = {
        f"{model} {number}": [replace(each, fold=0)]
        for model, predictions in models.items()
        for number, each in enumerate(predictions)
    }
    scores = bootstrap_models(single, names, resamples=drawn.shape[1], seed=seed)
    return {
        model: {
            name: np.take_along_axis(
                np.stack([scores[f"{model} {number}"][name] for number in range(len(drawn))]),
                drawn,
                axis=0,
            ).mean(axis=0)
            for name in names
        }
        for model in models
    }
