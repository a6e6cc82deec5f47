"""The convolutional network: whitened patches, residual stages, orientations, and a teacher.

A frozen first convolution whitens 2×2 patches of the training images (as airbench does for
CIFAR-10, Jordan 2024), three residual stages follow, and global maximum and mean are read out.
Training sees the images in random orientations, shifted by whole pixels, lit anew and mixed in
pairs; half of each target comes from a linear model of the lesion's measures that has not seen the
image (`hmnist.models.teacher`). Prediction averages the eight orientations.

What earned its place, on validation parts of two folds of HAM10000: Muon for the kernels, the
teacher (the largest single gain), and mixing where there are epochs enough. What did not: turning
or scaling by fractions of a pixel (it blurs what no test image has blurred), jittered colours and
cut-out squares, kernels that are equivariant to the eight orientations, measures as a second input,
the teacher's log-odds as a starting point, networks as further teachers, shifts averaged in
prediction, and twice the epochs without a teacher.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.augmentation import (
    all_orientations,
    jitter_brightness,
    mixup,
    orient_randomly,
    shift_randomly,
)
from hmnist.errors import UsageError
from hmnist.hardware import training_precision
from hmnist.models.base import Images, Labels, Shape, Weights
from hmnist.models.network import NetworkModel
from hmnist.models.schedule import averaging, warm_cosine
from hmnist.models.teacher import soft_targets

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
label_smoothing, mixing, networks, logit_adjustment
        As in `NetworkModel`.
    widths : sequence of int
        Channels of the stages; each halves the image. Images below 16 pixels have fewer stages.
    dropout : float
        The share of the read-out that is dropped in training.
    shift : int
        Training images move by up to this many pixels each way.
    teaching : float
        The share of each target that a teacher gives instead of the label, 0–1; see
        `hmnist.models.teacher`. Of several networks the first is taught; the others believe the
        smoothed labels alone, so that their mistakes are others.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        epochs: int = 32,
        batch_size: int = 64,
        learning_rate: float = 0.01,
        weight_decay: float = 0.05,
        label_smoothing: float = 0.1,
        mixing: float = 0.2,
        networks: int = 1,
        logit_adjustment: float = 0.0,
        widths: Sequence[int] = (32, 128, 256),
        dropout: float = 0.3,
        shift: int = 2,
        teaching: float = 0.0,
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
            mixing=mixing,
            networks=networks,
            logit_adjustment=logit_adjustment,
        )
        self.widths = widths
        self.dropout = dropout
        self.shift = shift
        self.teaching = teaching

    def _build(self, shape: tuple[int, ...], outputs: int) -> "keras.Model":
        import keras
        from keras import layers

        # Tiny images have as many stages as they can be halved.
        stages = self.widths[: max(0, int(math.log2(min(shape[:2]) / PATCH)))]
        if not stages:
            raise UsageError(
                f"Images of {shape[0]}×{shape[1]} pixels are too small for a convolutional "
                f"network; {2 * PATCH} pixels a side are needed.",
                "Leave it out: --models mlp,xgboost,hist-gbdt,logistic",
            )
        inputs = keras.Input(shape)
        x = layers.Rescaling(1 / 255)(inputs)
        x = layers.Conv2D(
            2 * PATCH * PATCH * shape[2], PATCH, use_bias=False, trainable=False, name="whitening"
        )(x)
        for width in stages:
            x = _activated(layers.MaxPooling2D()(_convolution(width)(x)))
            x = layers.Add()([x, _activated(_convolution(width)(x))])
        x = layers.Concatenate()(
            [layers.GlobalMaxPooling2D()(x), layers.GlobalAveragePooling2D()(x)]
        )
        x = layers.Dropout(self.dropout)(x)
        return keras.Model(inputs, layers.Dense(outputs, dtype="float32")(x))

    def _targets(
        self,
        images: Images,
        labels: Labels,
        weights: Weights | None,
        seed: int,
        number: int,
    ) -> tuple[npt.NDArray[np.float32], float]:
        targets, smoothing = super()._targets(images, labels, weights, seed, number)
        if number or not self.teaching:
            return targets, smoothing
        taught = soft_targets(images, labels, weights, classes=len(self.classes_), seed=seed)
        mixed = (1 - self.teaching) * targets + self.teaching * taught
        # The teacher's doubts take the place of smoothing.
        return np.asarray(mixed, np.float32), 0.0

    def _prepare(self, network: "keras.Model", inputs: Images) -> None:
        scaled = inputs.astype(np.float32) / np.float32(255)
        network.get_layer("whitening").set_weights([_whitening_filters(scaled)])

    def _optimizer(self, steps_per_epoch: int) -> "keras.optimizers.Optimizer":
        from hmnist.models.muon import ConvolutionMuon

        steps = self.epochs * steps_per_epoch
        return ConvolutionMuon(
            warm_cosine(self.learning_rate, steps),
            weight_decay=self.weight_decay,
            adam_weight_decay=self.weight_decay,
            **averaging(steps),
        )

    def _augment(
        self, inputs: Images, targets: npt.NDArray[Any], rng: np.random.Generator
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        moved = shift_randomly(orient_randomly(inputs, rng), self.shift, rng)
        return mixup(jitter_brightness(moved, rng), targets, self.mixing, rng)

    def _precision(self) -> str:
        return training_precision()

    def _views(self, inputs: Images) -> Iterator[Images]:
        return all_orientations(inputs)


def _convolution(width: int) -> "keras.layers.Layer":
    from keras import layers

    return layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal")


def _activated(x: Any) -> Any:
    from keras import layers

    return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))


def _whitening_filters(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the eigenvectors of the patches, scaled to unit variance, and their negatives.

    Shape (PATCH, PATCH, channels, 2 · PATCH² · channels).
    """
    channels = images.shape[3]
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    patches = windows[::2, ::2, ::2].transpose(0, 1, 2, 4, 5, 3).reshape(-1, PATCH**2 * channels)
    covariance = np.atleast_2d(np.cov(patches, rowvar=False))
    variances, vectors = np.linalg.eigh(covariance)
    # Far below the variance of brightness, far above that of rounding to 256 levels.
    filters = vectors / np.sqrt(variances + 5e-4)
    filters = np.concatenate([filters, -filters], axis=1)
    return filters.reshape(PATCH, PATCH, channels, -1).astype(np.float32)
