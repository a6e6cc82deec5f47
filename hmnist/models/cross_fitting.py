"""`cross_fit`: log-odds of the training images from linear models that have not seen them.

The boosted trees start from them, and the CNN learns from them (`hmnist.models.distillation`). If
they came from a model that was fitted on the same images, trees and networks would rely on log-odds
that are too good (stacking, Wolpert 1992).
"""

from typing import Any

import numpy as np

from hmnist.arrays import Array, Booleans, Float32, Float64, Indices, Labels
from hmnist.features.steps import OnStep, ignore_steps, part_of
from hmnist.features.store import digest, kept
from hmnist.hardware import named_threads
from hmnist.large_arrays import take_rows
from hmnist.models.linear import Linear, measure_scale, regress, standardise
from hmnist.splits.groups import assign_groups

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
    groups: Indices,
    *,
    classes: int,
    seed: int,
    penalty: float = CROSS_PENALTY,
    on_step: OnStep = ignore_steps,
) -> tuple[Linear, Float32]:
    """Fit a linear model in folds of the training images, with the parameters of `fit_linear`.

    Images of one of the `groups` stay together: copies of an image, in any orientation, and what
    was made of it (`hmnist.models.labelled_images.LabelledImages.group`). What SMOTE has made of
    two images stays with the one that it is more like. Other images of a lesion may be apart, since
    models do not know lesions: the log-odds are a little too sure for that. It is not a leak, since
    only images of the training part are used.

    Of more than `CROSS_ROWS` images, a random sample of so many is used, with the shares of the
    diagnoses as they are. The models were not fitted on the images outside it, which therefore get
    the log-odds of the mean model; but if one of their group is in the sample, they get its own.
    `on_step` is told how much is done.

    Returns
    -------
    linear : Linear
        The mean of the folds' models, for images that are not in training.
    log_odds : numpy.ndarray of float32, shape (n, classes)
        For each training image, from a model that was not fitted on it.
    """

    def describe() -> dict[str, Any]:
        rows = [digest(each) for each in (features, labels, groups)]
        rows += [] if weights is None else [digest(weights)]
        # Sums of other numbers of threads differ in their last bits.
        threads = named_threads()
        return {
            "rows": rows, "classes": classes, "seed": seed, "penalty": penalty, "threads": threads,
        }  # fmt: skip

    def fit() -> dict[str, Array]:
        linear, log_odds = _cross_fit(
            features,
            labels,
            weights,
            groups,
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
    groups: Indices,
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
    folds = make_folds(groups[sample], labels[sample], seed)
    coefficients, intercepts, held_out = _fit_folds(
        inputs, labels[sample], sampled, folds, classes, penalty, on_step
    )
    linear = Linear(centre, scale, coefficients, intercepts)
    if len(sample) == len(features):
        return linear, held_out
    log_odds = linear.log_odds(features)
    known, first = np.unique(groups[sample], return_index=True)
    place = np.searchsorted(known, groups).clip(max=len(known) - 1)
    related = known[place] == groups
    log_odds[related] = held_out[first[place[related]]]
    log_odds[sample] = held_out
    return linear, log_odds


def draw_rows(labels: Labels, seed: int) -> Indices:
    """Return the rows of a stratified sample of `CROSS_ROWS` images in order, or all if less."""
    if len(labels) <= CROSS_ROWS:
        return np.arange(len(labels))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_diagnosis = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return np.sort(by_diagnosis[np.arange(CROSS_ROWS) * len(labels) // CROSS_ROWS])


def _fit_folds(  # noqa: PLR0917 - as `regress`
    inputs: Float32,
    labels: Labels,
    weights: Float64 | None,
    folds: list[Booleans],
    classes: int,
    penalty: float,
    on_step: OnStep,
) -> tuple[Float32, Float32, Float32]:
    """Return the mean coefficients and intercepts, and the log-odds of the rows held out."""
    log_odds = np.zeros((len(inputs), classes), np.float32)
    models = []
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
    if not models:  # one image of each diagnosis: no fold has two to learn from
        models.append(regress(inputs, labels, weights, classes, penalty, 100)[:2])
    coefficients, intercepts = (np.mean(arrays, axis=0) for arrays in zip(*models, strict=True))
    return coefficients, intercepts, log_odds


def make_folds(groups: Indices, labels: Labels, seed: int) -> list[Booleans]:
    """Return the rows of each fold, stratified; images of a group stay together."""
    count = max(2, min(FOLDS, int(np.bincount(labels).max())))
    parts = assign_groups(groups, labels, [1 / count] * count, np.random.default_rng(seed))
    return [parts == part for part in range(count)]
