"""Grad-CAM: where a convolutional network finds what speaks for a class.

The channels of a layer are weighted by the gradient of the class's logit, averaged over positions,
and what is positive of their sum is the map (Selvaraju et al., *Grad-CAM*, ICCV 2017). There the
layer is the last convolution. For images of 28×28 it may have one position or nine, so the last
one with six positions a side is taken here. The logit is that above the mean of all classes.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.arrays import Float32, Images, Labels
from hmnist.errors import UsageError
from hmnist.models.network_model import NetworkModel

if TYPE_CHECKING:
    import keras

LEAST_SIDE = 6
"""Positions a side of the convolution, where there is such a one."""

_BATCH = 64  # images per step: the outputs of all layers are kept for the gradient


def grad_cam(
    model: NetworkModel, images: Images, labels: Labels, patients: Float32 | None = None
) -> Float32:
    """Return what speaks for a class, and where, as the networks of a model see it.

    The map is the mean over the networks and over the orientations that prediction averages, each
    turned back.

    Parameters
    ----------
    model : NetworkModel
        A fitted model whose networks read images, as `Run.model` is.
    images : numpy.ndarray, shape (n, h, w, c)
        Pixels 0–255.
    labels : numpy.ndarray of int64, shape (n,)
        The position of the class that each image is explained for.
    patients : numpy.ndarray of float32, shape (n, p), or None
        Their patient data, if the model uses them.

    Returns
    -------
    numpy.ndarray of float32, shape (n, h, w)
        0 or more, in the units of logit per position; only ratios within a map mean something.

    Raises
    ------
    UsageError
        If its networks have no convolution.
    """
    from hmnist.models.compiled import pixel_orders

    shape = images.shape[1:]
    layers = [find_layer(graph) for graph in model.networks_]
    views = model.make_network().views
    orders = np.arange(shape[0] * shape[1])[None] if views is None else pixel_orders(views, shape)
    maps = np.zeros((len(images), shape[0] * shape[1]), np.float32)
    for start in range(0, len(images), _BATCH):
        part = slice(start, start + _BATCH)
        known = None if patients is None else patients[part]
        pixels = images[part].reshape(-1, orders.shape[1], shape[2])
        for order in orders:
            view = pixels[:, order].reshape(-1, *shape)
            for graph, layer in zip(model.networks_, layers, strict=True):
                seen = _explain(graph, layer, view, labels[part], known)
                maps[part, order] += seen.reshape(len(view), -1)
    maps /= len(orders) * len(layers)
    return maps.reshape(-1, *shape[:2])


def find_layer(graph: "keras.Model") -> "keras.layers.Layer":
    """Return the last convolution whose map has six positions a side, or else the last one.

    It raises a UsageError if the network has no convolution.
    """
    convolutions = [layer for layer in _leaves(graph) if _is_convolution(layer)]
    if not convolutions:
        raise UsageError(
            "Grad-CAM needs a network that reads images through convolutions.",
            "Use occlusion: it explains every model.",
        )
    fine = [layer for layer in convolutions if min(layer.output.shape[1:3]) >= LEAST_SIDE]
    return (fine or convolutions)[-1]


def _is_convolution(layer: Any) -> bool:
    """Return whether a layer has a kernel (h, w, …), of whatever class it is."""
    return any(len(weight.shape) == 4 for weight in layer.weights)


def _leaves(graph: "keras.Model") -> Iterator[Any]:
    """Yield the layers of a graph, and those of graphs inside it, in order."""
    import keras

    for layer in graph.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def _explain(
    graph: "keras.Model", layer: Any, images: Images, labels: Labels, patients: Float32 | None
) -> Float32:
    """Return the map of one network, as large as the images."""
    import tensorflow as tf

    from hmnist.models.network import call_graph

    known = None if patients is None else tf.constant(patients)
    with tf.GradientTape() as tape, _recorded(layer, tape) as outputs:
        logits = call_graph(graph, tf.constant(images, tf.float32), known, training=False)
        # Logits tell something in comparison only: a number added to all changes no probability.
        others = tf.reduce_mean(logits, axis=1)
        chosen = tf.reduce_sum(tf.gather(logits, labels, axis=1, batch_dims=1) - others)
    [output] = outputs
    weights = tf.reduce_mean(tape.gradient(chosen, output), axis=(1, 2), keepdims=True)
    seen = tf.nn.relu(tf.reduce_sum(weights * output, axis=3, keepdims=True))
    return np.asarray(tf.image.resize(seen, images.shape[1:3]))[..., 0]


@contextlib.contextmanager
def _recorded(layer: Any, tape: Any) -> Iterator[list[Any]]:
    """Collect what a layer returns, watched by the tape; it may lie in a graph inside another."""
    call, outputs = layer.call, list[Any]()

    def record(*arguments: Any, **keywords: Any) -> Any:
        output = call(*arguments, **keywords)
        tape.watch(output)
        outputs.append(output)
        return output

    layer.call = record
    try:
        yield outputs
    finally:
        layer.call = call
