"""`LabelledImages`: the checked images that a model is fitted on."""

from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Array, Float32, Float64, Images, Indices, Labels
from hmnist.large_arrays import take_rows
from hmnist.splits.groups import group_copies


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Checked images of `Model.fit`, for the models themselves.

    Attributes
    ----------
    images : numpy.ndarray, shape (n, h, w, c)
        Pixels 0–255.
    labels : numpy.ndarray of int64, shape (n,)
        The positions of their labels in `classes_`.
    patients : numpy.ndarray of float32, shape (n, p), or None
        Their patient data, None if the model uses none.
    weights : numpy.ndarray of float64, shape (n,), or None
        Their weights in training, None if all are 1.
    groups : numpy.ndarray, shape (n,), or None
        As in `Model.fit`; None if each image is a group of its own.
    """

    images: Images
    labels: Labels
    patients: Float32 | None = None
    weights: Float64 | None = None
    groups: Array | None = None

    def group(self) -> Indices:
        """Return which images stay together in cross-fitting: int64, shape (n,).

        Those are the images of a group, and of groups whose first images are copies of each other
        in any orientation (`hmnist.splits.groups.group_copies`).
        """
        if self.groups is None:
            return group_copies(self.images)
        _, first, members = np.unique(self.groups, return_index=True, return_inverse=True)
        return group_copies(take_rows(self.images, first))[members]
