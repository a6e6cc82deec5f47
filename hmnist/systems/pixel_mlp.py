"""`pixel-mlp`: dense layers that read one pixel each, at 32×32, then all pixels together."""

from typing import Any

from hmnist.systems.layers import scale
from hmnist.systems.shared import FIVE_HUNDRED_EACH, REPEATABLE, RESIZED, STATED
from hmnist.systems.system import Claim, Hyperparameter, System, Training


def _hidden_layers(pixels: Any) -> Any:
    from keras import layers

    x = scale(pixels, SYSTEM.size)
    for units in (256, 128):
        x = layers.Dropout(0.3)(layers.Dense(units, activation="relu")(x))
    x = layers.Dense(64, activation="relu")(x)
    return layers.Dense(32, activation="relu")(layers.Flatten()(x))


SYSTEM = System(
    name="pixel-mlp",
    summary="published: dense layers on each pixel's colour",
    size=(32, 32),
    resizes=True,
    hidden_layers=_hidden_layers,
    training=Training(optimizer="Adam", learning_rate=1e-3, batch_size=32, epochs=50),
    protocol=FIVE_HUNDRED_EACH,
    claim=Claim(".7057"),
    layers=(
        Hyperparameter("pixel layers", "256, 128, 64 on the channels of each pixel", "stated"),
        Hyperparameter("pixel activation", "ReLU", "ours"),
        Hyperparameter("dropout", ".3 between the pixel layers", "stated"),
        Hyperparameter("dense layers", "32, 7 behind the Flatten", "stated"),
        Hyperparameter("dense activation", "ReLU, none", "in its code"),
    ),
    origins=STATED,
    notes=(
        (
            "Ours: ReLU in the dense layers of the pixels. Some trainings of this network stop "
            "learning in the first epochs, and then predict the same for every image."
        ),
        "Ours: dropout between the dense layers of the pixels, none behind the last of them.",
        RESIZED,
        *REPEATABLE,
    ),
    seconds_per_epoch=21,
    audited=True,
)
