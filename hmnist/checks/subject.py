"""What checks look at: data, a split of any kind, and the features of models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hmnist.arrays import Booleans, Float64, Indices, Strings
from hmnist.checks.pictures import LEAST_NUMBERS, Pictures, pictures_of
from hmnist.dataset import LesionDataset
from hmnist.features.pixels import can_describe
from hmnist.splits.split import Split

LEAST_IMAGES = 100
"""With fewer images, what pictures have in common may be chance."""

LEAST_LESIONS = 30
"""With fewer lesions, models that have not seen a lesion have seen little."""

LEAST_SIDE = 28
"""The side of images, in pixels, from which their fine structure is compared with HAM10000's."""


@dataclass(frozen=True)
class Found:
    """What a check found.

    Attributes
    ----------
    sentence : str
        What is wrong, with its counts.
    evidence : mapping of str to int, float or str
        The numbers that the sentence rests on, each with its name.
    """

    sentence: str
    evidence: Mapping[str, int | float | str]


@dataclass(frozen=True)
class TooFew:
    """What a check needs to judge, and has too little of.

    Attributes
    ----------
    need : str
        What would be enough, in a few words.
    """

    need: str


@dataclass(frozen=True, eq=False)
class Subject:
    """What a check looks at.

    Attributes
    ----------
    data : LesionDataset
    split : Split or None
        Which images train, validate and test; parts may share rows and repeat them.
    feature_names : tuple of str
        The names of the columns that models get besides the pixels.
    feature_values : numpy.ndarray of float64, shape (n, k), or None
        Their values; words are numbered. Missing values are NaN.
    """

    data: LesionDataset
    split: Split | None = None
    feature_names: tuple[str, ...] = ()
    feature_values: Float64 | None = None

    @cached_property
    def pictures(self) -> Pictures:
        """What is computed from the images, for all checks together."""
        return pictures_of(self.data)

    @property
    def image_keys(self) -> Indices:
        """A number for each row of the data; rows with the same pixels have the same number."""
        return self.pictures.keys

    @cached_property
    def lesion_numbers(self) -> Indices:
        """The lesion of each row, numbered from 0; a row each where lesions are unknown."""
        if self.data.lesion_ids is None:
            return np.arange(len(self.data))
        return np.unique(self.data.lesion_ids, return_inverse=True)[1]

    @cached_property
    def lesion_numberings(self) -> tuple[Indices, ...]:
        """The lesions of all rows, numbered from 0: as they are known, and as the file names them.

        Lesions that are known as one by two names have two in the file.
        """
        named = self.metadata_column("lesion_id")
        known = () if self.data.lesion_ids is None else (self.lesion_numbers,)
        return known if named is None else (*known, np.unique(named, return_inverse=True)[1])

    @property
    def unit(self) -> str:
        """What intervals count: ``lesions``, or ``images`` where lesions are unknown."""
        return "images" if self.data.lesion_ids is None else "lesions"

    def rows(self, part: str) -> Indices:
        """Return the rows of a part, as often as it holds them; none if there is no split."""
        return np.empty(0, np.int64) if self.split is None else self.split.indices[part]

    def pictures_in(self, part: str) -> Booleans:
        """Tell which of the compared pictures stand in a part."""
        keys = self.image_keys
        return np.isin(keys[self.pictures.rows], keys[self.rows(part)])

    def metadata_column(self, name: str) -> Strings | None:
        """Return a column of the metadata as text; None if it is unknown."""
        if self.data.metadata is None or name not in self.data.metadata:
            return None
        return self.data.metadata[name].to_numpy(dtype=str)

    def lacks(self, need: str) -> str | None:
        """Describe a need that is not met; None if it is."""
        data, shape = self.data, self.data.image_shape
        pictures = (
            len(data) >= LEAST_IMAGES
            and (data.lesion_count or LEAST_LESIONS) >= LEAST_LESIONS
            and can_describe(shape),
            f"{LEAST_IMAGES} images of {LEAST_LESIONS} lesions, 6×6 pixels or more",
        )
        is_met, description = {
            "split": (self.split is not None, "a split"),
            "lesions": (data.lesion_ids is not None, "the lesions"),
            "images": (data.image_ids is not None, "the names of the images"),
            "dx_type": (
                bool(self.feature_names) or self.metadata_column("dx_type") is not None,
                "dx_type in the metadata, or features",
            ),
            "patients": (data.patients is not None, "age, sex or site in the metadata"),
            "features": (bool(self.feature_names), "features"),
            "pictures": pictures,
            "sample": pictures,
            "colour": (shape[2] == 3, "colours"),
            "detail": (np.prod(shape) >= LEAST_NUMBERS, "images of more pixels"),
            "fine detail": (
                min(shape[:2]) >= LEAST_SIDE,
                f"images of {LEAST_SIDE}×{LEAST_SIDE} pixels",
            ),
            "photographs": (not data.synthetic, "photographs, not generated images"),
        }[need]
        return None if is_met else description


@dataclass(frozen=True)
class Check:
    """A check: its code and name, what it needs, and the function that looks for the mistake.

    Attributes
    ----------
    needs : tuple of str
        ``split``, ``lesions``, ``images`` (their names), ``dx_type``, ``patients`` (age, sex or
        site), ``features``; of the images themselves: ``pictures`` (enough of a fair size, all of
        which it looks at) or ``sample`` (the same, of which it looks at `Pictures.rows`),
        ``colour``, ``detail``, ``fine detail``, ``photographs``.
    look : callable
        Returns what is wrong, `TooFew` if it cannot judge, or None.
    unless : tuple of str
        The codes of checks that this one is left out after, if they find something: what it would
        find might follow from that.
    """

    code: str
    name: str
    needs: tuple[str, ...]
    look: Callable[[Subject], Found | TooFew | None]
    unless: tuple[str, ...] = ()

    def lacks(self, subject: Subject) -> str | None:
        """Describe the needs that are not met; None if all are."""
        missing = [lack for need in self.needs if (lack := subject.lacks(need))]
        return " and ".join(missing) or None
