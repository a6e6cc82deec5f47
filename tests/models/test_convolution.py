"""A convolution that is normalised already gives what two layers of Keras give."""

from typing import Any

import numpy as np
import pytest

from hmnist.models.keras_setup import load_keras


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(("side", "strides"), [(1, 1), (3, 2), (5, 1)])
def test_it_is_a_convolution_and_a_normalisation(depthwise: bool, side: int, strides: int) -> None:
    keras = load_keras()
    from hmnist.models.convolution import NormalisedConvolution

    rng = np.random.default_rng(side)
    images = rng.normal(size=(2, 7, 6, 4)).astype(np.float32)
    given: dict[str, Any] = {"strides": strides, "padding": "same", "use_bias": False}
    if depthwise:
        plain, channels = keras.layers.DepthwiseConv2D(side, **given), 4
    else:
        plain, channels = keras.layers.Conv2D(5, side, **given), 5
    normalisation = keras.layers.BatchNormalization(epsilon=1e-3)
    two = keras.Sequential([keras.Input((7, 6, 4)), plain, normalisation])
    gamma, beta, mean = rng.normal(size=(3, channels)).astype(np.float32)
    variance = rng.uniform(0.5, 2, channels).astype(np.float32)
    normalisation.set_weights([gamma, beta, mean, variance])
    scale = gamma / np.sqrt(variance + 1e-3)

    one = NormalisedConvolution(channels, side, strides, depthwise=depthwise)
    one.build(images.shape)
    one.set_weights([*plain.get_weights(), beta - mean * scale, scale])
    expected = np.asarray(two(images, training=False))
    np.testing.assert_allclose(np.asarray(one(images)), expected, atol=1e-5)
    assert [weight.name for weight in one.trainable_weights] == ["kernel", "bias"]
