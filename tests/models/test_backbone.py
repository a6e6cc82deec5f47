"""Backbones: where they are cut, what is frozen, and how pixels are preprocessed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hmnist.hardware import configure_tensorflow
from hmnist.models.backbone import BackboneBuilder, BackboneOutputs
from hmnist.models.keras_setup import load_keras
from hmnist.models.published import PublishedNetwork
from hmnist.systems import SYSTEMS

IMAGES = np.random.default_rng(4).integers(0, 256, (14, 28, 28, 3), dtype=np.uint8)

TRANSFER = [name for name, system in SYSTEMS.items() if system.backbone is not None]


def build(system: str, *shape: int, pretrained: str = "none") -> Any:
    load_keras()
    configure_tensorflow()  # as a training does: later tests cannot change the threads any more
    return PublishedNetwork(system=system, pretrained=pretrained).make_network().build(shape, 7)


def count(network: Any) -> tuple[int, int]:
    """Return the numbers of trainable and of other weights."""
    trainable = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return trainable, sum(weight.size for weight in network.get_weights()) - trainable


def test_vgg16_has_its_layers() -> None:
    network = build("vgg16", 150, 150, 3)
    backbone = network.get_layer("backbone")
    assert backbone.output.shape == (None, 4, 4, 512)
    assert len(backbone.get_weights()) == 2 * 13
    assert count(network) == (4 * 4 * 512 * 7 + 7 + 14_714_688, 0)
    # The trained part if the backbone is frozen.
    head = build("vgg16", 4, 4, 512, pretrained="imagenet")
    assert count(head) == (4 * 4 * 512 * 7 + 7, 0)


def test_mobilenet_has_its_layers() -> None:
    network = build("mobilenet", 28, 28, 1, pretrained="imagenet")
    assert network.get_layer("backbone").output.shape == (None, 4, 4, 1024)
    moments = 21_888  # two for each feature of its batch normalisations
    assert count(network) == (3_228_864 - moments + 1024 * 7 + 7, moments)


def test_inception_resnet_is_cut_and_partly_frozen() -> None:
    network = build("inception-resnet", 28, 28, 3, pretrained="imagenet")
    backbone, head = network.layers[-2:]
    assert backbone is network.get_layer("backbone")
    assert backbone.output.shape == (None, 8, 8, 192)
    assert network.count_params() == 47_464_608 + 8 * 8 * 192 * 7 + 7
    kinds = [type(layer).__name__ for layer in head.layers]
    assert kinds == ["InputLayer", "Dropout", "Flatten", "Dense"]
    trained = [layer.trainable for layer in backbone.layers]
    assert trained == [False] * (len(trained) - 47) + [True] * 47
    assert head.layers[1].rate == 0.25


@pytest.mark.parametrize("name", TRANSFER)
def test_pixels_are_preprocessed_as_stated_or_as_keras_does(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = load_keras()

    def make_identity(*, input_shape: tuple[int, ...], **_: Any) -> Any:
        inputs = keras.Input(input_shape)
        return keras.Model(inputs, keras.layers.Identity()(inputs))

    system = SYSTEMS[name]
    assert system.backbone is not None
    uncut = replace(system.backbone, cut=0)
    monkeypatch.setattr(keras.applications, system.backbone.application, make_identity)
    builder = BackboneBuilder(system, uncut, (28, 28))
    reader = BackboneOutputs(builder, "imagenet")
    outputs = reader.fit_transform(IMAGES, seed=0)
    expected = IMAGES.astype(np.float32)
    if system.scaling == "1/255":  # as the source states
        expected /= 255
    else:
        module = getattr(keras.applications, system.scaling.removeprefix("keras.applications."))
        expected = module.preprocess_input(expected)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)
    traced = reader.trace(keras.ops.convert_to_tensor(IMAGES.astype(np.float32)))
    np.testing.assert_allclose(traced, expected, rtol=1e-5, atol=1e-5)
