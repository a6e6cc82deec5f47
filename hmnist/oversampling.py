"""More images of the rare diagnoses, in the training part only: `oversample`.

The samplers are imbalanced-learn's. They are given row numbers instead of pixels where that is all
they need, so that repetition copies nothing; SMOTE, which makes new images, is given float32
pixels, because uint8 differences wrap around.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hmnist.augmentation import ORIENTATIONS, orient_each
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES, RARE
from hmnist.errors import UsageError

__all__ = ["METHODS", "Oversampled", "oversample"]

METHODS = {
    "none": "every training image once",
    "random": "rare diagnoses repeated",
    "augment": "rare diagnoses repeated in new orientations",
    "smote": "rare diagnoses interpolated between neighbours (SMOTE)",
    "weights": "every image once, rare diagnoses weigh more in the loss",
    "balanced": "every diagnosis repeated up to the commonest",
}

_LARGEST_SEED = 2**32 - 1  # numpy's legacy generators, which imbalanced-learn uses, take no more


@dataclass(frozen=True, eq=False)
class Oversampled:
    """The training part as a model will see it.

    Attributes
    ----------
    indices : numpy.ndarray of int64, shape (m,)
        Rows of the training part, with repetition; every row occurs at least once.
    orientations : numpy.ndarray of uint8, shape (m,)
        The orientation (0–7, see `hmnist.augmentation.orient`) of each; 0 is the image as it is.
    new_images : numpy.ndarray of uint8, shape (k, h, w, c)
        Images that SMOTE made; they follow the repeated ones.
    new_labels : numpy.ndarray of int64, shape (k,)
        Their diagnoses.
    weights : numpy.ndarray of float64, shape (m + k,), or None
        How much each image counts in the loss; None if all count alike.
    """

    indices: npt.NDArray[np.int64]
    orientations: npt.NDArray[np.uint8]
    new_images: npt.NDArray[np.uint8] = field(repr=False)
    new_labels: npt.NDArray[np.int64] = field(repr=False)
    weights: npt.NDArray[np.float64] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.indices) + len(self.new_images)

    def apply(self, training: LesionDataset) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Return images (uint8, (m + k, h, w, c)) and labels (int64, (m + k,)) to fit on."""
        images = orient_each(training.images[self.indices], self.orientations)
        labels = training.labels[self.indices]
        if len(self.new_images):
            images = np.concatenate([images, self.new_images])
            labels = np.concatenate([labels, self.new_labels])
        return images, labels


