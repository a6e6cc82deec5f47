"""`skin-pamper`: 2×2 convolutions up to 1024, seven dense layers; 4,341,319 parameters."""

from typing import Any

from hmnist.systems.layers import convolve, scale
from hmnist.systems.protocol import Protocol, RandomDivision, Resampling
from hmnist.systems.shared import REPEATABLE
from hmnist.systems.system import Claim, Hyperparameter, System, Training


def _hidden_layers(pixels: Any) -> Any:
    from keras import layers

    x = layers.BatchNormalization()(convolve(scale(pixels), 64, 2))
    for filters in (512, 1024):
        x = layers.Dropout(0.3)(layers.BatchNormalization()(convolve(x, filters, 2)))
    x = layers.Flatten()(x)
    for units in (256, 256, 512, 512, 1024):
        x = layers.Dense(units, activation="relu")(x)
    x = layers.Dropout(0.3)(layers.BatchNormalization()(x))
    return layers.Dense(64, activation="relu")(x)


SYSTEM = System(
    name="skin-pamper",
    summary="published: convolutions up to 1024, seven dense",
    size=(28, 28),
    smallest_side=15,
    hidden_layers=_hidden_layers,
    training=Training(
        optimizer="Adam", learning_rate=1e-3, batch_size=64, epochs=25, steps_per_epoch=110
    ),
    augmentation="of df and vasc",
    protocol=Protocol(
        description="not stated; here random 70/30 by image, the other part both validates and "
        "tests",
        division=RandomDivision(test=0.3),
        training=Resampling("augment"),
        notes=(
            "Ours: 70 % of the images train; 110 steps of 64 images are as many.",
            (
                "Ours: df and vasc are raised to the median diagnosis, in new orientations; the "
                "source says that they are augmented, but not how or to how many images."
            ),
        ),
    ),
    claim=Claim(note="curves only"),
    layers=(
        Hyperparameter(
            "convolutions",
            "64, 512, 1024 filters of 2×2, no padding, each before 2×2 pooling",
            "stated",
        ),
        Hyperparameter("dense layers", "256, 256, 512, 512, 1024, 64, 7", "ours"),
        Hyperparameter("activation", "ReLU", "ours"),
        Hyperparameter("batch normalisation", "behind the first two poolings", "stated"),
        Hyperparameter(
            "more batch normalisation", "behind the third pooling and the Dense 1024", "ours"
        ),
        Hyperparameter("dropout", "behind the second pooling and in the dense layers", "stated"),
        Hyperparameter("dropout rate", ".3, behind all batch normalisation but the first", "ours"),
        Hyperparameter("how df and vasc are augmented", "--oversample augment", "ours"),
    ),
    origins=dict.fromkeys(
        ("size", "optimizer", "epochs", "steps of an epoch", "augmentation"), "stated"
    ),
    notes=(
        (
            "Ours: the dense layers 256, 256, 512, 512, 1024, 64, 7; no other powers of two give "
            "the three published counts of parameters."
        ),
        (
            "Ours: the source has batch normalisation over 2048 features behind the second "
            "pooling; here 1024 are behind the third pooling and 1024 behind the Dense 1024."
        ),
        "Ours: dropout of .3 behind every batch normalisation but the first.",
        "Ours: ReLU everywhere; learning rate 1e-3; pixels are divided by 255.",
        "Ours: batches of 64, since 110 of them are 70 % of the pixel file.",
        (
            "Ours: the recall that the source watched over the epochs is taken as Keras' own over "
            "all diagnoses, val_recall in the history of a run."
        ),
        *REPEATABLE,
    ),
    seconds_per_epoch=18,
    audited=True,
)
