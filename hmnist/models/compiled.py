"""`CompiledNetworks`: one compiled function from inputs to the mean logits of views and networks.

TensorFlow is imported at the top, so this module is imported after `load_keras`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from hmnist.arrays import Float32, Float64, Indices
from hmnist.models.batches import prediction_batch
from hmnist.models.network import Network, call_graph
from hmnist.models.stderr import without_stderr

if TYPE_CHECKING:
    import keras


class CompiledNetworks:
    """The networks of one model, compiled once for batches of any length.

    Parameters
    ----------
    network : Network
        Its views are rearrangements of the pixels of an image, and become part of the function. A
        batch has a limited number of views (`prediction_batch`), so that the memory needed grows
        neither with the number of images nor with their size.
    graphs : sequence of keras.Model
        The networks, whose logits are averaged.
    offset : numpy.ndarray of float64, shape (classes,)
        Added to the mean logits.
    shape : tuple of int
        The shape of one input.
    """

    def __init__(
        self,
        network: Network,
        graphs: "Sequence[keras.Model]",
        offset: Float64,
        shape: tuple[int, ...],
    ) -> None:
        orders = None if network.views is None else pixel_orders(network.views, shape)
        views = 1 if orders is None else len(orders)
        self.batch = max(1, prediction_batch(network, shape) // views)

        def mean_logits(inputs: Any, patients: Any = None) -> Any:
            if orders is not None:
                pixels = tf.reshape(inputs, (-1, orders.shape[1], shape[-1]))
                inputs = tf.reshape(tf.gather(pixels, orders, axis=1), (-1, *shape))
                patients = None if patients is None else tf.repeat(patients, views, axis=0)
            outputs = [call_graph(graph, inputs, patients, training=False) for graph in graphs]
            # Not `tf.add_n`: TensorFlow merges it with the last layer of any one of the networks,
            # not always of the same one, and the last bits depend on which.
            logits = tf.reduce_mean(tf.stack(outputs), axis=0)
            logits = tf.reshape(logits, (-1, views, len(offset)))
            return tf.reduce_mean(logits, axis=1) + offset.astype(np.float32)

        signature = [
            tf.TensorSpec((None, *source.shape[1:]), tf.float32, name)
            for source, name in zip(graphs[0].inputs, ("inputs", "patients"), strict=False)
        ]
        self._function = tf.function(mean_logits, input_signature=signature, autograph=False)

    @cached_property
    def mean_logits(self) -> Callable[..., Any]:
        """The compiled function from a batch to its mean logits, of tensors.

        The batch has patient data as its second tensor if the networks have an input for them.
        """
        # Called as a whole, each new `tf.function` would count as one more tracing of the same, and
        # TensorFlow would warn of it.
        return cast("Callable[..., Any]", self._function.get_concrete_function())

    def __call__(self, inputs: npt.NDArray[Any], patients: Float32 | None = None) -> Float32:
        """Return the mean logits with the offset: float32, shape (n, classes)."""
        arrays = [inputs] if patients is None else [inputs, patients]
        starts = range(0, len(inputs), self.batch)
        batches = ([array[start : start + self.batch] for array in arrays] for start in starts)
        return np.concatenate([self._call(batch) for batch in batches])

    def _call(self, batch: list[npt.NDArray[Any]]) -> Float32:
        tensors = [tf.constant(np.ascontiguousarray(array, dtype=np.float32)) for array in batch]
        return np.asarray(self.mean_logits(*tensors))

    def to_litert(self) -> bytes:
        """Return the same function as a LiteRT model, for `hmnist.models.litert`."""
        return convert_to_litert(self._function)


def convert_to_litert(function: Any) -> bytes:
    """Return a `tf.function` with an input signature as the content of a LiteRT file.

    Not by way of a SavedModel, which has names for inputs and outputs: for `CNN`, the converter of
    TensorFlow 2.21 makes of it a file that answers NaN, although the SavedModel answers correctly.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], function
    )
    with without_stderr():
        return bytes(converter.convert())


def pixel_orders(
    views: Callable[[npt.NDArray[Any]], Iterator[npt.NDArray[Any]]], shape: tuple[int, ...]
) -> Indices:
    """Return where the pixels of each view come from: int64, shape (views, h·w).

    `shape` is height, width and channels of one image.

    Examples
    --------
    >>> pixel_orders(lambda images: iter([images, images[:, :, ::-1]]), (1, 3, 1)).tolist()
    [[0, 1, 2], [2, 1, 0]]
    """
    positions = np.arange(shape[0] * shape[1]).reshape(1, *shape[:2], 1)
    return np.stack([view.ravel() for view in views(positions)])
