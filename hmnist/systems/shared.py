"""Notes, origins and protocols that several published systems share."""

from collections.abc import Mapping

from hmnist.systems.protocol import DrawnEqually, Protocol, RandomDivision
from hmnist.systems.system import Origin

REPEATABLE = (
    (
        "Different from the source: the network returns logits and the softmax is part of the "
        "loss; this is the same function with more stable gradients."
    ),
    (
        "Different from the source: the order of the images depends on the seed and the epoch "
        "alone, so that a training can be repeated."
    ),
)
"""Notes that hold for every system."""

RESIZED = "Ours: images of another size are resized bilinearly inside the network."

FROM_SCRATCH = "Ours: without pretrained weights all layers are trained."

STATED: Mapping[str, Origin] = dict.fromkeys(
    (
        *("size", "scaling", "optimizer", "learning rate", "batch size", "epochs"),
        "protocol",
    ),
    "stated",
)
"""What the source of `small-cnn` and `pixel-mlp` states of both."""

FIVE_HUNDRED_EACH = Protocol(
    description="every diagnosis drawn with replacement to 500 images, then a random 80/20 split "
    "whose test part also validates",
    division=RandomDivision(test=0.2),
    before_split=DrawnEqually(500),
)
