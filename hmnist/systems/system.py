"""`System`: a published classifier of HAM10000, as data.

A system knows nothing of estimators, splits or runs: `hmnist.splits` executes its protocol,
`hmnist.models` trains its network, and the audit compares its claim with what comes out.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hmnist.errors import UsageError
from hmnist.systems.protocol import Protocol

if TYPE_CHECKING:
    import keras

    from hmnist.arrays import Shape


Origin = Literal["stated", "in its code", "ours"]
"""Where a hyperparameter comes from: the text of the source, its code, or a choice made here."""


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """Something that was chosen about a network or its training, in words, and who chose it."""

    name: str
    value: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Claim:
    """What the source of a system published about its score.

    Attributes
    ----------
    published : str
        The published test accuracy, with the digits it was published with; empty without one.
    note : str
        What was published instead, or besides.
    best_epoch : bool
        Whether it is the accuracy of the best epoch, chosen on the test part.
    better_than : str
        The system whose validation accuracy is lower, says the source; empty if it compares none.
    """

    published: str = ""
    note: str = ""
    best_epoch: bool = False
    better_than: str = ""

    @property
    def accuracy(self) -> float | None:
        """The published test accuracy as a number; None without one."""
        return float(self.published) if self.published else None


@dataclass(frozen=True, slots=True)
class Plateau:
    """When the learning rate is multiplied by `factor` (0–1): the accuracy stands still.

    That is, `patience` epochs bring no new maximum on validation (without it, in training). The
    rate does not fall below `floor`.
    """

    factor: float
    patience: int
    floor: float = 0.0


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
    steps_per_epoch : int or None
        The batches of an epoch; the next epoch goes on where it ended. None: as many as see every
        training image once.
    class_weights : mapping of str to float
        The weight of the images of a diagnosis, by code; 1 for diagnoses that are not named.
    plateau : Plateau or None
        When the learning rate falls.
    """

    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    steps_per_epoch: int | None = None
    class_weights: Mapping[str, float] = field(default_factory=dict)
    plateau: Plateau | None = None

    def images_per_epoch(self, images: int) -> int:
        """Return how many images are seen in an epoch, of so many training images."""
        return self.steps_per_epoch * self.batch_size if self.steps_per_epoch else images


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """The application of Keras that a system starts from, with ImageNet weights.

    Attributes
    ----------
    application : str
        The function in `keras.applications`.
    module : str
        The module of `keras.applications` that preprocesses its pixels; empty if they are divided
        by 255.
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
    module: str = ""
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
    hidden_layers : callable
        Takes pixels 0–255 as a Keras tensor, with a backbone its output, and
        returns what the last dense layer reads.
    backbone : Backbone or None
        What the system starts from; None for networks that are trained from scratch.
    training : Training
    augmentation : str
        How its source augmented the images, and which part of the program does it here.
    protocol : Protocol
    claim : Claim
    layers : tuple of Hyperparameter
        What the layers are, and where that comes from.
    origins : mapping of str to Origin
        Where the other hyperparameters come from, by name; see `hyperparameters`. ``ours`` is left
        out.
    notes : tuple of str
        What is ``Different from the source: …`` in the network or its training, and what the
        source leaves open and was chosen here (``Ours: …``).
    seconds_per_epoch : float
        For 7,000 training images on two cores, without pretrained weights; an estimate.
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
    layers: tuple[Hyperparameter, ...]
    origins: Mapping[str, Origin]
    notes: tuple[str, ...]
    seconds_per_epoch: float
    resizes: bool = False
    smallest_side: int = 1
    backbone: Backbone | None = None
    augmentation: str = "none"
    audited: bool = False
    variant_of: str = ""

    @property
    def model(self) -> str:
        """The name of the model that is trained: its own, or that of `variant_of`."""
        return self.variant_of or self.name

    @property
    def scaling(self) -> str:
        """How pixels are scaled: ``1/255``, or the preprocessing of a Keras application."""
        module = "" if self.backbone is None else self.backbone.module
        return f"keras.applications.{module}" if module else "1/255"

    @property
    def seconds(self) -> float:
        """How long the whole training takes, for 7,000 images on two cores; an estimate."""
        return self.training.epochs * self.seconds_per_epoch

    def build(self, shape: "Shape", classes: int) -> "keras.Model":
        """Return an untrained network from inputs of a shape (h, w, c) to logits.

        The inputs are pixels 0–255; with a backbone, its output.
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

    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """Return everything that its source or we had to choose, and who did.

        Examples
        --------
        >>> from hmnist.systems import find_system
        >>> find_system("lenet").hyperparameters()[-1].origin
        'in its code'
        """
        training, height, width = self.training, *self.size
        weights = [f"{code} {weight:g}" for code, weight in training.class_weights.items()]
        plateau = training.plateau
        values = {
            "size": f"{height}×{width} pixels",
            "resizing": "bilinear, in the network" if self.resizes else "none, images as they are",
            "scaling": self.scaling,
            "optimizer": training.optimizer,
            **({} if training.optimizer == "Adam" else {"momentum": "0"}),
            "learning rate": f"{training.learning_rate:g}",
            "learning rate falls": "never"
            if plateau is None
            else f"times {plateau.factor:g}, after {plateau.patience} epochs without a better "
            f"validation accuracy, to {plateau.floor:g} at least",
            "batch size": str(training.batch_size),
            "epochs": str(training.epochs),
            "steps of an epoch": str(training.steps_per_epoch or "every training image once"),
            "class weights": ", ".join(weights) or "none",
            "augmentation": self.augmentation,
            "loss": "categorical cross-entropy",
            "epoch that is kept": "the last",
            "protocol": self.protocol.description,
        }
        chosen = [
            Hyperparameter(name, text, self.origins.get(name, "ours"))
            for name, text in values.items()
        ]
        return (*self.layers, *chosen)
