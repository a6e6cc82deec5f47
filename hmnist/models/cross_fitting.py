"""`cross_fit`: log-odds of the training images from linear models that have not seen them.

The boosted trees start from them, and the CNN learns from them (`hmnist.models.distillation`). If
they came from a model that was fitted on the same images, trees and networks would rely on log-odds
that are too good (stacking, Wolpert 1992).
"""

import hashlib
import warnings
from typing import Any

import numpy as np

from hmnist.arrays import Array, Booleans, Float32, Float64, Indices, Labels
from hmnist.features.steps import OnStep, ignore_steps, part_of
from hmnist.features.store import digest, kept
from hmnist.large_arrays import chunks_of, release, take_rows
from hmnist.models.linear import Linear, measure_scale, regress, standardise

FOLDS = 5

CROSS_PENALTY = 0.1
"""The ridge penalty per image of the models that trees or networks build on."""

CROSS_ROWS = 20_000
"""The largest number of images that models are cross-fitted on: more hardly make them better, and
they would have to be held in memory."""


def cross_fit(
    features: Float32,
    labels: Labels,
    weights: Float64 | None,
    *,
    classes: int,
    seed: int,
    penalty: float = CROSS_PENALTY,
    on_step: OnStep = ignore_steps,
) -> tuple[Linear, Float32]:
    """Fit a linear model in folds of the training images, with the parameters of `fit_linear`.

    Copies of an image stay together. Other images of its lesion may be apart, since models do not
    know lesions: the log-odds are a little too sure for that. It is no leak, since only images of
    the training part are used.

    Of more than `CROSS_ROWS` images, a random sample of so many is used, with the shares of the
    diagnoses as they are. The models were not fitted on the images outside it, which therefore get
    the log-odds of the mean model; but a copy of an image in the sample gets those of that image.
    `on_step` is told how much is done.

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
            features,
            labels,
            weights,
            classes=classes,
            seed=seed,
            penalty=penalty,
            on_step=on_step,
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
    on_step: OnStep,
) -> tuple[Linear, Float32]:
    centre, scale = measure_scale(features, weights)
    sample = draw_rows(labels, seed)
    inputs = standardise(take_rows(features, sample), centre, scale)
    sampled = None if weights is None else weights[sample]
    coefficients, intercepts, held_out = _fit_folds(
        inputs, labels[sample], sampled, classes, penalty, seed, on_step
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


def _fit_folds(  # noqa: PLR0917 - as `regress`
    inputs: Float32,
    labels: Labels,
    weights: Float64 | None,
    classes: int,
    penalty: float,
    seed: int,
    on_step: OnStep,
) -> tuple[Float32, Float32, Float32]:
    """Return the mean coefficients and intercepts, and the log-odds of the rows held out."""
    log_odds = np.zeros((len(inputs), classes), np.float32)
    models = []
    folds = make_folds(inputs, labels, seed)
    for number, held_out in enumerate(folds):
        rest = ~held_out
        if len(np.unique(labels[rest])) < 2:
            continue  # all images of the second diagnosis are held out, so one class is left
        kept = None if weights is None else weights[rest]
        coefficients, intercepts, _ = regress(
            inputs[rest],
            labels[rest],
            kept,
            classes,
            penalty,
            100,
            part_of(on_step, number / len(folds), (number + 1) / len(folds)),
        )
        log_odds[held_out] = inputs[held_out] @ coefficients + intercepts
        models.append((coefficients, intercepts))
    coefficients, intercepts = (np.mean(arrays, axis=0) for arrays in zip(*models, strict=True))
    return coefficients, intercepts, log_odds


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
