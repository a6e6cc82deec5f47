"""`small-cnn`: three wide convolutions at 32×32 and a linear dense layer."""

from typing import Any

from hmnist.systems.layers import convolve, scale
from hmnist.systems.shared import FIVE_HUNDRED_EACH, REPEATABLE, RESIZED, STATED
from hmnist.systems.system import Claim, Hyperparameter, System, Training


def _hidden_layers(pixels: Any) -> Any:
    from keras import layers

    x = scale(pixels, SYSTEM.size)
    for filters in (256, 128, 64):
        x = layers.Dropout(0.3)(convolve(x, filters, 3))
    return layers.Dense(32)(layers.Flatten()(x))


SYSTEM = System(
    name="small-cnn",
    summary="published: three wide convolutions at 32×32",
    size=(32, 32),
    resizes=True,
    hidden_layers=_hidden_layers,
    training=Training(optimizer="Adam", learning_rate=1e-3, batch_size=32, epochs=50),
    protocol=FIVE_HUNDRED_EACH,
    claim=Claim(".7520"),
    layers=(
        Hyperparameter(
            "convolutions",
            "256, 128, 64 filters of 3×3, no padding, ReLU, each before 2×2 pooling",
            "stated",
        ),
        Hyperparameter("dense layers", "32 linear, 7", "stated"),
        Hyperparameter("dropout", ".3 behind each pooling", "stated"),
    ),
    origins=STATED,
    notes=(RESIZED, *REPEATABLE),
    seconds_per_epoch=15,
    audited=True,
)
