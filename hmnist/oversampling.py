"""More images of the rare diagnoses, in the training part only: `oversample`.

A method is a function and its line in `METHODS`. imbalanced-learn's samplers get row numbers, so
that repetition copies no pixels; SMOTE, which makes new images, gets float32 pixels, because
differences of uint8 wrap around. Any other sampler with imbalanced-learn's interface can be used in
the place of a method (`OwnSampler`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Float64, Indices, Labels, Pixels, Shape
from hmnist.augmentation import ORIENTATIONS, orient_each
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES, RARE
from hmnist.errors import UsageError, unknown_name
from hmnist.large_arrays import chunks_of, empty_rows, release

_LARGEST_SEED = 2**32 - 1  # numpy's legacy generators, which imbalanced-learn uses, take no more


@dataclass(frozen=True, eq=False)
class Oversampled:
    """The training part as a model will see it.

    Attributes
    ----------
    indices : numpy.ndarray of int64, shape (m,)
        Rows of the training part, with repetition; every row occurs at least once, unless a sampler
        of one's own has left some out.
    orientations : numpy.ndarray of uint8, shape (m,)
        The orientation (0–7, see `hmnist.augmentation.orient`) of each; 0 is the image as it is.
    new_images : numpy.ndarray of uint8, shape (k, h, w, c)
        Images that SMOTE or another sampler made; they follow the repeated ones.
    new_labels : numpy.ndarray of int64, shape (k,)
        Their diagnoses.
    new_rows : numpy.ndarray of int64, shape (k,)
        The rows of the training part whose patient data they have: random ones of their diagnosis.
    weights : numpy.ndarray of float64, shape (m + k,), or None
        How much each image counts in the loss; None if all count the same.
    """

    indices: Indices
    orientations: npt.NDArray[np.uint8]
    new_images: Pixels = field(repr=False)
    new_labels: Labels = field(repr=False)
    new_rows: Indices = field(repr=False)
    weights: Float64 | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.indices) + len(self.new_images)

    def apply(self, training: LesionDataset) -> tuple[Pixels, Labels]:
        """Return images (uint8, (m + k, h, w, c)) and labels (int64, (m + k,)) to fit on.

        Images of more than half a gigabyte lie in a file; see `hmnist.large_arrays`.
        """
        images = empty_rows((len(self), *training.image_shape), np.uint8)
        repeated = images[: len(self.indices)]
        for part in chunks_of(repeated):
            rows, orientations = self.indices[part], self.orientations[part]
            repeated[part] = orient_each(training.images[rows], orientations)
            release(training.images)
            release(images)
        images[len(self.indices) :] = self.new_images
        return images, np.concatenate([training.labels[self.indices], self.new_labels])

    def patients(self, training: LesionDataset) -> Float32 | None:
        """Return the patient data to fit on, shape (m + k, columns); None if they are unknown."""
        rows = np.concatenate([self.indices, self.new_rows])
        return None if training.patients is None else np.take(training.patients, rows, axis=0)


def oversample(
    training: LesionDataset,
    method: Any = "random",
    *,
    rare: Sequence[str] = RARE,
    target: int | None = None,
    seed: int = 0,
) -> Oversampled:
    """Raise the rare diagnoses of a training part to a target count.

    Parameters
    ----------
    training : LesionDataset
        The training part; never validation or test images.
    method : str or sampler
        ``none``, ``random``, ``augment``, ``smote``, ``weights`` or ``balanced``; see `METHODS`.
        ``weights`` repeats nothing: an image weighs as often as ``random`` is expected to show it.
        Or an object with ``fit_resample``, as imbalanced-learn's samplers: it gets the pixels as
        float32 rows, and decides itself what it raises.
    rare : sequence of str
        The diagnoses to raise. ``balanced`` raises all of them.
    target : int or None
        The count to reach. None means the median class size of the training part, for
        ``balanced`` the largest. A diagnosis that has as many already stays as it is, and so does
        one that is absent.
    seed : int
        From 0 to 4,294,967,295; it fixes the random draws.

    Returns
    -------
    Oversampled

    Raises
    ------
    UsageError
        If the method or a diagnosis is unknown, the target is not positive, the seed is out of
        range, there is only one diagnosis and it is to be raised, or a sampler cannot resample the
        training part.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> training = load_sample()
    >>> raised = oversample(training, "random", rare=["df"], target=100)
    >>> int((training.labels[raised.indices] == 3).sum())
    100
    """
    method = name_method(method)
    if not 0 <= seed <= _LARGEST_SEED:
        raise UsageError(
            f"The seed of an oversampling is 0 or more and at most {_LARGEST_SEED}, not {seed}."
        )
    if isinstance(method, OwnSampler):
        return _resample(training, method.sampler, seed)
    if method not in METHODS:
        raise unknown_name("oversampling", method, METHODS)
    targets = _targets(training.labels, method, rare, target)
    sample = METHODS[method].sample
    return sample(training, targets, seed) if sample and targets else _unchanged(training)


class OwnSampler(str):
    """The text of a sampler that is none of `METHODS`, which carries the sampler itself.

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


