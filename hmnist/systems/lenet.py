"""`lenet`: three convolutions and a sigmoid layer; 162,887 parameters at 28×28×3."""

from typing import Any

from hmnist.systems.layers import convolve, scale
from hmnist.systems.protocol import Protocol, StratifiedDivision
from hmnist.systems.shared import REPEATABLE
from hmnist.systems.system import Claim, Hyperparameter, System, Training


def _hidden_layers(pixels: Any) -> Any:
    from keras import layers

    x = scale(pixels[..., ::-1])  # from RGB to BGR
    for filters in (32, 64, 128):
        x = convolve(x, filters, 3)
    return layers.Dense(512, activation="sigmoid")(layers.Flatten()(x))


SYSTEM = System(
    name="lenet",
    summary="published: three convolutions, dense 512",
    size=(28, 28),
    smallest_side=22,
    hidden_layers=_hidden_layers,
    training=Training(optimizer="RMSprop", learning_rate=1e-3, batch_size=128, epochs=20),
    protocol=Protocol(
        description="random 90/10 by image, stratified by diagnosis; the test part also validates",
        division=StratifiedDivision(test=0.1, random_state=100),
        notes=(
            (
                "Ours: images are in the order of their ids when they are divided; that of the "
                "source is unknown, so the same random state does not draw the same images."
            ),
        ),
    ),
    claim=Claim(".7445", "the best of 20 epochs, chosen on the test part", best_epoch=True),
    layers=(
        Hyperparameter(
            "convolutions",
            "32, 64, 128 filters of 3×3, no padding, ReLU, each before 2×2 pooling",
            "stated",
        ),
        Hyperparameter("dense layers", "512 sigmoid, 7", "stated"),
        Hyperparameter("channels", "blue, green, red", "in its code"),
        Hyperparameter(
            "resizing of photographs",
            "training images linearly, test images by area (hmnist data from-images)",
            "in its code",
        ),
    ),
    origins={
        **dict.fromkeys(("size", "scaling", "optimizer", "batch size", "epochs"), "stated"),
        "protocol": "in its code",
    },
    notes=(
        "Ours: learning rate 1e-3, the default of RMSprop in Keras.",
        (
            "Different from the source: the network reads the pixel file, which was resized by "
            "Lanczos' filter; the source resizes photographs itself, linearly for training and by "
            "area for the test. So does hmnist data from-images, if FOLDER has "
            "train/nv/<image_id>.jpg and so on."
        ),
        *REPEATABLE,
    ),
    seconds_per_epoch=1.4,
    audited=True,
)
