"""`System`: a published classifier of HAM10000, as data.

A system knows nothing of estimators, splits or runs: `hmnist.splits` executes its protocol,
`hmnist.models` trains its network, and the audit compares its claim with what comes out.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from hmnist.errors import UsageError
from hmnist.systems.protocol import Protocol

if TYPE_CHECKING:
    import keras

    from hmnist.arrays import Shape


@dataclass(frozen=True, slots=True)
class Claim:
    """What the source of a system published about its score.

    Attributes
    ----------
    published : str
        The published test accuracy, with the digits it was published with; empty without one.
    note : str
        What was published instead, or besides.
    better_than : str
        The system whose validation accuracy is lower, says the source; empty if it compares none.
    """

    published: str = ""
    note: str = ""
    better_than: str = ""

    @property
    def accuracy(self) -> float | None:
        """The published test accuracy as a number; None without one."""
        return float(self.published) if self.published else None


@dataclass(frozen=True, slots=True)
class Plateau:
    """When the learning rate is multiplied by `factor` (0–1): the loss stands still.

    That is, `patience` epochs bring no new minimum on validation (without it, in training).
    """

    factor: float
    patience: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How the network of a system is trained.

    The loss of all of them is categorical cross-entropy, at a constant learning rate unless there
    is a `plateau`; none uses weight decay, label smoothing or mixup.

    Attributes
    ----------
    optimizer : str
        A class of `keras.optimizers`, with Keras' defaults but for the learning rate.
    learning_rate : float
    batch_size : int
    epochs : int
    class_weights : mapping of str to float
        The weight of the images of a diagnosis, by code; 1 for diagnoses that are not named.
    plateau : Plateau or None
        When the learning rate falls.
    """

    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    class_weights: Mapping[str, float] = field(default_factory=dict)
    plateau: Plateau | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """The application of Keras that a transfer system starts from.

    Attributes
    ----------
    application : str
        The function in `keras.applications`.
    module : str
        The module of `keras.applications` that preprocesses its pixels.
    frozen : bool
        Whether all pretrained weights are frozen. The output for an image is then the same in
        every epoch, so it is computed once.
    cut : int
        How many layers at the end of the application, made without its classifier, are left out:
        the output is that of the application's layer ``-1 - cut``.
    trained_layers : int or None
        How many of the remaining layers, counted from the end, are trained if the weights are
        pretrained; None for all. Without pretrained weights all layers are trained.
    """

    application: str
    module: str
    frozen: bool = False
    cut: int = 0
    trained_layers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A published system.

    Attributes
    ----------
    name : str
        What the user types.
    summary : str
        What it is, in a few words.
    size : tuple of int
        Height and width of the images that it was made for.
    resizes : bool
        Whether images of another size are resized inside the network, bilinearly. If not, the
        network is built for the images as they are.
    smallest_side : int
        The smallest side, in pixels, that the network can be built for.
    scaling : str
        How pixels are scaled: ``1/255``, or the preprocessing of a Keras application.
    hidden_layers : callable
        Takes pixels 0–255 as a Keras tensor, for transfer systems the output of the backbone, and
        returns what the last dense layer reads.
    backbone : Backbone or None
        What a transfer system starts from; None for networks that are trained from scratch.
    training : Training
    augmentation : str
        How its source augmented the images, and which part of the program does it here.
    protocol : Protocol
    claim : Claim
    notes : tuple of str
        Where the network or its training departs from the source (``Departs: …``), and what the
        source leaves open and was chosen here (``Ours: …``).
    seconds_per_epoch : float
        For 7,000 training images on two cores, without pretrained weights; an estimate.
    standard_epochs : int or None
        The number of epochs in an audit at standard effort, if that is less than its own.
    audited : bool
        Whether the audit includes it by default, because two cores can train it.
    variant_of : str
        The system whose network and training it shares; empty for systems that are models of
        their own. A variant differs in its protocol, and every audit includes it.
    """

    name: str
    summary: str
    size: tuple[int, int]
    hidden_layers: Callable[[Any], Any]
    training: Training
    protocol: Protocol
    claim: Claim
    notes: tuple[str, ...]
    seconds_per_epoch: float
    resizes: bool = False
    smallest_side: int = 1
    scaling: str = "1/255"
    backbone: Backbone | None = None
    augmentation: str = "none"
    standard_epochs: int | None = None
    audited: bool = False
    variant_of: str = ""

    @property
    def model(self) -> str:
        """The name of the model that is trained: its own, or that of `variant_of`."""
        return self.variant_of or self.name

    @property
    def seconds(self) -> float:
        """How long the whole training takes, for 7,000 images on two cores; an estimate."""
        return self.training.epochs * self.seconds_per_epoch

    def build(self, shape: "Shape", classes: int) -> "keras.Model":
        """Return an untrained network from inputs of a shape (h, w, c) to logits.

        The inputs are pixels 0–255; for transfer systems, the output of the backbone.
        """
        import keras
        from keras import layers

        inputs = keras.Input(shape)
        # Initialisers draw their seeds when a layer is made: the last layer is made first.
        logits = layers.Dense(classes)
        return keras.Model(inputs, logits(self.hidden_layers(inputs)))

    def check_size(self, height: int, width: int) -> None:
        """Refuse images that are too small for the network and not enlarged by it."""
        if not self.resizes and min(height, width) < self.smallest_side:
            raise UsageError(
                f"Images of {height}×{width} pixels are too small for {self.model}, which needs "
                f"{self.smallest_side}×{self.smallest_side} at least.",
                "Choose a network that enlarges them, such as small-cnn.",
            )

    def recipe(self) -> dict[str, Any]:
        """Return everything that changes its training beside its layers, in JSON's types."""
        return {
            "size": list(self.size),
            "resizes": self.resizes,
            "scaling": self.scaling,
            **asdict(self.training),
            "augmentation": self.augmentation,
        }
