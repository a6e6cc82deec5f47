"""`lenet`: three convolutions and a sigmoid layer; 162,887 parameters at 28×28×3."""

from typing import Any

from hmnist.systems.layers import convolve, scale
from hmnist.systems.protocol import Protocol, RandomDivision
from hmnist.systems.shared import REPEATABLE
from hmnist.systems.system import Claim, System, Training


def _hidden_layers(pixels: Any) -> Any:
    from keras import layers

    x = scale(pixels)
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
        description="random 90/10 by image; the test part also validates",
        division=RandomDivision(test=0.1),
    ),
    claim=Claim(".7445"),
    notes=(
        "Ours: learning rate 1e-3, the default of RMSprop in Keras.",
        "Departs: the split is not stratified by diagnosis; that of the source is.",
        (
            "Departs: the network reads the RGB pixel file; the source reads photographs in BGR "
            "order and resizes them itself."
        ),
        *REPEATABLE,
    ),
    seconds_per_epoch=1.4,
    audited=True,
)
