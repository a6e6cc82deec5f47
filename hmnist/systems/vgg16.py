"""`vgg16`: VGG16 and one dense layer, at 150×150; VGG16 is frozen if it is pretrained."""

from typing import Any

from hmnist.systems.shared import FIVE_HUNDRED_EACH, FROM_SCRATCH, REPEATABLE, RESIZED
from hmnist.systems.system import Backbone, Claim, Hyperparameter, System, Training


def _hidden_layers(features: Any) -> Any:
    from keras import layers

    return layers.Flatten()(features)


SYSTEM = System(
    name="vgg16",
    summary="published: VGG16 and a dense layer, at 150×150",
    size=(150, 150),
    resizes=True,
    smallest_side=32,
    hidden_layers=_hidden_layers,
    backbone=Backbone(application="VGG16", frozen=True),
    training=Training(optimizer="Adam", learning_rate=1e-3, batch_size=32, epochs=50),
    protocol=FIVE_HUNDRED_EACH,
    claim=Claim(".7229"),
    layers=(
        Hyperparameter("backbone", "VGG16, ImageNet weights, frozen", "stated"),
        Hyperparameter("dense layers", "7 behind a Flatten", "stated"),
    ),
    origins=dict.fromkeys(("size", "scaling", "epochs", "protocol"), "stated"),
    notes=(
        "Ours: Adam, learning rate 1e-3, batch 32, as in small-cnn and pixel-mlp.",
        (
            "Different from the source: the output of the frozen VGG16 is computed once, not in "
            "every epoch."
        ),
        FROM_SCRATCH,
        RESIZED,
        *REPEATABLE,
    ),
    seconds_per_epoch=700,
)
