"""Split and resample as a published system did, leaks included: `divide`, `resample_training`.

`hmnist.systems.protocol` says what a system does; here it is done.
"""

import math
from dataclasses import replace

import numpy as np

from hmnist.arrays import Indices, Labels
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import DataError, UsageError, unknown_name
from hmnist.systems import SYSTEMS
from hmnist.systems.protocol import (
    Division,
    DrawnEqually,
    Protocol,
    RandomDivision,
    Resampling,
    SingleImageDivision,
    StratifiedDivision,
)

PUBLISHED = "published:"
"""How the name of such a split begins."""

Parts = tuple[Indices, Indices, Indices]
"""The rows of the training, validation and test part."""


def divide(data: LesionDataset, protocol: Protocol, seed: int) -> Parts:
    """Split a data set as a published system did: the rows of training, validation and test part.

    Each part is ascending. The split depends on the image ids where there are any, not on the order
    of the rows. If images are resampled before the split, rows are repeated, also across parts.

    Raises
    ------
    DataError
        If the protocol needs lesions and they are unknown.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> train, validation, test = divide(load_sample(rows=500), find_protocol("lenet"), seed=0)
    >>> len(train), len(validation), bool((validation == test).all())
    (450, 50, True)
    """
    rng = np.random.default_rng(seed)
    names = data.image_ids
    rows = np.arange(len(data)) if names is None else np.argsort(names, kind="stable")
    if protocol.before_split is not None:
        rows = _resample(protocol, data.labels, rows, rng)
    if isinstance(protocol.division, RandomDivision):
        parts = _divide_at_random(rows, protocol.division, rng)
    elif isinstance(protocol.division, StratifiedDivision):
        parts = _divide_by_diagnosis(data, rows, protocol.division, seed)
    else:
        parts = _divide_single_images(data, rows, protocol.division.share, rng)
    train, validation, test = map(np.sort, parts)
    return train, validation, test


def resample_training(data: LesionDataset, rows: Indices, protocol: Protocol, seed: int) -> Indices:
    """Do to a training part alone what a published system did to all images before its split.

    The rows of the training part come back ascending, and repeated as the protocol says. Where it
    draws a number of images of each diagnosis, there are as many as its own training part holds.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> protocol = find_protocol("small-cnn")
    >>> len(resample_training(load_sample(rows=500), np.arange(500), protocol, seed=0))
    2800
    """
    if protocol.before_split is None:
        return rows
    if isinstance(protocol.before_split, DrawnEqually):
        images = round(protocol.before_split.images * _training_share(protocol.division))
        protocol = replace(protocol, before_split=DrawnEqually(images))
    return np.sort(_resample(protocol, data.labels, rows, np.random.default_rng(seed)))


def target_of(resampling: Resampling, labels: Labels) -> int | None:
    """Return to how many images diagnoses are raised in a training part with these labels.

    Examples
    --------
    >>> target_of(Resampling("augment", target=6000), np.array([4, 4, 4, 6]))
    3
    """
    if resampling.target is None:
        return None
    return min(resampling.target, int(np.bincount(labels).max()))


def find_protocol(name: str) -> Protocol:
    """Return the protocol of a published system, named with or without ``published:``."""
    name = name.removeprefix(PUBLISHED)
    if name not in SYSTEMS:
        raise unknown_name("published protocol", name, SYSTEMS)
    return SYSTEMS[name].protocol


def _divide_at_random(rows: Indices, division: RandomDivision, rng: np.random.Generator) -> Parts:
    order = rng.permutation(rows)
    test_end = math.ceil(division.test * len(rows))
    if division.validation is None:
        return order[test_end:], order[:test_end], order[:test_end]
    validation_end = test_end + math.ceil(division.validation * len(rows))
    return order[validation_end:], order[test_end:validation_end], order[:test_end]


def _training_share(division: Division) -> float:
    """Return the share of the images that train."""
    match division:
        case RandomDivision(test, validation):
            return 1 - test - (validation or 0)
        case StratifiedDivision(test, _) | SingleImageDivision(test):
            return 1 - test


def _divide_by_diagnosis(
    data: LesionDataset, rows: Indices, division: StratifiedDivision, seed: int
) -> Parts:
    from sklearn.model_selection import train_test_split

    state = (division.random_state + seed) % 2**32  # scikit-learn takes no larger one
    try:
        train, test = train_test_split(
            rows, test_size=division.test, random_state=state, stratify=data.labels[rows]
        )
    except ValueError as error:
        raise UsageError(
            f"{data.name} cannot be divided by diagnosis: {str(error).rstrip('.')}.",
            "More images are needed.",
        ) from error
    return train, test, test


def _divide_single_images(
    data: LesionDataset, rows: Indices, share: float, rng: np.random.Generator
) -> Parts:
    """Test and validate on a share of the lesions with a single image, stratified by diagnosis."""
    if data.lesion_ids is None:
        raise DataError(
            f"{data.name} does not say which images show one lesion, and this protocol validates "
            "on lesions of one image.",
            "The column lesion_id of HAM10000_metadata.csv does: put it beside the pixel file, or "
            "name it with --metadata.",
        )
    lesion_ids = data.lesion_ids
    if data.metadata is not None and "lesion_id" in data.metadata:
        # The file's own ids: the source did not know that some lesions have two.
        lesion_ids = data.metadata["lesion_id"].to_numpy(dtype=str)
    _, lesion_of_row, sizes = np.unique(lesion_ids, return_inverse=True, return_counts=True)
    single = rows[sizes[lesion_of_row[rows]] == 1]
    images = np.bincount(data.labels[single], minlength=len(CODES))
    order = rng.permutation(single)
    counts = _apportion(images, math.ceil(share * len(single)))
    test = np.concatenate(
        [order[data.labels[order] == label][:count] for label, count in enumerate(counts)]
    )
    return np.setdiff1d(rows, test), test, test


def _apportion(counts: Indices, total: int) -> list[int]:
    """Divide a total in proportion to counts into whole numbers, by the largest remainders."""
    exact = counts * (total / max(1, counts.sum()))
    shares = np.floor(exact).astype(np.int64)
    for label in np.argsort(shares - exact, kind="stable")[: total - int(shares.sum())]:
        shares[label] += 1
    return [int(share) for share in shares]


def _resample(
    protocol: Protocol, labels: Labels, rows: Indices, rng: np.random.Generator
) -> Indices:
    """Return the rows that a protocol splits, repeated."""
    present, counts = np.unique(labels[rows], return_counts=True)
    rows_of = [rows[labels[rows] == label] for label in present]
    if isinstance(protocol.before_split, DrawnEqually):
        images = protocol.before_split.images
        return np.concatenate([rng.choice(members, images) for members in rows_of])
    missing = counts.max() - counts
    repeated = [rng.choice(*draw) for draw in zip(rows_of, missing, strict=True)]
    return np.concatenate([rows, *repeated])
