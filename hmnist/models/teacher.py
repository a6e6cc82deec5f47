"""Soft targets: what a linear model that has not seen an image thinks of it.

A network of a few thousand lesions soon knows them by heart, doubtful ones too. If half of each
target is what a logistic regression on the measures of the lesion makes of the image, fitted on
other images (`hmnist.models.linear.cross_fit`), it learns how far the label can be seen at all, and
what the measures tell. That is distillation (Hinton, Vinyals & Dean 2015) from a teacher of another
kind, and the teacher is not needed any more in prediction.
"""

import numpy as np
import numpy.typing as npt

from hmnist.models.base import Images, Labels, Weights
from hmnist.models.linear import cross_fit
from hmnist.models.reader import Reader

__all__ = ["soft_targets"]


def soft_targets(
    images: Images, labels: Labels, weights: Weights | None, *, classes: int, seed: int
) -> npt.NDArray[np.float32]:
    """Return the teacher's probabilities for the training images.

    Parameters
    ----------
    images : numpy.ndarray of uint8 or float32, shape (n, h, w, c)
        Training images, 0–255; copies of an image stay on one side of every fold.
    labels : numpy.ndarray of int64, shape (n,)
        At least two different ones.
    weights : numpy.ndarray of float64, shape (n,), or None
        How much each image counts.
    classes : int
        How many columns come out.
    seed : int
        What fixes the measures' filters and the folds.

    Returns
    -------
    numpy.ndarray of float32, shape (n, classes)
        Rows sum to 1; each comes from a model that was not fitted on that image.
    """
    from scipy.special import softmax

    table = Reader("lesion", seed).fit(images).read(images)
    _, log_odds = cross_fit(table, labels, weights, classes=classes, seed=seed)
    return np.asarray(softmax(log_odds, axis=1), dtype=np.float32)
