"""`System`: a published classifier of HAM10000, as data.

A system says how its network is built, how it is trained, how its source split and resampled the
images (`Protocol`), and which score its source published (`Claim`). It knows nothing of estimators,
splits or runs: `hmnist.splits` executes the protocol, `hmnist.models` trains the recipe, and the
audit compares the claim with what comes out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hmnist.arrays import Shape
from hmnist.diagnoses import RARE

if TYPE_CHECKING:
    import keras

__all__ = [
    "Backbone",
    "Claim",
    "DrawnEqually",
    "Plateau",
    "Protocol",
    "RaisedToCommonest",
    "RandomDivision",
    "Resampling",
    "SingleImageDivision",
    "System",
    "Training",
]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the source of a system published about its score.

    Attributes
    ----------
    published : str
        The published test accuracy, with the digits it was published with; empty without one.
    note : str
        What was published instead, or besides.
    """

    published: str = ""
    note: str = ""

    @property
    def accuracy(self) -> float | None:
        """The published test accuracy as a number; None without one."""
        return float(self.published) if self.published else None


@dataclass(frozen=True, slots=True)
class RandomDivision:
    """A random division by image, whole images in random order.

    Attributes
    ----------
    test : float
        The share of the images that is tested, 0–1.
    validation : float or None
        The share that validates; None if the test part validates, too.
    """

    test: float
    validation: float | None = None


@dataclass(frozen=True, slots=True)
class SingleImageDivision:
    """Some of the lesions that have a single image validate and test; all other images train.

    Attributes
    ----------
    share : float
        The share of these lesions, 0–1, stratified by diagnosis.
    """

    share: float


@dataclass(frozen=True, slots=True)
class DrawnEqually:
    """Before the split, draw the same number of images of each diagnosis, with replacement.

    Attributes
    ----------
    images : int
        How many of each diagnosis.
    """

    images: int


@dataclass(frozen=True, slots=True)
class RaisedToCommonest:
    """Before the split, repeat images until each diagnosis is as frequent as the commonest."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """What is done to the training part, behind the split.

    Attributes
    ----------
    method : str
        A method of `hmnist.oversample`.
    diagnoses : tuple of str
        The diagnoses that are raised.
    target : int or None
        To how many images, but never beyond the commonest diagnosis; None is the method's default.
    """

    method: str = "none"
    diagnoses: tuple[str, ...] = RARE
    target: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a published system split, resampled and validated.

    Attributes
    ----------
    description : str
        What is done, in a phrase.
    division : RandomDivision or SingleImageDivision
        How images are divided into train, validation and test.
    before_split : DrawnEqually, RaisedToCommonest or None
        What is done to all images before the split, so that one image may stand in two parts.
    training : Resampling
        What is done to the training part alone.
    notes : tuple of str
        What the source leaves open and was chosen here (``Ours: …``), and where this departs from
        it (``Departs: …``).
    """

    description: str
    division: RandomDivision | SingleImageDivision
    before_split: DrawnEqually | RaisedToCommonest | None = None
    training: Resampling = Resampling()
    notes: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """Whether the test part holds every diagnosis about equally often."""
        return self.before_split is not None


@dataclass(frozen=True, slots=True)
class Plateau:
    """When the learning rate falls: the loss on validation (else in training) stands still.

    Attributes
    ----------
    factor : float
        What the learning rate is multiplied by, 0–1.
    patience : int
        After how many epochs without a new minimum.
    """

    factor: float
    patience: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How the network of a system is trained.

    The loss of all of them is categorical cross-entropy, at a constant learning rate unless there
    is a `plateau`; none decays its weights, smooths its labels or mixes examples.

    Attributes
    ----------
    optimizer : str
        A class of `keras.optimizers`, with Keras' defaults but for the learning rate.
    learning_rate : float
    batch_size : int
    epochs : int
    class_weights : mapping of str to float
        How much images of a diagnosis count, by code; 1 for those that are not named.
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
        Whether pretrained weights stay as they are as a whole. What the backbone says of an image
        is then the same in every epoch, so it is computed once.
    cut : int
        How many layers at the end of the application (without its classifier) are left out.
    trained_layers : int or None
        How many of the remaining layers are trained where weights are pretrained; None for all.
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
        What becomes of the pixels first: ``1/255``, or the preprocessing of a Keras application.
    build : callable
        ``build(shape, classes)`` returns an untrained `keras.Model` from pixels 0–255 of that
        shape to logits. For transfer systems `shape` is the output of the backbone, and the
        network is what is put on top of it.
    backbone : Backbone or None
        What a transfer system starts from; None for networks that are trained from scratch.
    training : Training
        How it is trained.
    augmentation : str
        What its source did to the images, and which part does it here.
    protocol : Protocol
        How its source split and resampled the images.
    claim : Claim
        What its source published.
    notes : tuple of str
        Where the network or its training departs from the source (``Departs: …``), and what the
        source leaves open and was chosen here (``Ours: …``).
    seconds_per_epoch : float
        Of 7,000 training images on two cores; an estimate.
    standard_epochs : int or None
        To how many epochs the audit cuts the training at standard effort; None for its own.
    audited : bool
        Whether the audit includes it by default: what two cores can train.
    variant_of : str
        The system whose network and training it shares; empty for systems of their own. A variant
        has a protocol, and is no model of its own.
    """

    name: str
    summary: str
    size: tuple[int, int]
    build: Callable[[Shape, int], "keras.Model"]
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
        """The name of the model that is trained: its own, or that of the system it varies."""
        return self.variant_of or self.name

    def recipe(self) -> dict[str, Any]:
        """Return everything that changes its training, in JSON's types."""
        raise NotImplementedError
