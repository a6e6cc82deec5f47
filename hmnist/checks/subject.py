"""What checks look at: data, a split of any kind, and the features of models."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hmnist.arrays import Float64, Indices, Strings
from hmnist.dataset import LesionDataset
from hmnist.splits.leaks import number_images
from hmnist.splits.split import Split


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
        Their values; words are numbered. Missing values are NaN, or -1 among words.
    """

    data: LesionDataset
    split: Split | None = None
    feature_names: tuple[str, ...] = ()
    feature_values: Float64 | None = None

    @cached_property
    def image_keys(self) -> Indices:
        """A number for each row of the data; rows with the same pixels have the same number."""
        return number_images(self.data.images)

    def rows(self, part: str) -> Indices:
        """Return the rows of a part, as often as it holds them; none if there is no split."""
        return np.empty(0, np.int64) if self.split is None else self.split.indices[part]

    def metadata_column(self, name: str) -> Strings | None:
        """Return a column of the metadata as text; None if it is unknown."""
        if self.data.metadata is None or name not in self.data.metadata:
            return None
        return self.data.metadata[name].to_numpy(dtype=str)

    def lacks(self, need: str) -> str | None:
        """Describe a need that is not met; None if it is."""
        is_met, description = {
            "split": (self.split is not None, "a split"),
            "lesions": (self.data.lesion_ids is not None, "the lesions"),
            "images": (self.data.image_ids is not None, "the names of the images"),
            "dx_type": (
                bool(self.feature_names) or self.metadata_column("dx_type") is not None,
                "dx_type in the metadata, or features",
            ),
        }[need]
        return None if is_met else description


@dataclass(frozen=True)
class Check:
    """A check: its code and name, what it needs, and the function that looks for the mistake.

    Attributes
    ----------
    needs : tuple of str
        ``split``, ``lesions``, ``images`` (their names), ``dx_type``.
    look : callable
        Returns None, or a sentence that says what is wrong.
    """

    code: str
    name: str
    needs: tuple[str, ...]
    look: Callable[[Subject], str | None]

    def lacks(self, subject: Subject) -> str | None:
        """Describe the needs that are not met; None if all are."""
        missing = [lack for need in self.needs if (lack := subject.lacks(need))]
        return " and ".join(missing) or None
