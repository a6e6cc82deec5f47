"""`CNN`: a residual convolutional network with whitened patches, orientations and distillation.

A frozen first convolution whitens 2×2 patches of the training images (as airbench does for
CIFAR-10, Jordan 2024). Residual stages follow, and the last layer reads their global maximum and
mean. Images of twice the size have one stage more, in front, so that the last stage sees a lesion
at the same size as in images of 28×28. Training sees the images in random orientations, shifted by
whole pixels and in another light. A part of each target comes from a linear model of the lesion's
features that has not seen the image (`hmnist.models.distillation`). Prediction averages the eight
orientations.

These choices were made on three of five folds of HAM10000, with two seeds, and are shown on other
folds. What helped: Muon for the kernels and a smaller rate for all other weights, distillation (a
seventh of the targets, beside perceptrons: more costs accuracy, none costs log loss), and wide
stages. What made no difference beyond the noise: mixup, more than 32 epochs, more weight decay or
dropout, dropped branches, erased squares, random colours, any angle of rotation, a second
convolution in each branch, oversampling, training on pairs of images of one lesion before
(contrastive learning), distillation from networks of its own kind, from models that know the
patient or from a model of larger images. One loss for convolutions and perceptrons together is
worse than two networks whose logits are averaged.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from hmnist.arrays import USUAL_SIDE, Float32, count_doublings
from hmnist.augmentation import all_orientations, view_anew
from hmnist.errors import UsageError
from hmnist.models.network import Network, TrainingPlan, read_patients
from hmnist.models.network_model import NetworkModel
from hmnist.models.optimizers import make_muon
from hmnist.models.parameters import Amount, Count, DroppedShare, Rate, Share, Shift, StageWidths
from hmnist.models.precision import policy_of
from hmnist.models.search_space import Interval, SearchSpace

if TYPE_CHECKING:
    import keras

PATCH = 2
"""The side of the patches that the frozen first convolution whitens."""

WHITENED = 10_000 * USUAL_SIDE**2
"""Pixels of the images of which these patches are taken at most: 10,000 images of 28×28."""


@dataclass(eq=False, repr=False, kw_only=True)
class CNN(NetworkModel):
    """A residual convolutional network for small images.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    epochs, batch_size, networks, label_smoothing, mixup, distillation, logit_adjustment
        As in `TrainingPlan`.
    learning_rate : float
        The largest learning rate, after a linear warm-up; a half cosine to zero follows.
    weight_decay : float
        The decoupled decay of all weights.
    widths : sequence of int
        Channels of the stages; each halves the image. Images below 16 pixels have fewer stages;
        those from 56 pixels on have more, which are as wide as the first.
    dropout : float
        The share of the last layer's inputs that is dropped in training.
    shift : int
        Training images are shifted by up to this many pixels of 28 in each direction; larger images
        by more, smaller ones by fewer.
    precision : str
        ``"float32"`` or ``"bfloat16"``, in training; see `hmnist.models.precision`.
    """

    takes_patients: ClassVar[bool] = True

    # Label smoothing would change the loss by which searches stop trials early.
    search_space: ClassVar[SearchSpace] = {
        "learning_rate": Interval(5e-3, 0.08, log=True),
        "weight_decay": Interval(5e-3, 0.3, log=True),
        "dropout": Interval(0.0, 0.6),
        "distillation": Interval(0.0, 0.7),
        "mixup": Interval(0.0, 0.4),
        "shift": Interval(0, 4),
    }

    epochs: Count = 24
    batch_size: Count = 128
    learning_rate: Rate = 0.02
    weight_decay: Amount = 0.05
    label_smoothing: Share = 0.1
    mixup: Amount = 0.0
    distillation: Share = 0.0
    networks: Count = 1
    logit_adjustment: Amount = 0.0
    widths: StageWidths = (48, 96, 160)
    dropout: DroppedShare = 0.3
    shift: Shift = 2
    precision: str = "float32"

    def make_network(self) -> Network:
        """Return the network that the parameters describe."""
        return Network(
            build=partial(build_cnn, widths=self.widths, dropout=self.dropout),
            training=TrainingPlan(
                epochs=self.epochs,
                batch_size=self.batch_size,
                optimizer=partial(make_muon, self.learning_rate, self.weight_decay),
                networks=self.networks,
                label_smoothing=self.label_smoothing,
                mixup=self.mixup,
                distillation=self.distillation,
                logit_adjustment=self.logit_adjustment,
                policy=policy_of(self.precision),
            ),
            prepare=_set_whitening,
            augment=partial(view_anew, shift=self.shift),
            views=all_orientations,
        )


def build_cnn(
    shape: tuple[int, ...],
    classes: int,
    patients: int = 0,
    *,
    widths: Sequence[int],
    dropout: float,
) -> "keras.Model":
    """Return the untrained network from pixels 0–255 to logits.

    If there are columns of patient data, they are a second input, which the last layer reads
    through a small dense one.

    It raises a UsageError if the images are too small for a single stage.
    """
    import keras
    from keras import layers

    widths = [*tuple(widths[:1]) * count_doublings(*shape[:2]), *widths]
    # Tiny images have as many stages as they can be halved.
    stages = widths[: max(0, int(math.log2(min(shape[:2]) / PATCH)))]
    if not stages:
        raise UsageError(
            f"Images of {shape[0]}×{shape[1]} pixels are too small for a convolutional "
            f"network; {2 * PATCH} pixels a side are needed.",
            "Leave it out: --models mlp,xgboost,hist-gbdt,logistic --features pixels",
        )
    convolution = partial(
        layers.Conv2D, kernel_size=3, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    inputs = [keras.Input(shape)]
    x = layers.Rescaling(1 / 255)(inputs[0])
    x = layers.Conv2D(
        2 * PATCH * PATCH * shape[2], PATCH, use_bias=False, trainable=False, name="whitening"
    )(x)
    for width in stages:
        x = _activate(layers.MaxPooling2D()(convolution(width)(x)))
        x = layers.Add()([x, _activate(convolution(width)(x))])
    pooled = [layers.GlobalMaxPooling2D()(x), layers.GlobalAveragePooling2D()(x)]
    x = layers.Concatenate()([*pooled, *read_patients(inputs, patients)])
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs if patients else inputs[0], layers.Dense(classes, dtype="float32")(x))


def _activate(x: Any) -> Any:
    from keras import layers

    return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))


def _set_whitening(graph: "keras.Model", images: npt.NDArray[Any]) -> None:
    """Set the filters of the frozen convolution to those of the training images."""
    most = max(1, WHITENED // math.prod(images.shape[1:3]))
    some = images[:: -(-len(images) // most)]
    scaled = some.astype(np.float32) / np.float32(255)
    graph.get_layer("whitening").set_weights([whitening_filters(scaled)])


def whitening_filters(images: Float32) -> Float32:
    """Return the eigenvectors of the patches, scaled to unit variance, and their negatives.

    Images are pixels 0–1, shape (n, h, w, c); filters are float32, shape (2, 2, c, 8 · c).
    """
    channels = images.shape[3]
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    patches = windows[::2, ::2, ::2].transpose(0, 1, 2, 4, 5, 3).reshape(-1, PATCH**2 * channels)
    covariance = np.atleast_2d(np.cov(patches, rowvar=False))
    variances, vectors = np.linalg.eigh(covariance)
    # 5e-4 is far below the variance of brightness, and far above that of rounding to 256 levels.
    filters = vectors / np.sqrt(variances + 5e-4)
    filters = np.concatenate([filters, -filters], axis=1)
    return filters.reshape(PATCH, PATCH, channels, -1).astype(np.float32)
