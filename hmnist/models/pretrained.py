"""The transfer models: applications of Keras, pretrained or not, with a read-out of their own.

Pretrained weights come in when a network is fitted (`hmnist.models.transfer`) and are part of its
state from then on: a fitted model never asks for them again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt

from hmnist.errors import UsageError
from hmnist.models.base import Images, Labels, Shape, Validation, Weights
from hmnist.models.published import PublishedModel
from hmnist.models.systems import SYSTEMS
from hmnist.models.transfer import check_weights, load_weights

if TYPE_CHECKING:
    import keras

__all__ = ["VGG16", "InceptionResNet", "MobileNet", "PretrainedModel"]

_BASE = "base"


class PretrainedModel(PublishedModel):
    """The base of the transfer models.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate
        As in `PublishedModel`.
    weights : str
        What the base starts from: ``none``, ``imagenet`` (downloaded by Keras), or the path of a
        file with the weights of the same application without its classifier. Without any, nothing
        is frozen.
    side : int or None
        The side in pixels to which images are brought, None for the system's own: smaller is
        quicker, and another system.
    """

    application: ClassVar[str]
    """The function in `keras.applications`."""

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        weights: str = "none",
        side: int | None = None,
    ) -> None:
        super().__init__(
            classes,
            image_shape,
            random_state,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
        )
        self.weights = weights
        self.side = side

    # What subclasses fill in.

    def _cut(self, base: "keras.Model") -> Any:
        """Return what of the application's output or layers is read out."""
        return base.output

    def _freeze(self, base: "keras.Model") -> None:
        """Keep what a pretrained base is to keep."""

    def _read_out(self, x: Any) -> Any:
        """Return what the last dense layer reads, from the output of the base."""
        from keras import layers

        return layers.Flatten()(x)

    # What they share.

    def _fit(
        self,
        images: Images,
        labels: Labels,
        weights: Weights | None,
        validation: Validation | None,
    ) -> None:
        check_weights(self.weights)
        super()._fit(images, labels, weights, validation)

    def _build(self, shape: tuple[int, ...], outputs: int) -> "keras.Model":
        import keras
        from keras import layers

        if min(self._size()) < self.least:
            raise UsageError(
                f"Images of {self.side}×{self.side} pixels are too small for {self.system.name}, "
                f"which needs {self.least}×{self.least} at least.",
                f"Choose a side of {self.least} or more.",
            )
        inputs = keras.Input(shape)
        x = self._resize(inputs, shape)
        if shape[2] == 1:
            x = layers.Concatenate()([x, x, x])
        base = self._shorten(self._make_base(None))
        if self.weights != "none":
            self._freeze(base)
        x = base(self._preprocess(x))
        return self._finish(inputs, layers.Dense(outputs)(self._read_out(x)))

    def _prepare(self, network: "keras.Model", inputs: npt.NDArray[Any]) -> None:  # noqa: ARG002
        if self.weights != "none":
            whole = load_weights(self.system.name, self.weights, self._make_base)
            network.get_layer(_BASE).set_weights(self._shorten(whole).get_weights())

    def _size(self) -> tuple[int, int]:
        return self.system.size if self.side is None else (self.side, self.side)

    def _make_base(self, weights: str | None) -> "keras.Model":
        """Return the application without its classifier, for colour images."""
        import keras

        # Weights of convolutions fit any size; Keras offers them by the application's own.
        size = self._size() if weights is None else self.system.size
        make = getattr(keras.applications, self.application)
        return make(include_top=False, weights=weights, input_shape=(*size, 3))

    def _shorten(self, base: "keras.Model") -> "keras.Model":
        import keras

        return keras.Model(base.input, self._cut(base), name=_BASE)

    def _preprocess(self, x: Any) -> Any:
        import keras

        module = getattr(keras.applications, self.system.scaling.rpartition(".")[2])
        return module.preprocess_input(x)


class VGG16(PretrainedModel):
    """VGG16, Flatten, one dense layer, at 150×150; frozen if it is pretrained.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate, weights, side
        As in `PretrainedModel`.
    """

    system = SYSTEMS["vgg16"]
    application = "VGG16"
    least = 32

    def _freeze(self, base: "keras.Model") -> None:
        base.trainable = False


class MobileNet(PretrainedModel):
    """MobileNet, global mean, dropout, one dense layer, at 128×128; all of it is trained.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate, weights, side
        As in `PretrainedModel`.
    """

    system = SYSTEMS["mobilenet"]
    application = "MobileNet"
    least = 32

    def _read_out(self, x: Any) -> Any:
        from keras import layers

        return layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(x))


class InceptionResNet(PretrainedModel):
    """InceptionResNetV2 without its last 28 layers, dropout, Flatten, one dense layer, at 299×299.

    If it is pretrained, the last 50 layers are trained, read-out included.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate, weights, side
        As in `PretrainedModel`.
    """

    system = SYSTEMS["inception-resnet"]
    application = "InceptionResNetV2"
    least = 75

    def _cut(self, base: "keras.Model") -> Any:
        # Two of the 28 are the mean and the classifier, which are not there to begin with.
        return base.layers[-26].output

    def _freeze(self, base: "keras.Model") -> None:
        # Three of the 50 are dropout, Flatten and the dense layer.
        for layer in base.layers[:-47]:
            layer.trainable = False

    def _read_out(self, x: Any) -> Any:
        from keras import layers

        return layers.Flatten()(layers.Dropout(0.25)(x))
