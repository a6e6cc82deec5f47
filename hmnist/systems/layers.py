"""Layers that the published networks share."""

from typing import Any


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
