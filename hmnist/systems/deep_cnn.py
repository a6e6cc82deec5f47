"""`deep-cnn`: three wide convolutions and three dense layers; 672,007 parameters for RGB images."""

from collections.abc import Callable
from typing import Any

from hmnist.systems.layers import convolve, scale
from hmnist.systems.protocol import Protocol, StratifiedDivision
from hmnist.systems.shared import REPEATABLE, RESIZED
from hmnist.systems.system import Claim, Hyperparameter, System, Training


def hidden_layers(pixels: Any, normalise: Callable[[Any], Any] = lambda x: x) -> Any:
    """Return what the last layer reads; `normalise` is applied before every dropout."""
    from keras import layers

    x = scale(pixels, SYSTEM.size)
    for filters in (256, 128, 64):
        x = layers.Dropout(0.25)(normalise(convolve(x, filters, 3)))
    x = layers.Flatten()(x)
    for units in (64, 128):
        x = layers.Dropout(0.25)(normalise(layers.Dense(units, activation="relu")(x)))
    return x


SYSTEM = System(
    name="deep-cnn",
    summary="published: three wide convolutions at 75×100",
    size=(75, 100),
    resizes=True,
    hidden_layers=hidden_layers,
    training=Training(optimizer="Adam", learning_rate=1e-3, batch_size=64, epochs=20),
    protocol=Protocol(
        description="not stated; here random 90/10 by image, stratified by diagnosis, and the test "
        "part also validates",
        division=StratifiedDivision(test=0.1, random_state=100),
        notes=("Ours: the source does not state its split; this is the split of lenet.",),
    ),
    claim=Claim(note="confusion matrix and curves only"),
    layers=(
        Hyperparameter(
            "convolutions",
            "256, 128, 64 filters of 3×3, no padding, ReLU, each before 2×2 pooling",
            "stated",
        ),
        Hyperparameter("dense layers", "64, 128, 7 behind a Flatten", "stated"),
        Hyperparameter("dense activation", "ReLU, ReLU, none", "ours"),
        Hyperparameter("dropout", "behind each pooling and hidden dense layer", "stated"),
        Hyperparameter("dropout rate", ".25", "ours"),
    ),
    origins={"size": "stated"},
    notes=(
        (
            "Ours: the source does not state its training; here Adam, learning rate 1e-3, batch "
            "64, 20 epochs."
        ),
        "Ours: a dropout rate of .25 everywhere; the source states where dropout is, not its rate.",
        "Ours: ReLU in the hidden dense layers.",
        "Ours: pixels are divided by 255.",
        RESIZED,
        *REPEATABLE,
    ),
    seconds_per_epoch=120,
)
