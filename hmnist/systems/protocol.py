"""`Protocol`: how the source of a system split and resampled its images, as data."""

from dataclasses import dataclass

from hmnist.diagnoses import RARE


@dataclass(frozen=True, slots=True)
class RandomDivision:
    """Images are divided at random, in shares (0–1) of all; lesions are not kept together.

    Without a share for `validation`, the test part validates, too.
    """

    test: float
    validation: float | None = None


@dataclass(frozen=True, slots=True)
class StratifiedDivision:
    """A share (0–1) of the images tests and validates, drawn by scikit-learn's `train_test_split`.

    It is stratified by diagnosis; lesions are not kept together. The seed 0 of a split stands for
    the source's own `random_state`, another seed is added to it.
    """

    test: float
    random_state: int


@dataclass(frozen=True, slots=True)
class SingleImageDivision:
    """A share (0–1) of the lesions that have a single image validates and tests; the rest trains.

    The share is stratified by diagnosis.
    """

    share: float


Division = RandomDivision | StratifiedDivision | SingleImageDivision


@dataclass(frozen=True, slots=True)
class DrawnEqually:
    """Before the split, draw so many images of each diagnosis, with replacement."""

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
    division : RandomDivision, StratifiedDivision or SingleImageDivision
        How images are divided into train, validation and test.
    before_split : DrawnEqually, RaisedToCommonest or None
        What is done to all images before the split, so that one image may stand in two parts.
    training : Resampling
        What is done to the training part alone.
    notes : tuple of str
        What the source leaves open and was chosen here (``Ours: …``), and where this departs from
        it (``Different from the source: …``).
    """

    description: str
    division: Division
    before_split: DrawnEqually | RaisedToCommonest | None = None
    training: Resampling = Resampling()
    notes: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """Whether the test part holds every diagnosis about equally often."""
        return self.before_split is not None
