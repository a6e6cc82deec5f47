"""`LesionDataset`: images with their diagnoses, lesions and metadata; fingerprints of images."""

import dataclasses
import hashlib
import math
import os
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from hmnist.arrays import (
    Array,
    Float32,
    Images,
    Labels,
    Pixels,
    Shape,
    Strings,
    as_rows,
)
from hmnist.diagnoses import CODES
from hmnist.errors import DataError, UsageError, with_article
from hmnist.html import image_html
from hmnist.large_arrays import chunks_of, release, take_rows
from hmnist.patients import encode_patients

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 6  # images of each diagnosis in a notebook

LONGEST_ID = 255
"""Characters of the id of an image or a lesion, as of the name of a file."""

PARTS = ("train", "validation", "test")  # the three parts of a split

PART_OF_WORD = {**{part: part for part in PARTS}, "val": "validation"}
"""The words for the parts in files and arrays, and their names here."""


@dataclass(frozen=True, eq=False)
class LesionDataset:
    """Images of skin lesions with their diagnoses and, where known, their lesions.

    Its arrays are read-only, since models and features are stored under the digest of the data.
    For other pixels make another data set: ``dataclasses.replace(data, images=...)``.

    Attributes
    ----------
    images : numpy.ndarray of uint8, shape (n, h, w, c)
        Pixels 0–255; `c` is 3 (RGB) or 1 (grey). Lists and columns of tables become arrays, here
        and below.
    labels : numpy.ndarray of int64, shape (n,)
        Diagnoses in the Kaggle order, 0–6 (see `hmnist.diagnoses`).
    lesion_ids : numpy.ndarray of str, shape (n,), or None
        Which lesion each image shows; without them, the ``lesion_id`` of the metadata, if every
        image has one. None if that is unknown.
    metadata : pandas.DataFrame or None
        One row per image: ``lesion_id, image_id, dx, dx_type, age, sex, localization`` and
        all other columns of the file.
    name : str
        Its name in tables, usually that of the file.
    synthetic : bool
        Whether the images were generated rather than photographed.
    own_split : numpy.ndarray of str, shape (n,), or None
        The part (``train``, ``validation`` or ``val``, ``test``) of each image if the file contains
        a split; empty for images of none.

    Raises
    ------
    DataError
        If the images are not uint8 of four dimensions, the labels are not whole numbers from 0 to
        6, the lengths differ, an id is very long, a lesion id is missing, or there is no such part.
    """

    images: Pixels
    labels: Labels
    lesion_ids: Strings | None = None
    metadata: "pd.DataFrame | None" = field(default=None, repr=False)
    name: str = "data"
    synthetic: bool = False
    own_split: Strings | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("images", "labels", "lesion_ids", "own_split"):
            if getattr(self, name) is not None:
                self._set(name, _as_array(getattr(self, name)))
        self._set("name", str(self.name))
        self._check_shapes()
        table = self.metadata
        if table is not None and "lesion_id" in table and table["lesion_id"].isna().any():
            # A part of the rows must not know lesions that the whole does not.
            self._set("metadata", table.drop(columns="lesion_id"))
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(CODES):
            raise DataError(f"{self.name}: labels must lie in 0–{len(CODES) - 1}.")
        self._set("labels", self.labels.astype(np.int64, copy=False))
        self._set("lesion_ids", self._find_lesions())
        if self.own_split is not None:
            self._set("own_split", self._name_parts(self.own_split))
        for kind, ids in (("lesion", self.lesion_ids), ("image", self.image_ids)):
            if ids is not None and _is_long(ids):
                problem = f"one {kind} id has more than {LONGEST_ID} characters"
                raise DataError(f"{self.name}: {problem}.")

    def _set(self, name: str, value: "Array | pd.DataFrame | str | None") -> None:
        if isinstance(value, np.ndarray):
            value = value.view()  # the caller may still write to an array of his own
            value.flags.writeable = False
        object.__setattr__(self, name, value)  # the class is frozen

    def _check_shapes(self) -> None:
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
        for name in ("labels", "lesion_ids", "metadata", "own_split"):
            values = getattr(self, name)
            if values is not None and name != "metadata" and values.ndim != 1:
                raise DataError(f"{self.name}: {name} have shape {values.shape}; expected (n,).")
            if values is not None and len(values) != len(self):
                raise DataError(f"{self.name}: {len(values):,} {name} for {len(self):,} images.")

    def _find_lesions(self) -> Strings | None:
        """Return the lesion of each image as text; None if they are unknown."""
        ids = self.lesion_ids
        if ids is None:
            if self.metadata is None or "lesion_id" not in self.metadata:
                return None
            return np.asarray(self.metadata["lesion_id"].to_numpy(dtype=str))
        if ids.dtype.kind == "U":
            return ids
        import pandas as pd

        missing = pd.isna(ids)
        if missing.any():
            raise DataError(
                f"{self.name}: the lesion id of row {int(missing.argmax()):,} is missing.",
                "Give every image its lesion, or none: lesion_ids=None.",
            )
        return ids.astype(str)

    def _name_parts(self, words: Array) -> Strings:
        """Return the part of each image by its name here; empty for images of none."""
        names = {**PART_OF_WORD, "": ""}
        if unknown := sorted(set(map(str, words.tolist())) - set(names)):
            raise DataError(
                f"{self.name}: {unknown[0]!r} is not a part; expected {', '.join(PARTS)}.",
                "An empty text leaves an image out.",
            )
        return np.array([names[word] for word in words.tolist()], dtype=str)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        lesions = "unknown" if self.lesion_ids is None else f"{self.lesion_count:,}"
        height, width, channels = self.image_shape
        images = f"{len(self):,} images {height}×{width}×{channels}"
        return f"LesionDataset({self.name!r}, {images}, lesions: {lesions})"

    def __str__(self) -> str:
        height, width, channels = self.image_shape
        lesions = lesion_text(self.lesion_count)
        return f"{self.name}: {len(self):,} images of {height}×{width}×{channels}, {lesions}"

    def _repr_html_(self) -> str:
        """Return how many images each diagnosis has, and the first of them."""
        sheet = ["<tr><th>diagnosis</th><th>images</th><th></th></tr>"]
        for label, code in enumerate(CODES):
            found = np.flatnonzero(self.labels == label)
            picture = image_html(self.images[found[:_SHOWN]]) if len(found) else ""
            sheet.append(f"<tr><td>{code}</td><td>{len(found):,}</td><td>{picture}</td></tr>")
        return f"<div><p>{escape(repr(self))}</p><table>{''.join(sheet)}</table></div>"

    @property
    def image_shape(self) -> Shape:
        """Height, width and channels of one image."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    @property
    def X(self) -> Pixels:  # noqa: N802 - scikit-learn's name
        """The pixels as scikit-learn takes them: uint8, shape (n, h·w·c)."""
        return self.images.reshape(len(self.images), math.prod(self.image_shape))

    @property
    def y(self) -> Labels:
        """The labels under scikit-learn's name."""
        return self.labels

    @cached_property
    def image_ids(self) -> Strings | None:
        """The names of the images, None if they are unknown."""
        if self.metadata is None or "image_id" not in self.metadata:
            return None
        return self.metadata["image_id"].to_numpy(dtype=str)

    def name_of(self, row: int) -> str:
        """Return the image id of a row, or ``row 17``, counted from 0, where ids are unknown."""
        return f"row {row:,}" if self.image_ids is None else str(self.image_ids[row])

    @cached_property
    def patients(self) -> Float32 | None:
        """Age, sex and site of each image: float32, (n, `PATIENT_COLUMNS`); None if unknown.

        See `hmnist.encode_patients`.
        """
        return encode_patients(self.metadata)

    @cached_property
    def patient_digest(self) -> str | None:
        """SHA-256 over age, sex and site; None if they are unknown."""
        if self.patients is None:
            return None
        return hashlib.sha256(self.patients.tobytes()).hexdigest()

    @cached_property
    def lesion_count(self) -> int | None:
        """The number of lesions, None if they are unknown."""
        return None if self.lesion_ids is None else len(np.unique(self.lesion_ids))

    @cached_property
    def merged_pairs(self) -> int:
        """How many lesions were counted as one with another, of which they have a second id."""
        if self.lesion_count is None or self.metadata is None or "lesion_id" not in self.metadata:
            return 0
        # Lesions that were given beside the metadata may be more than those of the metadata.
        return max(0, int(self.metadata["lesion_id"].nunique()) - self.lesion_count)

    @cached_property
    def image_digest(self) -> str:
        """SHA-256 over pixels and labels, without lesions."""
        return self._hash().hexdigest()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over pixels, labels and lesions: with the same digest, models train the same.

        Those that use patient data need the same `patient_digest`, too.
        """
        sha = self._hash()
        if self.lesion_ids is not None:
            sha.update("\0".join(self.lesion_ids.tolist()).encode())
        return sha.hexdigest()

    def _hash(self) -> "hashlib._Hash":
        sha = hashlib.sha256(repr(self.images.shape).encode())
        for part in chunks_of(self.images):
            sha.update(np.ascontiguousarray(self.images[part]).data)
            release(self.images)
        sha.update(np.ascontiguousarray(self.labels, dtype=np.int64).data)
        return sha

    def take(self, indices: npt.ArrayLike) -> Self:
        """Return the images at `indices`, in that order, as a new data set.

        A mask takes the images where it is True. Raises UsageError for what is neither rows of the
        data, from 0, nor a mask.

        Images of more than half a gigabyte are copied into a file; see `hmnist.large_arrays`.

        Examples
        --------
        >>> data = LesionDataset(np.zeros((3, 8, 8, 1), np.uint8), np.array([4, 4, 6]))
        >>> data.take(np.array([2, 0])).labels
        array([6, 4])
        """
        rows = as_rows(indices, len(self), "The selection")
        lesions, table, parts = self.lesion_ids, self.metadata, self.own_split
        return dataclasses.replace(
            self,
            images=take_rows(self.images, rows),
            labels=self.labels[rows],
            lesion_ids=None if lesions is None else lesions[rows],
            metadata=None if table is None else table.iloc[rows].reset_index(drop=True),
            own_split=None if parts is None else parts[rows],
        )


def check_loaded(data: object) -> None:
    """Refuse what is not a `LesionDataset`, such as the name of a file.

    Examples
    --------
    >>> check_loaded("a.csv")
    Traceback (most recent call last):
    hmnist.errors.UsageError: 'a.csv' is not a LesionDataset. Load it first: hmnist.load('a.csv')
    """
    if isinstance(data, str | os.PathLike):
        path = os.fspath(data)
        raise UsageError(
            f"{path!r} is not a LesionDataset.", f"Load it first: hmnist.load({path!r})"
        )
    if not isinstance(data, LesionDataset):
        raise UsageError(
            f"The data are {with_article(type(data))}; expected a LesionDataset.",
            "hmnist.load reads one from a file; a split has train, validation and test.",
        )


def _as_array(values: npt.ArrayLike) -> Array:
    """Return values as a plain array; an empty one for lists of several lengths."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.empty(0, object)


