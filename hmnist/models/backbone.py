"""Backbones of transfer systems: applications of Keras, cut and frozen as a system says.

A backbone that is frozen as a whole gives the same output for an image in every epoch. So its
outputs are computed once (`BackboneOutputs`), and only the network on top of it is trained.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Images
from hmnist.models.inputs import Inputs
from hmnist.models.keras_setup import load_keras, policy, seeded
from hmnist.models.pretrained import load_pretrained
from hmnist.systems.system import Backbone, System

if TYPE_CHECKING:
    import keras

BACKBONE = "backbone"
"""The name of the backbone among the layers of a network."""

_FILE = "base.npz"


def build_with_backbone(
    system: System, size: tuple[int, int], shape: tuple[int, ...], classes: int, *, freeze: bool
) -> "keras.Model":
    """Return an untrained network from images to logits: the backbone, and the system's own layers.

    Parameters
    ----------
    system : System
        A system with a backbone.
    size : tuple of int
        Height and width to which images are resized.
    shape : tuple of int
        Height, width and channels of the images.
    classes : int
        The number of logits.
    freeze : bool
        Whether the layers that the system does not train any further are frozen.
    """
    import keras

    backbone = _make_backbone(system, size)
    trained_layers = _facts(system).trained_layers
    if freeze and trained_layers is not None:
        for layer in backbone.layers[:-trained_layers]:
            layer.trainable = False
    inputs = keras.Input(shape)
    features = _apply(backbone, system, size, inputs)
    return keras.Model(inputs, system.build(features.shape[1:], classes)(features))


def load_into_backbone(
    system: System,
    size: tuple[int, int],
    pretrained: str,
    graph: "keras.Model",
    inputs: npt.NDArray[Any],  # noqa: ARG001 - nothing is measured on training images
) -> None:
    """Set pretrained weights in the backbone of a network of `build_with_backbone`."""
    graph.get_layer(BACKBONE).set_weights(_load_weights(system, size, pretrained))


class BackboneOutputs(Inputs):
    """The outputs of a frozen backbone.

    Parameters
    ----------
    system : System
        A system with a backbone.
    size : tuple of int
        Height and width to which images are resized.
    pretrained : str
        The weights of the backbone; see `load_pretrained`.
    batch_size : int
        Images per call of the backbone.

    Attributes
    ----------
    weights : list of numpy.ndarray
        The weights of the backbone.
    """

    _backbone: Any = None  # made when it is needed; pickles do not have it

    def __init__(
        self, system: System, size: tuple[int, int], pretrained: str, batch_size: int
    ) -> None:
        self.system, self.size, self.pretrained = system, size, pretrained
        self.batch_size = batch_size

    def fit_transform(self, images: Images, seed: int) -> Float32:
        """Load the pretrained weights, and return the outputs for the training images."""
        with seeded(seed), policy("float32"):
            self.weights = _load_weights(self.system, self.size, self.pretrained)
        return self.transform(images)

    def transform(self, images: Images) -> Float32:
        """Return the outputs for images: float32, shape (n, …)."""
        network = self._make_network(images.shape[1:])
        starts = range(0, max(1, len(images)), self.batch_size)
        batches = (images[start : start + self.batch_size].astype(np.float32) for start in starts)
        return np.concatenate([np.asarray(network(batch, training=False)) for batch in batches])

    def _make_network(self, shape: tuple[int, ...]) -> "keras.Model":
        """Return the network from images of that shape to the outputs of the backbone."""
        keras = load_keras()
        with seeded(0), policy("float32"):
            if self._backbone is None:
                self._backbone = _make_backbone(self.system, self.size)
                self._backbone.set_weights(self.weights)
            inputs = keras.Input(shape)
            return keras.Model(inputs, _apply(self._backbone, self.system, self.size, inputs))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_backbone"}

    @property
    def parameter_count(self) -> int:
        """The number of weights of the backbone."""
        return sum(weight.size for weight in self.weights)

    def save(self, folder: Path) -> None:
        """Write the weights of the backbone."""
        arrays = {f"{index:03d}": weight for index, weight in enumerate(self.weights)}
        np.savez(folder / _FILE, allow_pickle=False, **arrays)

    def load(self, folder: Path) -> None:
        """Read the weights of the backbone.

        Raises
        ------
        ValueError
            If they do not fit it.
        """
        with (folder / _FILE).open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            self.weights = [arrays[name] for name in sorted(arrays.files)]
        self._make_network((*self.size, 3))


def _facts(system: System) -> Backbone:
    if system.backbone is None:
        raise ValueError(f"{system.name} has no backbone.")
    return system.backbone


def _make_application(
    system: System, size: tuple[int, int], weights: str | None = None
) -> "keras.Model":
    """Return the application of Keras without its classifier, for colour images."""
    import keras

    # Weights of convolutions fit any size; Keras has them for the application's own size.
    height, width = size if weights is None else system.size
    make = getattr(keras.applications, _facts(system).application)
    return make(include_top=False, weights=weights, input_shape=(height, width, 3))


def _cut(system: System, application: "keras.Model") -> "keras.Model":
    """Return the application without the last layers that the system leaves out."""
    import keras

    output = application.layers[-1 - _facts(system).cut].output
    return keras.Model(application.input, output, name=BACKBONE)


def _make_backbone(system: System, size: tuple[int, int]) -> "keras.Model":
    load_keras()
    return _cut(system, _make_application(system, size))


def _load_weights(
    system: System, size: tuple[int, int], pretrained: str
) -> list[npt.NDArray[np.float32]]:
    make_application = partial(_make_application, system, size)
    application = load_pretrained(system.name, pretrained, make_application)
    return list(_cut(system, application).get_weights())


def _apply(backbone: Any, system: System, size: tuple[int, int], images: Any) -> Any:
    """Return the output of the backbone for images of any size, in colour or grey."""
    import keras
    from keras import layers

    x = images
    if x.shape[1:3] != size:
        x = layers.Resizing(*size, interpolation="bilinear")(x)
    if x.shape[3] == 1:
        x = layers.Concatenate()([x, x, x])
    module = getattr(keras.applications, _facts(system).module)
    return backbone(module.preprocess_input(x))
