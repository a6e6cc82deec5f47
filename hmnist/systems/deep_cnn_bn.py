"""`deep-cnn-bn`: `deep-cnn` with batch normalisation behind each pooling and hidden dense layer."""

from dataclasses import replace
from typing import Any

from hmnist.systems import deep_cnn
from hmnist.systems.system import Claim, Hyperparameter


def _hidden_layers(pixels: Any) -> Any:
    return deep_cnn.hidden_layers(pixels, _normalise)


def _normalise(x: Any) -> Any:
    from keras import layers

    return layers.BatchNormalization()(x)


SYSTEM = replace(
    deep_cnn.SYSTEM,
    name="deep-cnn-bn",
    summary="published: the same with batch normalisation",
    hidden_layers=_hidden_layers,
    claim=Claim(note="a higher validation accuracy than deep-cnn", better_than="deep-cnn"),
    layers=(
        *deep_cnn.SYSTEM.layers,
        Hyperparameter("batch normalisation", "behind poolings and hidden dense layers", "stated"),
        Hyperparameter("normalisation's place", "before the dropout", "ours"),
    ),
    notes=(
        (
            "Ours: batch normalisation comes directly after each pooling and each hidden dense "
            "layer, before the dropout, with Keras' defaults; the last layer has none."
        ),
        *deep_cnn.SYSTEM.notes,
    ),
    seconds_per_epoch=130,
)
