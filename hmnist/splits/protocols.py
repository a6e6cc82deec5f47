"""How each published system split, resampled and validated, leaks included: `PROTOCOLS`, `deal`.

A protocol says what is done before the split (images drawn anew, so that one may stand in two
parts), how images are dealt, and what is done to the training part. What a source does not state
was chosen here, and stands among the protocol's notes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES, RARE
from hmnist.errors import DataError, UsageError

__all__ = [
    "OVERSAMPLE_FIRST",
    "PROTOCOLS",
    "PUBLISHED",
    "Protocol",
    "Resampling",
    "deal",
    "find_protocol",
    "resample_training",
]

PUBLISHED = "published:"
"""How the name of such a split begins."""

OVERSAMPLE_FIRST = "oversample-first"
"""No publication's: what circulates in notebooks."""

Indices = npt.NDArray[np.int64]

Parts = tuple[Indices, Indices, Indices]


@dataclass(frozen=True, slots=True)
class Resampling:
    """What is done to the training part, behind the split, in the words of `oversample`.

    Attributes
    ----------
    method : str
        A method of `hmnist.oversampling`.
    diagnoses : tuple of str
        Those that are raised.
    target : int or None
        To how many images, but never beyond the commonest diagnosis; None is the method's default.
    """

    method: str = "none"
    diagnoses: tuple[str, ...] = RARE
    target: int | None = None

    def limit(self, labels: npt.NDArray[np.int64]) -> int | None:
        """Return the target for a training part with these labels."""
        return None if self.target is None else min(self.target, int(np.bincount(labels).max()))


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a published system split, resampled and validated.

    Attributes
    ----------
    name : str
        The system's, as in ``published:<name>``.
    words : str
        What is done, in a phrase.
    deals : callable
        Takes data, rows and a generator, returns the rows of train, validation and test.
    resamples : callable or None
        What is done before the split: takes labels, rows and a generator, returns rows, repeated.
    training : Resampling
        What is done to the training part.
    notes : tuple of str
        What the source leaves open and was chosen here (``Ours: …``), and where this departs from
        it (``Departs: …``).
    """

    name: str
    words: str
    deals: Callable[[LesionDataset, Indices, np.random.Generator], Parts]
    resamples: Callable[[npt.NDArray[np.int64], Indices, np.random.Generator], Indices] | None = (
        None
    )
    training: Resampling = Resampling()
    notes: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """Whether its test part holds every diagnosis about equally often."""
        return self.resamples is not None


def deal(data: LesionDataset, name: str, seed: int) -> Parts:
    """Deal a data set out as a published system did.

    Parameters
    ----------
    data : LesionDataset
        What is dealt out.
    name : str
        A name of `PROTOCOLS`.
    seed : int
        0 or more; what fixes the deal. It depends on the ids alone where there are any, not on row
        order.

    Returns
    -------
    tuple of numpy.ndarray of int64
        The rows of train, validation and test, each ascending; where images are resampled before
        the split they are repeated, and stand in several parts.

    Raises
    ------
    UsageError
        If there is no such protocol.
    DataError
        If the protocol needs lesions and they are unknown.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> train, validation, test = deal(load_sample(rows=500), "lenet", seed=0)
    >>> len(train), len(validation), bool((validation == test).all())
    (450, 50, True)
    """
    protocol = find_protocol(name)
    rng = np.random.default_rng(seed)
    names = data.image_ids
    rows = np.arange(len(data)) if names is None else np.argsort(names, kind="stable")
    if protocol.resamples is not None:
        rows = protocol.resamples(data.labels, rows, rng)
    train, validation, test = map(np.sort, protocol.deals(data, rows, rng))
    return train, validation, test


def resample_training(data: LesionDataset, rows: Indices, name: str, seed: int) -> Indices:
    """Do to a training part alone what a published system did to all images, before its split.

    Parameters
    ----------
    data : LesionDataset
        What was dealt out.
    rows : numpy.ndarray of int64
        The rows that train, ascending.
    name : str
        A name of `PROTOCOLS`.
    seed : int
        0 or more; what fixes the draw.

    Returns
    -------
    numpy.ndarray of int64
        The rows that train, ascending, repeated as the protocol says; as they are where it
        resamples nothing before its split.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> len(resample_training(load_sample(rows=500), np.arange(500), "small-cnn", seed=0))
    3500
    """
    protocol = find_protocol(name)
    if protocol.resamples is None:
        return rows
    return np.sort(protocol.resamples(data.labels, rows, np.random.default_rng(seed)))


def find_protocol(name: str) -> Protocol:
    """Return a protocol by its name, with or without ``published:``.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    name = name.removeprefix(PUBLISHED)
    if name not in PROTOCOLS:
        raise UsageError(
            f"There is no published protocol called {name!r}.", f"Choose {', '.join(PROTOCOLS)}."
        )
    return PROTOCOLS[name]


def _by_image(
    data: LesionDataset,  # noqa: ARG001 - whoever the images show
    rows: Indices,
    rng: np.random.Generator,
    *,
    test: float,
    validation: float | None = None,
) -> Parts:
    """Deal rows at random; without a share of its own, the test part is the validation part."""
    order = rng.permutation(rows)
    tested = math.ceil(test * len(rows))
    if validation is None:
        return order[tested:], order[:tested], order[:tested]
    validated = tested + math.ceil(validation * len(rows))
    return order[validated:], order[tested:validated], order[:tested]


