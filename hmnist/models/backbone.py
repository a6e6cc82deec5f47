"""Backbones of published systems: applications of Keras, truncated and frozen as a system says.

A backbone that is frozen as a whole gives the same output for an image in every epoch. So its
outputs are computed once (`BackboneOutputs`), and only the network on top of it is trained.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Images, Shape
from hmnist.features.steps import OnStep, ignore_steps
from hmnist.guarded import read_arrays, write_arrays
from hmnist.models.inputs import Inputs
from hmnist.models.keras_setup import load_keras, policy, seeded
from hmnist.models.pretrained import load_pretrained
from hmnist.models.weights import as_row, build_with
from hmnist.systems.system import Backbone, System

if TYPE_CHECKING:
    import keras

PREDICTION_BATCH = 64
"""Wide networks on large images take gigabytes for more."""

_NAME = "backbone"
_FILE = "base.npz"


@dataclass(frozen=True)
class BackboneBuilder:
    """Builds the backbone of a published system, and networks on it.

    Images are resized to `size`, height and width.
    """

    system: System
    backbone: Backbone
    size: tuple[int, int]

    def build_network(self, shape: tuple[int, ...], classes: int, *, freeze: bool) -> "keras.Model":
        """Return an untrained network from images to logits: backbone, and the system's own layers.

        With `freeze`, the layers that the system does not train any further are frozen.
        """
        import keras

        graph = self.build()
        if freeze and self.backbone.trained_layers is not None:
            for layer in graph.layers[: -self.backbone.trained_layers]:
                layer.trainable = False
        inputs = keras.Input(shape)
        features = self.apply(graph, inputs)
        return keras.Model(inputs, self.system.build(features.shape[1:], classes)(features))

    def set_pretrained(self, graph: "keras.Model", pretrained: str) -> None:
        """Set pretrained weights in the backbone of a network of `build_network`."""
        graph.get_layer(_NAME).set_weights(self.load_weights(pretrained))

    def build(self) -> "keras.Model":
        """Return the backbone, untrained, for colour images of the size."""
        return self._cut(self._make_application())

    def load_weights(self, pretrained: str) -> list[npt.NDArray[np.float32]]:
        """Return pretrained weights for the backbone; see `load_pretrained`."""
        application = load_pretrained(self.system.name, pretrained, self._make_application)
        return list(self._cut(application).get_weights())

    def apply(self, graph: Any, images: Any) -> Any:
        """Return the output of the backbone for images of any size, in colour or grey."""
        import keras

        pixels = resize_in_colour(images, self.size)
        if not self.backbone.module:
            return graph(keras.layers.Rescaling(1 / 255)(pixels))
        return graph(getattr(keras.applications, self.backbone.module).preprocess_input(pixels))

    def _make_application(self, weights: str | None = None) -> "keras.Model":
        """Return the application of Keras without its classifier, for colour images."""
        import keras

        # Weights of convolutions fit any size; Keras has them for the application's own size.
        height, width = self.size if weights is None else self.system.size
        make = getattr(keras.applications, self.backbone.application)
        return make(include_top=False, weights=weights, input_shape=(height, width, 3))

    def _cut(self, application: "keras.Model") -> "keras.Model":
        """Return the application without the last layers that the system leaves out."""
        import keras

        output = application.layers[-1 - self.backbone.cut].output
        return keras.Model(application.input, output, name=_NAME)


def resize_in_colour(images: Any, size: tuple[int, int]) -> Any:
    """Return Keras tensors of images in a size, height and width; grey ones get three channels."""
    from keras import layers

    if images.shape[1:3] != size:
        images = layers.Resizing(*size, interpolation="bilinear")(images)
    return images if images.shape[3] > 1 else layers.Concatenate()([images] * 3)


class BackboneOutputs(Inputs):
    """The outputs of a frozen backbone with pretrained weights; see `load_pretrained`.

    `weights` are those of the backbone, as a list of arrays.
    """

    epochs = 100  # of the layers behind the frozen backbone, which are small

    _backbone: Any = None  # made when it is needed; pickles do not have it

    def __init__(self, builder: BackboneBuilder, pretrained: str) -> None:
        self.builder, self.pretrained = builder, pretrained

    def fit_transform(self, images: Images, seed: int, on_step: OnStep = ignore_steps) -> Float32:
        """Load the pretrained weights, and return the outputs for the training images."""
        with seeded(seed), policy("float32"):
            self.weights = self.builder.load_weights(self.pretrained)
        return self.transform(images, on_step)

    def transform(self, images: Images, on_step: OnStep = ignore_steps) -> Float32:
        """Return the outputs for images: float32, shape (n, …)."""
        network = self._make_network(images.shape[1:])
        starts = range(0, max(1, len(images)), PREDICTION_BATCH)
        outputs = []
        for done, start in enumerate(starts, start=1):
            batch = images[start : start + PREDICTION_BATCH].astype(np.float32)
            outputs.append(np.asarray(network(batch, training=False)))
            on_step(done, len(starts))
        return np.concatenate(outputs)

    def trace(self, images: Any) -> Any:
        """Return the outputs for a float32 tensor of images."""
        return self._make_network(tuple(images.shape[1:]))(images, training=False)

    def _make_network(self, shape: tuple[int, ...]) -> "keras.Model":
        """Return the network from images of that shape to the outputs of the backbone."""
        keras = load_keras()
        with seeded(0), policy("float32"):
            if self._backbone is None:
                self._backbone = build_with(self.builder.build, as_row(self.weights))
            inputs = keras.Input(shape)
            return keras.Model(inputs, self.builder.apply(self._backbone, inputs))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_backbone"}

    @property
    def parameter_count(self) -> int:
        """The number of weights of the backbone."""
        return sum(weight.size for weight in self.weights)

    def save(self, folder: Path) -> None:
        """Write the weights of the backbone."""
        write_arrays(folder / _FILE, {"weights": as_row(self.weights)})

    def load(self, folder: Path, shape: Shape) -> tuple[int, ...]:
        """Read the weights of the backbone; errors are those of `Inputs.load`."""
        row = read_arrays(folder / _FILE, {"weights": (np.float32, (None,))})["weights"]
        self._backbone = build_with(self.builder.build, row)
        self.weights = self._backbone.get_weights()
        return tuple(self._make_network(shape).output_shape[1:])
