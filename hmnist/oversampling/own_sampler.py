"""`OwnSampler`: any sampler with imbalanced-learn's interface, in the place of a method."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.oversampling.oversampled import Oversampled, nearest_rows, repeat_rows

if TYPE_CHECKING:
    from hmnist.arrays import Indices


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
        """Name a sampler by its text."""
        text = super().__new__(cls, " ".join(repr(sampler).split()))
        text.sampler = sampler
        return text

    def __reduce__(self) -> tuple[type[Self], tuple[Any]]:
        """Return what pickle and copy need."""
        return type(self), (self.sampler,)


def resample(training: LesionDataset, sampler: Any, seed: int) -> Oversampled:
    """Return what a sampler makes of the training part.

    Samplers that only choose rows say which (``sample_indices_``). Others return pixels, made of
    the rows that they say, if any: the rows that they were given come first, as in
    imbalanced-learn, or all of them count as new.
    """
    from sklearn.base import clone

    sampler = clone(sampler)
    if sampler.get_params().get("random_state", seed) is None:
        sampler.set_params(random_state=seed)
    given = training.X.astype(np.float32)
    try:
        pixels, labels = sampler.fit_resample(given, training.labels)
    except ValueError as error:
        raise UsageError(
            f"{OwnSampler(sampler)} cannot resample this training part: {error}",
            "Some samplers need more images of each diagnosis; choose other parameters.",
        ) from error
    chosen: Indices | None = getattr(sampler, "sample_indices_", None)
    if chosen is not None and np.array_equal(pixels, given[chosen]):
        return repeat_rows(training, np.asarray(chosen, np.int64))
    count = len(given)
    kept = count if np.array_equal(pixels[:count], given) else 0
    new = np.clip(np.rint(pixels[kept:]), 0, 255).astype(np.uint8)
    labels = np.asarray(labels[kept:], np.int64)
    if chosen is None or len(chosen) != len(pixels):
        rows = nearest_rows(training, new, labels)
    else:
        rows = np.asarray(chosen[kept:], np.int64)
    return replace(
        repeat_rows(training, np.arange(kept)),
        new_images=new.reshape(-1, *training.image_shape),
        new_labels=labels,
        new_rows=rows,
    )