def _by_single_lesion(
    data: LesionDataset, rows: Indices, rng: np.random.Generator, *, share: float
) -> Parts:
    """Validate on some of the lesions that have one image only, stratified; train on the rest."""
    if data.lesion_ids is None:
        raise DataError(
            f"{data.name} does not say which images show one lesion, and this protocol validates "
            "on lesions of one image.",
            "The column lesion_id of HAM10000_metadata.csv does: put it beside the pixel file, or "
            "name it with --metadata.",
        )
    ids = data.lesion_ids
    if data.metadata is not None and "lesion_id" in data.metadata:
        # As the file has them: the source knew of no lesion under two ids.
        ids = data.metadata["lesion_id"].to_numpy(dtype=str)
    _, lesion_of_row, sizes = np.unique(ids, return_inverse=True, return_counts=True)
    single = rows[sizes[lesion_of_row[rows]] == 1]
    counts = np.bincount(data.labels[single], minlength=len(CODES))
    order = rng.permutation(single)
    test = np.concatenate(
        [
            order[data.labels[order] == label][:count]
            for label, count in enumerate(_shared_out(counts, math.ceil(share * len(single))))
        ]
    )
    return np.setdiff1d(rows, test), test, test


def _shared_out(counts: Indices, total: int) -> list[int]:
    """Share a total out in proportion to counts: whole numbers, the largest remainders up."""
    exact = counts * (total / max(1, counts.sum()))
    shares = np.floor(exact).astype(np.int64)
    for label in np.argsort(shares - exact, kind="stable")[: total - int(shares.sum())]:
        shares[label] += 1
    return [int(share) for share in shares]


def _drawn_anew(
    labels: npt.NDArray[np.int64], rows: Indices, rng: np.random.Generator, *, count: int
) -> Indices:
    """Draw so many images of every diagnosis that is there, with replacement."""
    drawn = [rng.choice(rows[labels[rows] == label], count) for label in np.unique(labels[rows])]
    return np.concatenate(drawn)


def _raised_to_the_commonest(
    labels: npt.NDArray[np.int64], rows: Indices, rng: np.random.Generator
) -> Indices:
    """Keep every image, and repeat some until all diagnoses are as frequent as the commonest."""
    present, counts = np.unique(labels[rows], return_counts=True)
    more = [
        rng.choice(rows[labels[rows] == label], counts.max() - count)
        for label, count in zip(present, counts, strict=True)
    ]
    return np.concatenate([rows, *more])


_TENTH = partial(_by_image, test=0.1)

_FIFTH = partial(_by_image, test=0.2)

_FIVE_HUNDRED = (
    "every diagnosis drawn with replacement to 500 images, then a random 80/20 split whose test "
    "part also validates"
)

_UNSTATED = "Ours: the source states neither training nor split; this is the split of lenet."

_PROTOCOLS = (
    Protocol("lenet", "random 90/10 by image; the test part also validates", _TENTH),
    Protocol(
        "deep-cnn",
        "not stated; here random 90/10 by image, the test part also validates",
        _TENTH,
        notes=(_UNSTATED,),
    ),
    Protocol(
        "deep-cnn-bn",
        "not stated; here random 90/10 by image, the test part also validates",
        _TENTH,
        notes=(_UNSTATED,),
    ),
    Protocol("small-cnn", _FIVE_HUNDRED, _FIFTH, partial(_drawn_anew, count=500)),
    Protocol("pixel-mlp", _FIVE_HUNDRED, _FIFTH, partial(_drawn_anew, count=500)),
    Protocol(
        "skin-pamper",
        "not stated; here random 70/30 by image, the other part both validates and tests",
        partial(_by_image, test=0.3),
        training=Resampling("augment"),
        notes=(
            "Ours: 70 % of the images train, which is what 110 steps of 64 amount to.",
            (
                "Ours: df and vasc are raised to the median diagnosis, in new orientations; the "
                "source says that they are augmented, not how, nor to how many."
            ),
        ),
    ),
    Protocol("vgg16", _FIVE_HUNDRED, _FIFTH, partial(_drawn_anew, count=500)),
    Protocol(
        "mobilenet",
        "announced, not done; here random 80/10/10 by image, validation and test apart",
        partial(_by_image, test=0.1, validation=0.1),
        training=Resampling("augment"),
        notes=(
            (
                "Ours: shares and augmentation (df and vasc to the median diagnosis, in new "
                "orientations); the announcement says that validation and test are to differ, and "
                "that images are to be augmented."
            ),
        ),
    ),
    Protocol(
        "inception-resnet",
        "17 % of the lesions with one image, stratified by diagnosis, validate and test",
        partial(_by_single_lesion, share=0.17),
        training=Resampling("augment", tuple(code for code in CODES if code != "nv"), 6000),
        notes=(
            (
                "Departs: images are raised to 6,000 in new orientations (eight of them); the "
                "source turned, shifted and enlarged them by any amount."
            ),
            (
                "Ours: no diagnosis is raised beyond nv, which has some 6,000 training images in "
                "the full file and fewer in a part of it."
            ),
        ),
    ),
    Protocol(
        OVERSAMPLE_FIRST,
        "every diagnosis repeated up to the commonest, then a random 80/20 split by image whose "
        "test part also validates",
        _FIFTH,
        _raised_to_the_commonest,
    ),
)

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in _PROTOCOLS}
