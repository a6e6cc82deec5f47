"""`mobilenet`: MobileNet, global mean, dropout and one dense layer, at 128×128; all is trained."""

from typing import Any

from hmnist.systems.protocol import Protocol, RandomDivision, Resampling
from hmnist.systems.shared import REPEATABLE, RESIZED
from hmnist.systems.system import Backbone, Claim, Hyperparameter, System, Training


def _hidden_layers(features: Any) -> Any:
    from keras import layers

    return layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(features))


SYSTEM = System(
    name="mobilenet",
    summary="announced: MobileNet at 128×128",
    size=(128, 128),
    resizes=True,
    smallest_side=32,
    hidden_layers=_hidden_layers,
    backbone=Backbone(application="MobileNet", module="mobilenet"),
    training=Training(optimizer="Adam", learning_rate=1e-4, batch_size=32, epochs=20),
    augmentation="of df and vasc: part of its protocol, not of the model",
    protocol=Protocol(
        description="announced, not done; here random 80/10/10 by image, validation and test apart",
        division=RandomDivision(test=0.1, validation=0.1),
        training=Resampling("augment"),
        notes=(
            (
                "Ours: shares and augmentation (df and vasc to the median diagnosis, in new "
                "orientations); the announcement says only that validation and test are to differ, "
                "and that images are to be augmented."
            ),
        ),
    ),
    claim=Claim(note="announced only"),
    layers=(
        Hyperparameter("backbone", "MobileNet, ImageNet weights", "stated"),
        Hyperparameter("trained", "all layers", "ours"),
        Hyperparameter("dense layers", "7 behind the global mean", "ours"),
        Hyperparameter("dropout", ".25 before the dense layer", "ours"),
    ),
    origins={},
    notes=(
        (
            "Ours: everything but the name MobileNet, which the authors of lenet announced as "
            "their next step: global mean, dropout of .25, Dense 7; 128×128 pixels; all layers "
            "trained, pretrained or not; Adam, learning rate 1e-4, batch 32, 20 epochs."
        ),
        RESIZED,
        *REPEATABLE,
    ),
    seconds_per_epoch=55,
)
