"""The weights of a network as one row of numbers, and a network built for such a row."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.arrays import Float32
from hmnist.models.keras_setup import load_keras, policy, seeded

if TYPE_CHECKING:
    import keras


def as_row(weights: Sequence[Float32]) -> Float32:
    """Return the numbers of all weights in their order: float32, shape (parameters,)."""
    # A network may have no weights at all.
    return np.concatenate([np.empty(0, np.float32), *(weight.ravel() for weight in weights)])


def build_with(build: "Callable[[], keras.Model]", row: Float32) -> "keras.Model":
    """Return the network that `build` builds, with the weights of `as_row`, in float32.

    The parameters that it is built by may come from a file of somebody else. So its weights are
    counted before there is memory for any.

    Raises
    ------
    ValueError
        If it has another number of weights.
    """
    keras: Any = load_keras()
    with seeded(0), policy("float32"), keras.StatelessScope():  # which gives memory at its end
        graph = build()
        sizes = [math.prod(weight.shape) for weight in graph.weights]
        if sum(sizes) != len(row):
            keras.utils.clear_session(free_memory=False)  # Keras forgets that they need memory
            raise ValueError(f"it has {len(row):,} weights; the network has {sum(sizes):,}")
    *parts, _ = np.split(row, np.cumsum(sizes))
    graph.set_weights(
        [part.reshape(weight.shape) for part, weight in zip(parts, graph.weights, strict=True)]
    )
    return graph