def _is_long(ids: Strings) -> bool:
    """Return whether an id has more than `LONGEST_ID` characters."""
    # The type of an array tells how many characters its longest text may have.
    return ids.dtype.itemsize > 4 * LONGEST_ID and max(map(len, ids.tolist())) > LONGEST_ID


def lesion_text(lesions: int | None) -> str:
    """Return how many lesions there are, in words; None if they are unknown.

    Examples
    --------
    >>> lesion_text(7470), lesion_text(1), lesion_text(None)
    ('7,470 lesions', '1 lesion', 'lesions unknown')
    """
    if lesions is None:
        return "lesions unknown"
    return f"{lesions:,} lesion{'s' if lesions != 1 else ''}"


def fingerprint_images(images: Images) -> npt.NDArray[np.uint64]:
    """Return 64 bits of a hash of each image's pixels: shape (n,).

    Two of a million different images have the same fingerprint with a probability of 3e-8.

    Examples
    --------
    >>> first, second, third = fingerprint_images(np.array([3, 5, 3], np.uint8).reshape(3, 1, 1, 1))
    >>> first == third, first == second
    (np.True_, np.False_)
    """
    fingerprints = np.empty(len(images), np.uint64)
    for part in chunks_of(images):
        digests = (hashlib.blake2b(image.tobytes(), digest_size=8) for image in images[part])
        hashes = b"".join(each.digest() for each in digests)
        fingerprints[part] = np.frombuffer(hashes, np.uint64)
        release(images)
    return fingerprints
