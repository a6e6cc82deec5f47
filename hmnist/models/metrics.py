"""`Recalls`: the share of each class that is recognised, as a metric of Keras."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class Recalls(keras.metrics.Metric):
    """The recall of each class. It is counted with the loss: no image is predicted twice.

    Parameters
    ----------
    names : sequence of str
        The name of the recall of each class.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(name="recalls")
        self.names = names
        self.images, self.hits = (
            self.add_weight(shape=(len(names),), initializer="zeros", name=name)
            for name in ("images", "hits")
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count the images of each class and those that are recognised."""
        del sample_weight
        true = ops.argmax(y_true, axis=-1)
        right = ops.cast(true == ops.argmax(y_pred, axis=-1), "float32")
        members = ops.one_hot(true, len(self.names), dtype="float32")
        self.images.assign_add(ops.sum(members, axis=0))
        self.hits.assign_add(ops.sum(members * right[:, None], axis=0))

    def result(self) -> dict[str, Any]:
        """Return the recalls by name; 0 for classes without images."""
        shares = ops.divide_no_nan(self.hits, self.images)
        return {name: shares[index] for index, name in enumerate(self.names)}
