"""The published networks that are trained from scratch; what they are trained with is in `SYSTEMS`.

A network made for another size enlarges (or shrinks) its images itself, bilinearly: 28×28 pixels
are given as they are, and images of its native size are left alone.
"""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from hmnist.diagnoses import CODES
from hmnist.models.base import Images, Labels, Shape, Validation, Weights
from hmnist.models.network import NetworkModel
from hmnist.systems import SYSTEMS
from hmnist.systems.system import System

if TYPE_CHECKING:
    import keras

__all__ = ["DeepCNN", "DeepCNNBN", "LeNet", "PixelMLP", "PublishedModel", "SkinPamper", "SmallCNN"]


class PublishedModel(NetworkModel):
    """The base of the published systems: the recipe of `system`, and a network that is built.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    epochs : int or None
        How often the training images are seen; None is the system's own number.
    batch_size : int or None
        Images per step; None is the system's own number.
    learning_rate : float or None
        None is the system's own.

    Attributes
    ----------
    system : System
        What is known of the system: size, recipe, notes.
    weights_, history_
        As in `NetworkModel`.
    """

    system: ClassVar[System]
    at_once: ClassVar[int] = 64  # wide networks on large images take gigabytes for more

    # Numbers, or None for the system's own; the base knows numbers alone.
    epochs: Any
    batch_size: Any
    learning_rate: Any

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
    ) -> None:
        super().__init__(classes, image_shape, random_state, weight_decay=0.0, label_smoothing=0.0)
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate

    def check_size(self, height: int, width: int) -> None:
        """Refuse images that are too small for the network, before it is built.

        Raises
        ------
        UsageError
            If they are, and the network does not enlarge them.
        """
        self.system.check_size(height, width)

    # What they share.

    def _fit(
        self,
        images: Images,
        labels: Labels,
        weights: Weights | None,
        validation: Validation | None,
    ) -> None:
        super()._fit(images, labels, self._weigh(labels, weights), validation)

    def _settled(self) -> Self:
        """Return a copy with the system's own numbers where none were given."""
        settled = copy.copy(self)
        settled.on_step = self.on_step  # which copies go without
        for name in ("epochs", "batch_size", "learning_rate"):
            if getattr(self, name) is None:
                setattr(settled, name, getattr(self.system.training, name))
        return settled

    def _weigh(self, labels: Labels, weights: Weights | None) -> Weights | None:
        """Multiply the weights of images by those of their diagnoses, if there are any."""
        shares = self.system.training.class_weights
        if not shares:
            return weights
        by_label = {CODES.index(code): share for code, share in shares.items()}
        by_class = np.array(
            [by_label.get(label, 1.0) for label in self.classes_.tolist()], dtype=np.float64
        )
        return by_class[labels] if weights is None else weights * by_class[labels]

    def _build(self, shape: tuple[int, ...], outputs: int) -> "keras.Model":
        self.check_size(*shape[:2])
        return self.system.build((shape[0], shape[1], shape[2]), outputs)

    def _resize(self, inputs: Any, shape: tuple[int, ...]) -> Any:
        """Return images of the size that the network is made for."""
        from keras import layers

        height, width = shape[:2]
        self.check_size(height, width)
        if self.system.resizes:
            if (height, width) == self._size():
                return inputs
            return layers.Resizing(*self._size(), interpolation="bilinear")(inputs)
        return inputs

    def _size(self) -> tuple[int, int]:
        """Return height and width to which images are brought."""
        return self.system.size

    def _optimizer(self, steps_per_epoch: int) -> "keras.optimizers.Optimizer":  # noqa: ARG002
        import keras

        return getattr(keras.optimizers, self.system.training.optimizer)(self.learning_rate)

    def _callbacks(self) -> "list[keras.callbacks.Callback]":
        from hmnist.models.plateau import FallingRate

        plateau = self.system.training.plateau
        return [] if plateau is None else [FallingRate(plateau)]


class LeNet(PublishedModel):
    """Three convolutions with pooling, a sigmoid dense layer; 162,887 parameters at 28×28×3.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate
        As in `PublishedModel`.
    """

    system = SYSTEMS["lenet"]


class DeepCNN(PublishedModel):
    """Three wide convolutions at 75×100, three dense layers; 672,007 parameters for colour images.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate
        As in `PublishedModel`.
    """

    system = SYSTEMS["deep-cnn"]


class DeepCNNBN(DeepCNN):
    """`DeepCNN` with batch normalisation behind each pooling and each hidden dense layer.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate
        As in `PublishedModel`.
    """

    system = SYSTEMS["deep-cnn-bn"]


class SmallCNN(PublishedModel):
    """Three wide convolutions at 32×32, a linear dense layer.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate
        As in `PublishedModel`.
    """

    system = SYSTEMS["small-cnn"]


class PixelMLP(PublishedModel):
    """Dense layers that read the colour of one pixel, at 32×32; then all pixels together.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate
        As in `PublishedModel`.
    """

    system = SYSTEMS["pixel-mlp"]


class SkinPamper(PublishedModel):
    """Three 2×2 convolutions up to 1024, seven dense layers; 4,341,319 parameters at 28×28×3.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate
        As in `PublishedModel`.
    """

    system = SYSTEMS["skin-pamper"]
