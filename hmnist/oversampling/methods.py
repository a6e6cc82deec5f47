"""The methods of oversampling: a method is a function, and its line in `METHODS`.

imbalanced-learn's samplers get row numbers, so that repetition copies no pixels; SMOTE, which makes
new images, gets float32 pixels, because differences of uint8 wrap around.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Indices, Shape
from hmnist.augmentation import ORIENTATIONS, distort_randomly
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.oversampling.oversampled import Oversampled, keep_all, nearest_rows, repeat_rows


def _repeat(training: LesionDataset, targets: dict[int, int], seed: int) -> Oversampled:
    """Repeat random images as they are."""
    from imblearn.over_sampling import RandomOverSampler

    sampler = RandomOverSampler(sampling_strategy=targets, random_state=seed)
    rows, _ = sampler.fit_resample(np.arange(len(training))[:, None], training.labels)
    return repeat_rows(training, np.asarray(rows[:, 0], dtype=np.int64))


def _repeat_oriented(training: LesionDataset, targets: dict[int, int], seed: int) -> Oversampled:
    """Repeat random images, each repetition in another orientation."""
    repeated = _repeat(training, targets, seed)
    orientations = _new_orientations(repeated.indices, training.image_shape, seed)
    return replace(repeated, orientations=orientations)


def _repeat_distorted(training: LesionDataset, targets: dict[int, int], seed: int) -> Oversampled:
    """Repeat random images, each repetition rotated, shifted, zoomed and mirrored at random."""
    rows = _repeat(training, targets, seed).indices[len(training) :]
    images = distort_randomly(training.images[rows], np.random.default_rng(seed))
    return replace(
        keep_all(training), new_images=images, new_labels=training.labels[rows], new_rows=rows
    )


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

    kept = keep_all(training)
    counts = np.bincount(training.labels, minlength=len(CODES))
    images, labels = [kept.new_images], [kept.new_labels]
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
    new_images, new_labels = np.concatenate(images), np.concatenate(labels)
    new_rows = nearest_rows(training, new_images, new_labels)
    return replace(kept, new_images=new_images, new_labels=new_labels, new_rows=new_rows)


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
    return replace(keep_all(training), weights=weight_of_label[training.labels])


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
    "affine": Method("rare diagnoses rotated, shifted, zoomed and mirrored", _repeat_distorted),
    "smote": Method("rare diagnoses interpolated between neighbours (SMOTE)", _interpolate),
    "weights": Method("every image once, rare diagnoses weigh more in the loss", _weight),
    "balanced": Method("every diagnosis repeated up to the commonest", _repeat, raises_all=True),
}
"""The methods of oversampling by name."""