def name_method(method: Any) -> str:
    """Return the name of a method of oversampling, an `OwnSampler` for a sampler.

    Whether a method of that name exists is not checked. A UsageError is raised for an object that
    is no sampler.
    """
    if isinstance(method, str):
        return method
    if not hasattr(method, "fit_resample"):
        raise UsageError(
            f"{method!r} is no oversampling method, and no sampler: it has no fit_resample.",
            f"Name one of {', '.join(METHODS)}, or give a sampler of imbalanced-learn.",
        )
    return OwnSampler(method)


def is_method(name: str) -> bool:
    """Return whether a string is the name of a method, or the text of a sampler."""
    return name in METHODS or isinstance(name, OwnSampler) or name.endswith(")")


def _targets(
    labels: Labels, method: str, rare: Sequence[str], target: int | None
) -> dict[int, int]:
    """Return the count to reach for each label that has fewer images."""
    for code in rare:
        if code not in CODES:
            raise unknown_name("diagnosis", code, CODES)
    if target is not None and target < 1:
        raise UsageError(f"A target of {target} images per diagnosis cannot be reached.")
    counts = np.bincount(labels, minlength=len(CODES))
    present = counts[counts > 0]
    raises_all = METHODS[method].raises_all
    goal = target or int(present.max() if raises_all else np.median(present))
    raised = map(CODES.index, CODES if raises_all else rare)
    targets = {label: goal for label in raised if 0 < counts[label] < goal}
    if targets and len(present) == 1:
        raise UsageError(
            "The training part holds one diagnosis only, so there is no other to raise it against.",
            "Leave the target out, or use no oversampling.",
        )
    return targets


def _unchanged(training: LesionDataset) -> Oversampled:
    return _repeated(training, np.arange(len(training)))


def _repeated(training: LesionDataset, indices: Indices) -> Oversampled:
    orientations = np.zeros(len(indices), np.uint8)
    new_images = np.empty((0, *training.image_shape), np.uint8)
    none = np.empty(0, np.int64)
    return Oversampled(indices, orientations, new_images, new_labels=none, new_rows=none)


def _repeat(training: LesionDataset, targets: dict[int, int], seed: int) -> Oversampled:
    """Repeat random images as they are."""
    from imblearn.over_sampling import RandomOverSampler

    sampler = RandomOverSampler(sampling_strategy=targets, random_state=seed)
    rows, _ = sampler.fit_resample(np.arange(len(training))[:, None], training.labels)
    return _repeated(training, np.asarray(rows[:, 0], dtype=np.int64))


def _repeat_oriented(training: LesionDataset, targets: dict[int, int], seed: int) -> Oversampled:
    """Repeat random images, each repetition in another orientation."""
    repeated = _repeat(training, targets, seed)
    orientations = _new_orientations(repeated.indices, training.image_shape, seed)
    return replace(repeated, orientations=orientations)


def _new_orientations(rows: Indices, shape: Shape, seed: int) -> npt.NDArray[np.uint8]:
    """Give each repetition of an image an orientation it has not had, as long as there are any."""
    orientations = np.arange(1, ORIENTATIONS)
    if shape[0] != shape[1]:
        orientations = orientations[orientations % 2 == 0]  # quarter turns would change the shape
    rng = np.random.default_rng(seed)
    orders = rng.permuted(np.tile(orientations, (int(rows.max()) + 1, 1)), axis=1)
    by_row = np.argsort(rows, kind="stable")
    sorted_rows = rows[by_row]
    first = np.searchsorted(sorted_rows, sorted_rows)
    repetition = np.empty(len(rows), np.int64)
    repetition[by_row] = np.arange(len(rows)) - first
    chosen = orders[rows, (repetition - 1) % len(orientations)]
    return np.where(repetition == 0, 0, chosen).astype(np.uint8)


