"""`OwnSampler`: any sampler with imbalanced-learn's interface, in the place of a method."""

import copy
import math
from dataclasses import replace
from typing import Any, Self

import numpy as np

from hmnist.arrays import Array, Indices, Labels
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.oversampling.oversampled import Oversampled, nearest_rows, repeat_rows

_RETURNED = (
    "fit_resample returns a pair, as samplers of imbalanced-learn do: pixels 0–255, a row for each "
    "image, and a label 0–6 for each."
)


class OwnSampler(str):
    """The text of a sampler that is not a method of this package; it carries the sampler itself.

    Settings, tables and run folders name a method by a string, so they can name a sampler as well.

    Examples
    --------
    >>> from imblearn.over_sampling import ADASYN
    >>> OwnSampler(ADASYN(n_neighbors=3))
    'ADASYN(n_neighbors=3)'
    """

    __slots__ = ("sampler",)

    sampler: Any

    def __new__(cls, sampler: Any) -> Self:
        """Name a sampler by its text, or by its attributes if it has no text of its own."""
        text = super().__new__(cls, _describe(sampler))
        text.sampler = sampler
        return text

    def __reduce__(self) -> tuple[type[Self], tuple[Any]]:
        """Return what pickle and copy need."""
        return type(self), (self.sampler,)


def _describe(sampler: Any) -> str:
    text = " ".join(repr(sampler).split())
    if text.endswith(")"):
        return text
    # The object's own text says where it lies in memory, not what it is.
    attributes = getattr(sampler, "__dict__", {}).items()
    listed = ", ".join(f"{name}={value!r}" for name, value in attributes)
    return f"{type(sampler).__name__}({listed})"


def resample(training: LesionDataset, sampler: Any, seed: int) -> Oversampled:
    """Return what a sampler makes of the training part.

    Samplers that only choose rows say which (``sample_indices_``). Others return pixels, made of
    the rows that they say, if any: the rows that they were given come first, as in
    imbalanced-learn, or all of them count as new. So do rows whose labels were changed.

    Raises
    ------
    UsageError
        If the sampler cannot resample this training part, or returns something else than images
        and their labels.
    """
    sampler = _copy(sampler, seed)
    pixels, labels = _resampled(training, sampler)
    chosen = _chosen_rows(sampler, len(training), len(pixels))
    if (
        chosen is not None
        and np.array_equal(labels, training.labels[chosen])
        and np.array_equal(pixels, training.X[chosen])
    ):
        return repeat_rows(training, chosen)
    given = len(training) if np.array_equal(pixels[: len(training)], training.X) else 0
    kept = given if np.array_equal(labels[:given], training.labels[:given]) else 0
    new = np.clip(np.rint(pixels[kept:]), 0, 255).astype(np.uint8)
    if chosen is None:
        made = nearest_rows(training, new[given - kept :], labels[given:])
        chosen = np.concatenate([np.arange(given), made])
    return replace(
        repeat_rows(training, np.arange(kept)),
        new_images=new.reshape(-1, *training.image_shape),
        new_labels=labels[kept:],
        new_rows=chosen[kept:],
    )


def _copy(sampler: Any, seed: int) -> Any:
    """Return an unfitted copy of a sampler, with the seed if it has none of its own."""
    from sklearn.base import clone

    copied = clone(sampler) if hasattr(sampler, "get_params") else copy.deepcopy(sampler)
    if getattr(copied, "random_state", seed) is None:
        copied.random_state = seed
    return copied


def _resampled(training: LesionDataset, sampler: Any) -> tuple[Array, Labels]:
    """Return the pixels, (n, columns), and the labels that a sampler returns, checked."""
    name = OwnSampler(sampler)
    try:
        # Copies: a sampler may change its arguments.
        returned = sampler.fit_resample(training.X.astype(np.float32), training.labels.copy())
    except ValueError as error:
        raise UsageError(
            f"{name} cannot resample this training part: {error}",
            "Some samplers need more images of each diagnosis; choose other parameters.",
        ) from error
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise UsageError(f"{name} does not return pixels and labels.", _RETURNED)
    pixels, labels = np.asarray(returned[0]), np.asarray(returned[1])
    if (fault := _fault(pixels, labels, training)) is not None:
        raise UsageError(f"{name} returns {fault}.", _RETURNED)
    return pixels, labels.astype(np.int64)


def _fault(pixels: Array, labels: Array, training: LesionDataset) -> str | None:
    """Say what is wrong with what a sampler returns; None if nothing is."""
    columns = math.prod(training.image_shape)
    if pixels.ndim != 2 or pixels.shape[1] != columns:
        return f"pixels of the shape {pixels.shape}; expected (n, {columns})"
    if labels.shape != (len(pixels),):
        return f"labels of the shape {labels.shape}; expected ({len(pixels)},), one for each image"
    if not len(pixels):
        return "no images; expected at least one"
    if pixels.dtype.kind not in "iuf" or not np.isfinite(pixels).all():
        return f"pixels that are not finite numbers, of type {pixels.dtype}; expected 0–255"
    if labels.dtype.kind not in "iuf" or not np.isin(labels, range(len(CODES))).all():
        return f"labels that are not diagnoses; expected whole numbers 0–{len(CODES) - 1}"
    if pixels.min() >= 0 and pixels.max() <= 1 < training.images.max():
        return "pixels between 0 and 1; expected 0–255, as it was given"
    return None


def _chosen_rows(sampler: Any, given: int, returned: int) -> Indices | None:
    """Return the row that a sampler says each returned image is made of; None if it does not."""
    rows = np.asarray(getattr(sampler, "sample_indices_", ()))
    if rows.shape != (returned,) or rows.dtype.kind not in "iu":
        return None
    return rows.astype(np.int64) if 0 <= rows.min() <= rows.max() < given else None
