"""The convolutional network: whitened patches, three stages, eight orientations.

A frozen first convolution whitens 2×2 patches of the training images (as airbench does for
CIFAR-10, Jordan 2024), three residual stages follow, and global maximum and mean are read out.
Training sees each image in the eight orientations, shifted and lit anew; prediction averages the
eight orientations.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.augmentation import ORIENTATIONS, orient, orient_each, relight, shift_each
from hmnist.errors import UsageError
from hmnist.models.base import Images, Shape
from hmnist.models.network import NetworkModel

if TYPE_CHECKING:
    import keras

__all__ = ["CNN"]

PATCH = 2
"""Side of the patches that the frozen first convolution whitens."""


class CNN(NetworkModel):
    """A residual convolutional network for small images.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate, weight_decay, \
label_smoothing
        As in `NetworkModel`.
    widths : sequence of int
        Channels of the stages; each halves the image.
    dropout : float
        The share of the read-out that is dropped in training.
    shift : int
        Training images move by up to this many pixels each way.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        epochs: int = 30,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        label_smoothing: float = 0.1,
        widths: Sequence[int] = (64, 192, 192),
        dropout: float = 0.3,
        shift: int = 2,
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
        self.shift = shift

    def _build(self, shape: Shape, outputs: int) -> "keras.Model":
        import keras
        from keras import layers

        if min(shape[:2]) < PATCH * 2 ** len(self.widths):
            raise UsageError(
                f"Images of {shape[0]}×{shape[1]} pixels are too small for {len(self.widths)} "
                f"stages; {PATCH * 2 ** len(self.widths)} pixels a side are needed."
            )
        inputs = keras.Input(shape)
        x = layers.Rescaling(1 / 255)(inputs)
        x = layers.Conv2D(
            2 * PATCH * PATCH * shape[2], PATCH, use_bias=False, trainable=False, name="whitening"
        )(x)
        for width in self.widths:
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.MaxPooling2D()(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
            y = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.Add()([x, layers.ReLU()(layers.BatchNormalization()(y))])
        x = layers.Concatenate()(
            [layers.GlobalMaxPooling2D()(x), layers.GlobalAveragePooling2D()(x)]
        )
        x = layers.Dropout(self.dropout)(x)
        return keras.Model(inputs, layers.Dense(outputs, activation="softmax")(x))

    def _prepare(self, network: "keras.Model", images: Images) -> None:
        network.get_layer("whitening").set_weights(
            [_whitening_filters(images.astype(np.float32) / np.float32(255))]
        )

    def augment(self, images: Images, rng: np.random.Generator) -> npt.NDArray[Any]:
        """Return new views of a training batch."""
        if images.shape[1] == images.shape[2]:
            images = orient_each(images, rng.integers(ORIENTATIONS, size=len(images)))
        return relight(shift_each(images, self.shift, rng), rng)

    def _views(self, images: Images) -> Iterator[Images]:
        square = images.shape[1] == images.shape[2]
        for orientation in range(ORIENTATIONS) if square else (0, 2, 4, 6):
            yield orient(images, orientation)


def _whitening_filters(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the eigenvectors of the patches, scaled to unit variance, and their negatives.

    Shape (PATCH, PATCH, channels, 2 · PATCH² · channels).
    """
    channels = images.shape[3]
    windows = np.lib.stride_tricks.sliding_window_view(images[:2000], (PATCH, PATCH), axis=(1, 2))
    patches = windows[:, ::2, ::2].transpose(0, 1, 2, 4, 5, 3).reshape(-1, PATCH**2 * channels)
    covariance = np.atleast_2d(np.cov(patches, rowvar=False))
    variances, vectors = np.linalg.eigh(covariance)
    filters = vectors / np.sqrt(variances + 1e-3 * variances.max())
    filters = np.concatenate([filters, -filters], axis=1)
    return filters.reshape(PATCH, PATCH, channels, -1).astype(np.float32)
