"""The multilayer perceptron: dense layers on pixels seen in all eight orientations."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.augmentation import ORIENTATIONS, orient, orient_each, relight
from hmnist.models.base import Images, Shape
from hmnist.models.network import NetworkModel

if TYPE_CHECKING:
    import keras

__all__ = ["MLP"]


class MLP(NetworkModel):
    """Dense layers on standardised pixels.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate, weight_decay, \
label_smoothing
        As in `NetworkModel`.
    widths : sequence of int
        Units of the hidden layers.
    dropout : float
        The share of each hidden layer that is dropped in training.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        epochs: int = 40,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.05,
        label_smoothing: float = 0.05,
        widths: Sequence[int] = (512, 256),
        dropout: float = 0.2,
    ) -> None:
        super().__init__(
            classes,
            image_shape,
            random_state,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            label_smoothing=label_smoothing,
        )
        self.widths = widths
        self.dropout = dropout

    def _build(self, shape: Shape, outputs: int) -> "keras.Model":
        import keras
        from keras import layers

        inputs = keras.Input(shape)
        # Frozen, with the mean and variance of the training images: set_weights restores it whole,
        # which it does not do for keras.layers.Normalization.
        x = layers.BatchNormalization(
            center=False, scale=False, trainable=False, name="standardising"
        )(inputs)
        x = layers.Flatten()(x)
        for width in self.widths:
            x = layers.Dense(width, use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
            x = layers.Dropout(self.dropout)(x)
        return keras.Model(inputs, layers.Dense(outputs, activation="softmax")(x))

    def _prepare(self, network: "keras.Model", images: Images) -> None:
        pixels = images.reshape(-1, images.shape[3]).astype(np.float32)
        network.get_layer("standardising").set_weights([pixels.mean(axis=0), pixels.var(axis=0)])

    def augment(self, images: Images, rng: np.random.Generator) -> npt.NDArray[Any]:
        """Return new views of a training batch."""
        if images.shape[1] == images.shape[2]:
            images = orient_each(images, rng.integers(ORIENTATIONS, size=len(images)))
        return relight(images, rng)

    def _views(self, images: Images) -> Iterator[Images]:
        square = images.shape[1] == images.shape[2]
        for orientation in range(ORIENTATIONS) if square else (0, 2, 4, 6):
            yield orient(images, orientation)