def _interpolate(training: LesionDataset, targets: dict[int, int], seed: int) -> Oversampled:
    """Add images between random neighbours of one diagnosis."""
    from imblearn.over_sampling import SMOTE

    kept = _unchanged(training)
    counts = np.bincount(training.labels, minlength=len(CODES))
    rng = np.random.default_rng(seed)
    images, labels, patients = [kept.new_images], [kept.new_labels], [kept.new_rows]
    # One diagnosis at a time, because the number of neighbours depends on how many there are.
    for label, goal in targets.items():
        if counts[label] < 2:
            continue  # a single image has no neighbour to interpolate with
        # New images depend on those of their diagnosis only, but the sampler wants two diagnoses.
        is_other = training.labels != label
        rows = np.append(np.flatnonzero(~is_other), is_other.argmax())
        neighbors = min(5, int(counts[label]) - 1)
        sampler = SMOTE(sampling_strategy={0: goal}, k_neighbors=neighbors, random_state=seed)
        pixels, _ = sampler.fit_resample(training.X[rows].astype(np.float32), 1 * is_other[rows])
        new = np.clip(np.rint(pixels[len(rows) :]), 0, 255).astype(np.uint8)
        images.append(new.reshape(-1, *training.image_shape))
        labels.append(np.full(len(new), label))
        patients.append(rng.choice(rows[:-1], len(new)))
    return replace(
        kept,
        new_images=np.concatenate(images),
        new_labels=np.concatenate(labels),
        new_rows=np.concatenate(patients),
    )


def _resample(training: LesionDataset, sampler: Any, seed: int) -> Oversampled:
    """Return what a sampler makes of the training part.

    Samplers that only choose rows say which (``sample_indices_``). Others return pixels: the rows
    that they were given come first, as in imbalanced-learn, or all of them count as new.
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
    if hasattr(sampler, "sample_indices_"):
        return _repeated(training, np.asarray(sampler.sample_indices_, np.int64))
    count = len(given)
    kept = count if np.array_equal(pixels[:count], given) else 0
    new = np.clip(np.rint(pixels[kept:]), 0, 255).astype(np.uint8)
    labels = np.asarray(labels[kept:], np.int64)
    rng = np.random.default_rng(seed)
    rows = [rng.choice(np.flatnonzero(training.labels == label)) for label in labels]
    return replace(
        _repeated(training, np.arange(kept)),
        new_images=new.reshape(-1, *training.image_shape),
        new_labels=labels,
        new_rows=np.asarray(rows, np.int64),
    )


def _weight(
    training: LesionDataset,
    targets: dict[int, int],
    seed: int,  # noqa: ARG001 - nothing is drawn
) -> Oversampled:
    """Weight images by goal count / present count of their diagnosis, 1 where it is not raised."""
    counts = np.bincount(training.labels, minlength=len(CODES))
    weight_of_label = np.ones(len(CODES))
    for label, goal in targets.items():
        weight_of_label[label] = goal / counts[label]
    return replace(_unchanged(training), weights=weight_of_label[training.labels])


@dataclass(frozen=True)
class Method:
    """A method of oversampling.

    Attributes
    ----------
    sample : callable or None
        Takes the training part, the count to reach by label, and the seed. None changes nothing.
    raises_all : bool
        Whether it raises all diagnoses, up to the commonest, instead of the rare ones.
    """

    summary: str
    sample: Callable[[LesionDataset, dict[int, int], int], Oversampled] | None
    raises_all: bool = False


METHODS = {
    "none": Method("every training image once", None),
    "random": Method("rare diagnoses repeated", _repeat),
    "augment": Method("rare diagnoses repeated in new orientations", _repeat_oriented),
    "smote": Method("rare diagnoses interpolated between neighbours (SMOTE)", _interpolate),
    "weights": Method("every image once, rare diagnoses weigh more in the loss", _weight),
    "balanced": Method("every diagnosis repeated up to the commonest", _repeat, raises_all=True),
}
"""The methods of oversampling by name."""