def oversample(
    training: LesionDataset,
    method: str = "random",
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
    method : str
        ``none``, ``random``, ``augment``, ``smote``, ``weights`` or ``balanced``; see `METHODS`.
        ``weights`` repeats nothing: an image weighs as often as ``random`` is expected to show it.
    rare : sequence of str
        The diagnoses to raise. ``balanced`` raises all of them.
    target : int or None
        The count to reach. None means the median class size of the training part, for
        ``balanced`` the largest. A diagnosis that has as many already is left as it is, and so is
        one that is absent.
    seed : int
        From 0 to 4,294,967,295; what fixes the draw.

    Returns
    -------
    Oversampled

    Raises
    ------
    UsageError
        If the method or a diagnosis is unknown, the target is not positive, the seed is out of
        range, or there is only one diagnosis and it is to be raised.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> training = load_sample()
    >>> raised = oversample(training, "random", rare=["df"], target=100)
    >>> int((training.labels[raised.indices] == 3).sum())
    100
    """
    if method not in METHODS:
        raise UsageError(
            f"There is no oversampling called {method!r}.", f"Choose {', '.join(METHODS)}."
        )
    if not 0 <= seed <= _LARGEST_SEED:
        raise UsageError(
            f"The seed of an oversampling is 0 or more and at most {_LARGEST_SEED}, not {seed}."
        )
    targets = _targets(training.labels, method, rare, target)
    nothing_new = (
        np.empty((0, *training.image_shape), np.uint8),
        np.empty(0, np.int64),
    )
    if method == "none" or not targets:
        rows = np.arange(len(training))
        return Oversampled(rows, np.zeros(len(rows), np.uint8), *nothing_new)
    if method == "smote":
        rows = np.arange(len(training))
        return Oversampled(
            rows, np.zeros(len(rows), np.uint8), *_interpolated(training, targets, seed)
        )
    if method == "weights":
        rows = np.arange(len(training))
        weights = _weights(training.labels, targets)
        return Oversampled(rows, np.zeros(len(rows), np.uint8), *nothing_new, weights)
    rows = _repeated(training.labels, targets, seed)
    orientations = (
        _new_orientations(rows, training.image_shape, seed)
        if method == "augment"
        else np.zeros(len(rows), np.uint8)
    )
    return Oversampled(rows, orientations, *nothing_new)


def _targets(
    labels: npt.NDArray[np.int64], method: str, rare: Sequence[str], target: int | None
) -> dict[int, int]:
    """Return the count to reach for each label that lies below it."""
    if unknown := [code for code in rare if code not in CODES]:
        raise UsageError(
            f"There is no diagnosis called {unknown[0]!r}.", f"Choose among {', '.join(CODES)}."
        )
    if target is not None and target < 1:
        raise UsageError(f"A target of {target} images per diagnosis cannot be reached.")
    counts = np.bincount(labels, minlength=len(CODES))
    present = counts[counts > 0]
    if method == "balanced":
        raised = list(range(len(CODES)))
        goal = target or int(present.max())
    else:
        raised = [CODES.index(code) for code in rare]
        goal = target or int(np.median(present))
    targets = {label: goal for label in raised if 0 < counts[label] < goal}
    if targets and len(present) == 1:
        raise UsageError(
            "The training part holds one diagnosis only, so there is no other to raise it against.",
            "Leave the target out, or use no oversampling.",
        )
    return targets


def _weights(labels: npt.NDArray[np.int64], targets: dict[int, int]) -> npt.NDArray[np.float64]:
    """Return goal count / present count for the images of raised diagnoses, 1 for the others."""
    counts = np.bincount(labels, minlength=len(CODES))
    of_label = np.ones(len(CODES))
    for label, goal in targets.items():
        of_label[label] = goal / counts[label]
    return of_label[labels]


def _repeated(
    labels: npt.NDArray[np.int64], targets: dict[int, int], seed: int
) -> npt.NDArray[np.int64]:
    from imblearn.over_sampling import RandomOverSampler

    sampler = RandomOverSampler(sampling_strategy=targets, random_state=seed)
    rows, _ = sampler.fit_resample(np.arange(len(labels))[:, None], labels)
    return np.asarray(rows[:, 0], dtype=np.int64)


def _new_orientations(
    rows: npt.NDArray[np.int64], shape: tuple[int, int, int], seed: int
) -> npt.NDArray[np.uint8]:
    """Give each repetition of an image an orientation it has not had, as long as there are any."""
    turns = np.arange(1, ORIENTATIONS)
    if shape[0] != shape[1]:
        turns = turns[turns % 2 == 0]  # quarter turns would change the shape
    rng = np.random.default_rng(seed)
    orders = rng.permuted(np.tile(turns, (int(rows.max()) + 1, 1)), axis=1)
    by_row = np.argsort(rows, kind="stable")
    sorted_rows = rows[by_row]
    first = np.searchsorted(sorted_rows, sorted_rows)
    repetition = np.empty(len(rows), np.int64)
    repetition[by_row] = np.arange(len(rows)) - first
    chosen = orders[rows, (repetition - 1) % len(turns)]
    return np.where(repetition == 0, 0, chosen).astype(np.uint8)


def _interpolated(
    training: LesionDataset, targets: dict[int, int], seed: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    from imblearn.over_sampling import SMOTE

    counts = np.bincount(training.labels, minlength=len(CODES))
    images, labels = [np.empty((0, *training.image_shape), np.uint8)], [np.empty(0, np.int64)]
    # One diagnosis at a time, because the number of neighbours depends on how many there are.
    for label, goal in targets.items():
        if counts[label] < 2:
            continue  # a single image has no neighbour to interpolate with
        sampler = SMOTE(
            sampling_strategy={label: goal},
            k_neighbors=min(5, int(counts[label]) - 1),
            random_state=seed,
        )
        pixels, made = sampler.fit_resample(training.X.astype(np.float32), training.labels)
        new = np.clip(np.rint(pixels[len(training) :]), 0, 255).astype(np.uint8)
        images.append(new.reshape(-1, *training.image_shape))
        labels.append(np.asarray(made[len(training) :], dtype=np.int64))
    return np.concatenate(images), np.concatenate(labels)
