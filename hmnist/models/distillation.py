"""Soft targets for a network: the probabilities of a linear model that has not seen the image.

A network soon memorises a few thousand lesions, doubtful ones too. A part of each target therefore
comes from a logistic regression on the features of the lesion, fitted on other images
(`hmnist.models.cross_fitting`): it tells how clear the diagnosis is, and what the features say.
This is distillation (Hinton, Vinyals & Dean 2015) from another kind of model. Prediction does not
need the linear model.
"""

import numpy as np

from hmnist.arrays import Float32
from hmnist.features.steps import OnStep, ignore_steps, part_of
from hmnist.models.cross_fitting import cross_fit
from hmnist.models.inputs import FeatureExtractor
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.tabular import join_columns


def soft_targets(
    training: LabelledImages,
    *,
    classes: int,
    seed: int,
    on_step: OnStep = ignore_steps,
) -> Float32:
    """Return the linear model's probabilities for the training images: float32, (n, classes).

    Each row comes from a model that was not fitted on that image, nor on a copy of it. The labels
    contain two classes at least. The seed is that of the features' filters and of the folds. The
    linear model reads patient data, too, if there are any, and none of them is hidden. `on_step` is
    told how much is done.
    """
    # In float32, other than hmnist.arrays.softmax: other last bits would be other networks.
    from scipy.special import softmax

    features = FeatureExtractor("lesion").fit_transform(
        training.images, seed, part_of(on_step, 0, 0.25)
    )
    features = join_columns(features, training.patients)
    fitting = part_of(on_step, 0.25, 1)
    _, log_odds = cross_fit(
        features,
        training.labels,
        training.weights,
        training.group(),
        classes=classes,
        seed=seed,
        on_step=fitting,
    )
    return np.asarray(softmax(log_odds, axis=1), dtype=np.float32)
