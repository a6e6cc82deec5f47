"""`Protocol`: how the source of a system split and resampled its images, as data."""

from dataclasses import dataclass

from hmnist.diagnoses import RARE


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
