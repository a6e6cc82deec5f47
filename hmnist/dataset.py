"""`LesionDataset`: images, diagnoses and lesions, side by side."""

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from hmnist.diagnoses import CODES
from hmnist.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PARTS", "LesionDataset"]

PARTS = ("train", "validation", "test")
"""The three parts of a split, in the order in which a model meets them."""


@dataclass(frozen=True, eq=False)
class LesionDataset:
    """Images of skin lesions with their diagnoses and, where known, their lesions.

    Attributes
    ----------
    images : numpy.ndarray of uint8, shape (n, h, w, c)
        Pixels 0–255; `c` is 3 (RGB) or 1 (grey).
    labels : numpy.ndarray of int64, shape (n,)
        Diagnoses in the Kaggle order, 0–6 (see `hmnist.diagnoses`).
    lesion_ids : numpy.ndarray of str, shape (n,), or None
        Which lesion each image shows; None where that is unknown.
    metadata : pandas.DataFrame or None
        One row per image: ``lesion_id, image_id, dx, dx_type, age, sex, localization`` and
        whatever else the file holds.
    name : str
        What tables call it: usually the file's name.
    synthetic : bool
        Whether the images were generated rather than photographed.
    own_split : numpy.ndarray of str, shape (n,), or None
        The part (``train``, ``validation``, ``test``) of each image if the file brings a split.

    Raises
    ------
    DataError
        If the images are not uint8 of four dimensions, the labels not whole numbers from 0 to 6,
        or the lengths disagree.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    lesion_ids: npt.NDArray[np.str_] | None = None
    metadata: "pd.DataFrame | None" = field(default=None, repr=False)
    name: str = "data"
    synthetic: bool = False
    own_split: npt.NDArray[np.str_] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise DataError(
                f"{self.name}: images have shape {self.images.shape} and type "
                f"{self.images.dtype}; expected uint8 pixels of shape (n, height, width, channels)."
            )
        if self.labels.ndim != 1 or self.labels.dtype.kind not in "iu":
            raise DataError(
                f"{self.name}: labels have shape {self.labels.shape} and type "
                f"{self.labels.dtype}; expected whole numbers of shape (n,)."
            )
        for what in ("labels", "lesion_ids", "metadata", "own_split"):
            values = getattr(self, what)
            if values is not None and len(values) != len(self.images):
                raise DataError(
                    f"{self.name}: {len(values):,} {what} for {len(self.images):,} images."
                )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(CODES):
            raise DataError(f"{self.name}: labels must lie in 0–{len(CODES) - 1}.")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        lesions = "unknown" if self.lesion_ids is None else f"{self.lesion_count:,}"
        height, width, channels = self.image_shape
        return (
            f"LesionDataset({self.name!r}, {len(self):,} images {height}×{width}×{channels}, "
            f"lesions: {lesions})"
        )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    @property
    def X(self) -> npt.NDArray[np.uint8]:  # noqa: N802 - scikit-learn's name
        """The pixels as scikit-learn takes them: uint8, shape (n, h·w·c)."""
        return self.images.reshape(len(self.images), math.prod(self.image_shape))

    @property
    def y(self) -> npt.NDArray[np.int64]:
        """The labels under scikit-learn's name."""
        return self.labels

    @property
    def image_ids(self) -> npt.NDArray[np.str_] | None:
        """The names of the images, None where they are unknown."""
        if self.metadata is None or "image_id" not in self.metadata:
            return None
        return self.metadata["image_id"].to_numpy(dtype=str)

    @cached_property
    def lesion_count(self) -> int | None:
        """The number of lesions, None where they are unknown."""
        return None if self.lesion_ids is None else len(np.unique(self.lesion_ids))

    @cached_property
    def image_digest(self) -> str:
        """SHA-256 over pixels and labels, whatever is known of lesions."""
        return self._hash().hexdigest()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over pixels, labels and lesions: two data sets with one digest train alike."""
        sha = self._hash()
        if self.lesion_ids is not None:
            sha.update("\0".join(self.lesion_ids.tolist()).encode())
        return sha.hexdigest()

    def _hash(self) -> "hashlib._Hash":
        sha = hashlib.sha256(repr(self.images.shape).encode())
        sha.update(np.ascontiguousarray(self.images).data)
        sha.update(np.ascontiguousarray(self.labels, dtype=np.int64).data)
        return sha

    def take(self, indices: npt.NDArray[np.int64]) -> Self:
        """Return the images at `indices`, in that order, as a data set of their own.

        Examples
        --------
        >>> data = LesionDataset(np.zeros((3, 8, 8, 1), np.uint8), np.array([4, 4, 6]))
        >>> data.take(np.array([2, 0])).labels
        array([6, 4])
        """
        parts: dict[str, Any] = {
            what: None if values is None else values[indices]
            for what, values in (("lesion_ids", self.lesion_ids), ("own_split", self.own_split))
        }
        metadata = None if self.metadata is None else self.metadata.iloc[indices]
        return type(self)(
            self.images[indices],
            self.labels[indices],
            metadata=None if metadata is None else metadata.reset_index(drop=True),
            name=self.name,
            synthetic=self.synthetic,
            **parts,
        )
