"""The transfer models: applications of Keras, pretrained or not, with a read-out of their own.

Pretrained weights come in when a network is fitted (`hmnist.models.transfer`) and are part of its
state from then on: a fitted model never asks for them again. A base that is frozen as a whole says
the same of an image in every epoch, so it is applied once, and what is trained is the read-out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from hmnist.errors import UsageError
from hmnist.models.base import Images, Labels, Shape, Validation, Weights
from hmnist.models.published import PublishedModel
from hmnist.models.training import load_keras, policy, seeded
from hmnist.models.transfer import check_weights, load_weights
from hmnist.systems import SYSTEMS

if TYPE_CHECKING:
    import keras

__all__ = ["VGG16", "InceptionResNet", "MobileNet", "PretrainedModel"]

_BASE = "base"

_FILE = "base.npz"


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

    Attributes
    ----------
    base_weights_ : list of numpy.ndarray
        Those of a base that is frozen as a whole; else they are among `weights_`.
    """

    application: ClassVar[str]
    """The function in `keras.applications`."""

    keeps_base: ClassVar[bool] = False
    """Whether a pretrained base is frozen as a whole."""

    _cached_base: Any = None  # what `_base_network` returns; pickles go without

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
        """Freeze what a pretrained base is to keep, if that is a part of it."""

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

        if min(self._size()) < self.system.smallest_side:
            raise UsageError(
                f"Images of {self.side}×{self.side} pixels are too small for {self.system.name}, "
                f"which needs {self.system.smallest_side}×{self.system.smallest_side} at least.",
                f"Choose a side of {self.system.smallest_side} or more.",
            )
        inputs = keras.Input(shape)
        x = inputs if self._frozen else self._apply_base(inputs, shape)
        return keras.Model(inputs, layers.Dense(outputs)(self._read_out(x)))

    def _apply_base(self, inputs: Any, shape: tuple[int, ...]) -> Any:
        """Return the output of the base for images of any size."""
        from keras import layers

        x = self._resize(inputs, shape)
        if shape[2] == 1:
            x = layers.Concatenate()([x, x, x])
        base = self._shorten(self._make_base(None))
        if self.weights != "none":
            self._freeze(base)
        return base(self._preprocess(x))

    def _prepare(self, network: "keras.Model", inputs: npt.NDArray[Any]) -> None:  # noqa: ARG002
        if self.weights != "none" and not self._frozen:
            network.get_layer(_BASE).set_weights(self._load_base())

    def _load_base(self) -> list[npt.NDArray[Any]]:
        whole = load_weights(self.system.name, self.weights, self._make_base)
        return list(self._shorten(whole).get_weights())

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

    # A base that is frozen as a whole.

    @property
    def _frozen(self) -> bool:
        """Whether the base is, so that what is trained reads its output instead of images."""
        return self.keeps_base and self.weights != "none"

    def _learn_inputs(self, images: Images, seed: int) -> npt.NDArray[Any]:
        if self._frozen:
            self._cached_base = None
            with seeded(seed), policy("float32"):
                self.base_weights_ = self._load_base()
        return self._inputs(images)

    def _inputs(self, images: Images) -> npt.NDArray[Any]:
        if not self._frozen:
            return images
        base = self._base_network(images.shape[1:])
        starts = range(0, max(1, len(images)), self.at_once)
        batches = (images[at : at + self.at_once].astype(np.float32) for at in starts)
        return np.concatenate([np.asarray(base(batch, training=False)) for batch in batches])

    def _base_network(self, shape: tuple[int, ...]) -> "keras.Model":
        """Return the network from images of that shape to the output of the frozen base."""
        if self._cached_base is None:
            keras = load_keras()
            with seeded(0), policy("float32"):
                inputs = keras.Input(shape)
                self._cached_base = keras.Model(inputs, self._apply_base(inputs, shape))
            self._cached_base.set_weights(self.base_weights_)
        return self._cached_base

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().items()
        return {name: value for name, value in state if name != "_cached_base"}

    @property
    def parameter_count(self) -> int:
        """The number of weights, trainable or not, those of the base included."""
        base = self.base_weights_ if self._frozen else []
        return super().parameter_count + sum(weight.size for weight in base)

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        if self._frozen:
            named = {f"{place:03d}": weight for place, weight in enumerate(self.base_weights_)}
            np.savez(folder / _FILE, allow_pickle=False, **named)
        return super()._save_fitted(folder)

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        if self._frozen:
            with (folder / _FILE).open("rb") as file:
                arrays = np.load(file, allow_pickle=False)
                self.base_weights_ = [arrays[name] for name in sorted(arrays.files)]
            self._cached_base = None
            self._base_network(tuple(facts["image_shape"]))
        super()._load_fitted(folder, facts)


class VGG16(PretrainedModel):
    """VGG16, Flatten, one dense layer, at 150×150; frozen if it is pretrained.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate, weights, side
        As in `PretrainedModel`.
    """

    system = SYSTEMS["vgg16"]
    application = "VGG16"
    keeps_base = True


class MobileNet(PretrainedModel):
    """MobileNet, global mean, dropout, one dense layer, at 128×128; all of it is trained.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate, weights, side
        As in `PretrainedModel`.
    """

    system = SYSTEMS["mobilenet"]
    application = "MobileNet"

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
