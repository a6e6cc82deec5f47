"""`SYSTEMS`: the published HAM10000 classifiers, each with the recipe of its source, as data.

The graphs are in `hmnist.models.published` and `hmnist.models.pretrained`. What a source does not
state had to be chosen here; every such choice stands among the system's notes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["SYSTEMS", "WEIGHTS", "Plateau", "System", "describe_system"]

WEIGHTS = ("none", "imagenet")
"""What transfer models may start from, beside a file: nothing, or what Keras downloads."""


@dataclass(frozen=True, slots=True)
class Plateau:
    """When the learning rate falls: the loss on validation (else in training) stands still.

    Attributes
    ----------
    factor : float
        What it is multiplied by, 0–1.
    patience : int
        After how many epochs without a new minimum.
    """

    factor: float
    patience: int


@dataclass(frozen=True, slots=True)
class System:
    """A published system and how it is trained.

    The loss of all of them is plain categorical cross-entropy, at a constant learning rate unless
    there is a `plateau`; none decays its weights, smooths its labels or mixes examples.

    Attributes
    ----------
    name : str
        As in the registry.
    summary : str
        What it is, in a few words.
    size : tuple of int
        Height and width of the images that it was made for.
    resizes : bool
        Whether other images are brought to that size inside the network, bilinearly. If not, the
        network is built for the images as they are.
    optimizer : str
        A class of `keras.optimizers`, with Keras' defaults but for the learning rate.
    learning_rate : float
    batch_size : int
    epochs : int
    scaling : str
        What becomes of the pixels first: ``1/255``, or the preprocessing of a Keras application.
    class_weights : mapping of str to float
        How much images of a diagnosis count, by code; 1 where nothing is said.
    plateau : Plateau or None
        When the learning rate falls.
    augmentation : str
        What its source did to the images, and who does it here.
    notes : tuple of str
        Where it departs from its source (``Departs: …``) and what the source leaves open and was
        chosen here (``Ours: …``).
    """

    name: str
    summary: str
    size: tuple[int, int]
    resizes: bool
    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    notes: tuple[str, ...]
    scaling: str = "1/255"
    class_weights: Mapping[str, float] = field(default_factory=dict)
    plateau: Plateau | None = None
    augmentation: str = "none"


_SHARED = (
    (
        "Departs: the network returns logits and the softmax is part of the loss; it is the "
        "same function with steadier gradients."
    ),
    "Departs: an epoch's order is drawn from seed and epoch, so that trainings can be repeated.",
)

_RESIZED = "Ours: images of another size are resized bilinearly inside the network."

_SCALED = "Ours: pixels are divided by 255."

_FROM_SCRATCH = (
    "Ours: with --weights none there is nothing pretrained to keep, so all layers are trained."
)

_DEEP_NOTES = (
    (
        "Ours: the training, of which the source states nothing: Adam, learning rate 1e-3, "
        "batch 64, 20 epochs."
    ),
    "Ours: dropout of .25 everywhere; the source states places, not rates.",
    "Ours: ReLU in the hidden dense layers.",
    _SCALED,
    _RESIZED,
    *_SHARED,
)

_SYSTEMS = (
    System(
        "lenet",
        "published: three convolutions, dense 512",
        size=(28, 28),
        resizes=False,
        optimizer="RMSprop",
        learning_rate=1e-3,
        batch_size=128,
        epochs=20,
        notes=("Ours: learning rate 1e-3, the default of RMSprop in Keras.", *_SHARED),
    ),
    System(
        "deep-cnn",
        "published: three wide convolutions at 75×100",
        size=(75, 100),
        resizes=True,
        optimizer="Adam",
        learning_rate=1e-3,
        batch_size=64,
        epochs=20,
        notes=_DEEP_NOTES,
    ),
    System(
        "deep-cnn-bn",
        "published: the same with batch normalisation",
        size=(75, 100),
        resizes=True,
        optimizer="Adam",
        learning_rate=1e-3,
        batch_size=64,
        epochs=20,
        notes=(
            (
                "Ours: batch normalisation stands right behind each pooling and each hidden dense "
                "layer, before the dropout, with Keras' defaults; the last layer has none."
            ),
            *_DEEP_NOTES,
        ),
    ),
    System(
        "small-cnn",
        "published: three wide convolutions at 32×32",
        size=(32, 32),
        resizes=True,
        optimizer="Adam",
        learning_rate=1e-3,
        batch_size=32,
        epochs=50,
        notes=(_SCALED, _RESIZED, *_SHARED),
    ),
    System(
        "pixel-mlp",
        "published: dense layers on each pixel's colour",
        size=(32, 32),
        resizes=True,
        optimizer="Adam",
        learning_rate=1e-3,
        batch_size=32,
        epochs=50,
        notes=(
            "Ours: ReLU in the dense layers of the pixels; the Dense 32 is linear as in small-cnn.",
            "Ours: dropout between the dense layers of the pixels, none behind the last of them.",
            _SCALED,
            _RESIZED,
            *_SHARED,
        ),
    ),
    System(
        "skin-pamper",
        "published: convolutions up to 1024, seven dense",
        size=(28, 28),
        resizes=False,
        optimizer="Adam",
        learning_rate=1e-3,
        batch_size=64,
        epochs=25,
        augmentation="of df and vasc: here by the oversampling, --oversample augment",
        notes=(
            (
                "Ours: the dense layers 256, 256, 512, 512, 1024, 64, 7: the only powers of two "
                "that meet the three counts of parameters."
            ),
            (
                "Ours: of the batch normalisation behind the second pooling, 1024 features stand "
                "behind the third pooling and 1024 behind the Dense 1024."
            ),
            "Ours: dropout of .3, behind every batch normalisation but the first.",
            "Ours: ReLU everywhere; learning rate 1e-3; pixels are divided by 255.",
            "Ours: batches of 64, since 110 of them are 70 % of the pixel file.",
            "Departs: an epoch is all training images, whatever number of steps that takes.",
            "Departs: training is watched by loss and accuracy; recalls are in the run's history.",
            *_SHARED,
        ),
    ),
    System(
        "vgg16",
        "published: VGG16 and a dense layer, at 150×150",
        size=(150, 150),
        resizes=True,
        optimizer="Adam",
        learning_rate=1e-3,
        batch_size=32,
        epochs=50,
        scaling="keras.applications.vgg16",
        notes=(
            (
                "Ours: Adam, learning rate 1e-3, batch 32, 50 epochs, as its neighbours "
                "small-cnn and pixel-mlp."
            ),
            "Ours: pixels are preprocessed as Keras does for VGG16.",
            "Departs: what the frozen base says of an image is computed once, not in every epoch.",
            _FROM_SCRATCH,
            _RESIZED,
            *_SHARED,
        ),
    ),
    System(
        "mobilenet",
        "announced: MobileNet at 128×128",
        size=(128, 128),
        resizes=True,
        optimizer="Adam",
        learning_rate=1e-4,
        batch_size=32,
        epochs=20,
        scaling="keras.applications.mobilenet",
        augmentation="of df and vasc: part of its protocol, not of the model",
        notes=(
            (
                "Ours: everything but the name MobileNet, which the authors of lenet announced as "
                "their next step: global mean, dropout of .25, Dense 7; 128×128 pixels; all layers "
                "trained, pretrained or not; Adam, learning rate 1e-4, batch 32, 20 epochs."
            ),
            _RESIZED,
            *_SHARED,
        ),
    ),
    System(
        "inception-resnet",
        "published: InceptionResNetV2, cut, at 299×299",
        size=(299, 299),
        resizes=True,
        optimizer="SGD",
        learning_rate=1e-3,
        batch_size=10,
        epochs=25,
        scaling="keras.applications.inception_resnet_v2",
        class_weights={"mel": 3.0},
        plateau=Plateau(factor=0.5, patience=3),
        augmentation=(
            "offline, to some 6,000 images of each diagnosis but nv: part of its protocol, not of "
            "the model"
        ),
        notes=(
            (
                "Ours: the 28 layers are counted from the classifier of the whole network, in the "
                "order of today's Keras; what is left ends in 8×8×192."
            ),
            "Ours: the last 50 layers are counted with dropout, Flatten and Dense 7.",
            (
                "Ours: the rate is halved after 3 epochs without a smaller loss on validation; "
                "momentum 0."
            ),
            "Departs: frozen batch normalisation uses its stored moments, as today's Keras does.",
            _FROM_SCRATCH,
            _RESIZED,
            *_SHARED,
        ),
    ),
)

SYSTEMS: dict[str, System] = {system.name: system for system in _SYSTEMS}


def describe_system(model: str) -> dict[str, Any] | None:
    """Return how the published system of that name is trained, in JSON's types.

    Returns
    -------
    dict or None
        The attributes of `System` but for name, summary and notes, which change no training; None
        for models that are nobody's publication.

    Examples
    --------
    >>> describe_system("lenet")["optimizer"], describe_system("cnn")
    ('RMSprop', None)
    """
    if model not in SYSTEMS:
        return None
    facts = asdict(SYSTEMS[model])
    for name in ("name", "summary", "notes"):
        del facts[name]
    return {**facts, "size": list(facts["size"]), "class_weights": dict(facts["class_weights"])}
