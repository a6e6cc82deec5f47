"""Layers that the published networks share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from hmnist.arrays import Shape


def make_network(shape: "Shape", classes: int, hidden: Callable[[Any], Any]) -> "keras.Model":
    """Return an untrained network from inputs of a shape to logits.

    Parameters
    ----------
    shape : tuple of int
        Height, width and channels of the input.
    classes : int
        How many logits there are.
    hidden : callable
        Takes the input and returns what the last dense layer reads.

    Returns
    -------
    keras.Model
    """
    import keras
    from keras import layers

    inputs = keras.Input(shape)
    # Initialisers draw their seeds when a layer is made: the last layer is made before the others.
    logits = layers.Dense(classes)
    return keras.Model(inputs, logits(hidden(inputs)))


def scale(pixels: Any, size: tuple[int, int] | None = None) -> Any:
    """Divide pixels by 255; first resize images of another size bilinearly, if a size is given."""
    from keras import layers

    if size is not None and pixels.shape[1:3] != size:
        pixels = layers.Resizing(*size, interpolation="bilinear")(pixels)
    return layers.Rescaling(1 / 255)(pixels)


def convolve(x: Any, filters: int, side: int) -> Any:
    """Convolve without padding, apply a ReLU and keep the maximum of each 2×2."""
    from keras import layers

    return layers.MaxPooling2D()(layers.Conv2D(filters, side, activation="relu")(x))
