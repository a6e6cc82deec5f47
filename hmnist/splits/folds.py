"""`split_folds`: cross-validation, in which each lesion is tested once."""

import numpy as np

from hmnist.dataset import LesionDataset, check_loaded
from hmnist.errors import UsageError, as_index, check_seed
from hmnist.splits.groups import assign_groups
from hmnist.splits.split import Split, check_split
from hmnist.splits.unknown_lesions import known_lesions

VALIDATION = 0.1
"""The share of all images that validates within each fold."""


def split_folds(data: LesionDataset, folds: int = 5, seed: int = 0) -> list[Split]:
    """Assign whole lesions to folds, stratified by diagnosis; each fold is tested once.

    Within each fold a tenth of all images, whole lesions again, validates.

    Parameters
    ----------
    data : LesionDataset
        The data set to divide; its lesions must be known.
    folds : int
        2 or more.
    seed : int
        0 or more; it fixes the random draws.

    Returns
    -------
    list of Split
        One for each fold.

    Raises
    ------
    UsageError
        If lesions are unknown, there are fewer than two folds or fewer lesions than folds, or
        `seed` is no whole number from 0.
    """
    check_loaded(data)
    check_seed(seed)
    lesions = known_lesions(data)
    most = len(np.unique(lesions))
    count = as_index(folds)  # a tuple times an integer of numpy is an array
    if count is None or not 2 <= count <= most:
        raise UsageError(
            f"{folds if count is None else count} folds cannot be made of {most:,} lesions.",
            f"Ask for 2 to {most:,}; 5 is usual.",
        )
    folds = count
    rng = np.random.default_rng(seed)
    fold_of_image = assign_groups(lesions, data.labels, (1 / folds,) * folds, rng)
    share = VALIDATION / (1 - 1 / folds)
    splits = []
    for fold in range(folds):
        rest = np.flatnonzero(fold_of_image != fold)
        rng = np.random.default_rng([seed, fold])
        validates = assign_groups(lesions[rest], data.labels[rest], (1 - share, share), rng) == 1
        parts = (rest[~validates], rest[validates], np.flatnonzero(fold_of_image == fold))
        splits.append(check_split(Split(data, "lesion", *parts, seed=seed, fold=fold, folds=folds)))
    return splits
