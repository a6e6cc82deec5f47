"""More images of the rare diagnoses, in the training part only: `oversample`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hmnist.arrays import Labels
from hmnist.dataset import LesionDataset, check_loaded
from hmnist.diagnoses import CODES, RARE
from hmnist.errors import UsageError, read_count, unknown_name
from hmnist.oversampling.methods import METHODS
from hmnist.oversampling.oversampled import Oversampled, keep_all
from hmnist.oversampling.own_sampler import OwnSampler, resample

_LARGEST_TARGET = 10**9
_LARGEST_SEED = 2**32 - 1  # numpy's legacy generators, which imbalanced-learn uses, take no more


def oversample(
    training: LesionDataset,
    method: Any = "random",
    *,
    rare: str | Sequence[str] = RARE,
    target: int | None = None,
    seed: int = 0,
) -> Oversampled:
    """Raise the rare diagnoses of a training part to a target count.

    Parameters
    ----------
    training : LesionDataset
        The training part; never validation or test images.
    method : str or sampler
        ``none``, ``random``, ``augment``, ``affine``, ``smote``, ``weights`` or ``balanced``;
        see `hmnist.oversampling.methods.METHODS`. ``weights`` repeats nothing: an image weighs as
        often as ``random`` is expected to show it. Or an object with ``fit_resample``, as
        imbalanced-learn's samplers: it gets the pixels as float32 rows, and decides itself what it
        raises.
    rare : str or sequence of str
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
        If the training part is not a `LesionDataset` or holds no images; if the method or a
        diagnosis is unknown, the target is not positive, the seed is out of range, there is only
        one diagnosis and it is to be raised, or a sampler cannot resample the training part or
        returns something else than images and labels.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> training = load_sample()
    >>> raised = oversample(training, "random", rare=["df"], target=100)
    >>> int((training.labels[raised.indices] == 3).sum())
    100
    """
    check_loaded(training)
    method = name_method(method)
    seed = read_count("seed", seed, 0, _LARGEST_SEED)
    if not len(training):
        raise UsageError("The training part holds no images to oversample.")
    if isinstance(method, OwnSampler):
        return resample(training, method.sampler, seed)
    if method not in METHODS:
        raise unknown_name("oversampling", method, METHODS)
    named = [rare] if isinstance(rare, str) else rare
    targets = _targets(training.labels, method, named, target)
    sample = METHODS[method].sample
    return sample(training, targets, seed) if sample and targets else keep_all(training)


def name_method(method: Any) -> str:
    """Return the name of a method of oversampling, an `OwnSampler` for a sampler.

    Whether a method of that name exists is not checked. A UsageError is raised for an object that
    is not a sampler, or that is seeded by an object: its text would be another in every process.
    """
    if isinstance(method, str):
        return method
    if not hasattr(method, "fit_resample"):
        raise UsageError(
            f"{method!r} is not an oversampling method, and no sampler: it has no fit_resample.",
            f"Name one of {', '.join(METHODS)}, or give a sampler of imbalanced-learn.",
        )
    if not isinstance(getattr(method, "random_state", None), int | np.integer | None):
        raise UsageError(
            f"The random_state of {type(method).__name__} is an object, so that a run could not be "
            "named by it.",
            "Give it a whole number, or none: the seed of the training is used then.",
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
    if target is not None:
        target = read_count("target", target, 1, _LARGEST_TARGET)
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
