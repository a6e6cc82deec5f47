"""`NormalisedConvolution`: a convolution and the batch normalisation behind it, in one layer.

Keras is imported at the top, so this module is imported after `load_keras`.
"""

from typing import Any

import keras
from keras import ops


class NormalisedConvolution(keras.layers.Layer):
    """A convolution whose batch normalisation keeps the statistics that it was trained with.

    To normalise the output with a fixed mean and variance is to multiply each channel by a number
    and to add another. Here the kernel is multiplied, which has far fewer numbers than the output:
    a training step takes half the time on a processor. The kernel itself stays as it was trained,
    since AdamW changes all weights at the same rate, and the multiplied ones would differ in size a
    hundred times.

    Parameters
    ----------
    channels : int
        Channels of the output; of the input, too, if it is depthwise.
    side : int
        Height and width of the kernel.
    strides : int
        Steps between the positions of the kernel; the edges are padded with zeros.
    depthwise : bool
        Whether each channel is filtered by itself.
    """

    def __init__(
        self, channels: int, side: int = 1, strides: int = 1, *, depthwise: bool = False
    ) -> None:
        super().__init__()
        self.channels, self.side, self.strides = channels, side, strides
        self.depthwise = depthwise

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make kernel, bias and scale; the scale is not trained."""
        size = (self.side, self.side, shape[-1], 1 if self.depthwise else self.channels)
        self.kernel = self.add_weight(shape=size, name="kernel")
        self.bias = self.add_weight(shape=(self.channels,), initializer="zeros", name="bias")
        self.scale = self.add_weight(
            shape=(self.channels,), initializer="ones", trainable=False, name="scale"
        )

    def call(self, inputs: Any) -> Any:
        """Return the normalised convolution of images, shape (n, h, w, channels)."""
        if self.depthwise:
            kernel = self.kernel * self.scale[:, None]
            return ops.depthwise_conv(inputs, kernel, self.strides, "same") + self.bias
        return ops.conv(inputs, self.kernel * self.scale, self.strides, "same") + self.bias
