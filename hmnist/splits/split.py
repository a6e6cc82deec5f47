"""Which images train, validate and test: `split`.

A lesion may have up to six images. If one of them trains a model and another tests it, the test
measures what the model remembers. So the default keeps whole lesions together, and every split
counts the lesions that stand in more than one part.
"""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from hmnist.arrays import Indices, Strings, as_rows
from hmnist.dataset import PARTS, LesionDataset, check_loaded
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, check_seed, read_count, with_article
from hmnist.files import expand_home
from hmnist.html import html_of
from hmnist.splits.groups import assign_groups
from hmnist.splits.leaks import Leak, find_leaks
from hmnist.splits.protocols import PUBLISHED, divide, find_protocol
from hmnist.splits.same_data import SPLITS, refuse_other_data
from hmnist.splits.split_file import read_split_file
from hmnist.splits.unknown_lesions import (
    cure_unknown_lesions,
    describe_unknown_lesions,
    known_lesions,
)
from hmnist.systems.protocol import Protocol

_LARGEST_NUMBER = 10**12  # of a seed or a fold, as in `hmnist.guarded`

FRACTIONS = (0.7, 0.1, 0.2)
"""The shares of the images that train, validate and test."""


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """A data set divided into three parts.

    Attributes
    ----------
    data : LesionDataset
        The data set that is divided.
    kind : str
        ``lesion``, ``image``, ``own`` (the file's own), ``published:<system>`` or the name of a
        split file.
    train_indices, validation_indices, test_indices : numpy.ndarray of int64
        Rows of `data`, ascending, disjoint; lists and masks become such arrays. Validation may be
        empty. In a split made by hand or by a published system, parts may share and repeat rows, in
        any order; `hmnist.check` says what that means. No model is trained on one made by hand
        whose test or validation rows repeat or are in another part.
    seed : int or None
        The seed of the random draws; None where a file defines the split.
    fold, folds : int or None
        Which fold (from 0) of how many is tested.
    protocol : Protocol or None
        The protocol of a published split: no decision is fitted on its validation part. None for
        all other splits.

    Raises
    ------
    UsageError
        If a part is neither rows of the data nor a mask, or there is no such seed or fold.
    """

    data: LesionDataset
    kind: str
    train_indices: Indices
    validation_indices: Indices
    test_indices: Indices
    seed: int | None = None
    fold: int | None = None
    folds: int | None = None
    protocol: Protocol | None = None

    def __post_init__(self) -> None:
        check_loaded(self.data)
        object.__setattr__(self, "kind", str(self.kind))
        for part, given in self.indices.items():
            rows = as_rows(given, len(self.data), f"The {part} part")
            # A copy: the caller may go on with the array.
            object.__setattr__(self, f"{part}_indices", rows.copy())
        for name in ("seed", "fold", "folds"):
            if getattr(self, name) is not None:
                count = read_count(name, getattr(self, name), 0, _LARGEST_NUMBER)
                object.__setattr__(self, name, count)  # of numpy, it could not be written
        if (self.fold is None) != (self.folds is None) or (self.fold or 0) >= (self.folds or 1):
            raise UsageError(
                f"There is no fold {self.fold} of {self.folds}.", "Folds count from 0."
            )

    def __repr__(self) -> str:
        sizes = " / ".join(f"{size:,}" for size in self.sizes.values())
        return f"Split({self.data.name!r}, {self.kind!r}, {sizes} images train / validate / test)"

    def _repr_html_(self) -> str:
        counts = [
            [part, *map(str, np.bincount(self.data.labels[rows], minlength=len(CODES)))]
            for part, rows in self.indices.items()
        ]
        return html_of([(["images", *CODES], counts)], [self.proof()], title=repr(self))

    @cached_property
    def train(self) -> LesionDataset:
        """The images that models are fitted on."""
        return self.data.take(self.train_indices)

    @cached_property
    def validation(self) -> LesionDataset:
        """The images that stop training early and fit the decision."""
        return self.data.take(self.validation_indices)

    @cached_property
    def test(self) -> LesionDataset:
        """The images that are scored, once."""
        return self.data.take(self.test_indices)

    @property
    def indices(self) -> dict[str, Indices]:
        """The rows of each part by its name."""
        rows = (self.train_indices, self.validation_indices, self.test_indices)
        return dict(zip(PARTS, rows, strict=True))

    @property
    def sizes(self) -> dict[str, int]:
        """The number of images in each part by its name."""
        return {part: len(rows) for part, rows in self.indices.items()}

    @cached_property
    def shared_lesions(self) -> int | None:
        """How many lesions are in more than one part; None where lesions are unknown."""
        lesions = self._lesions_of_parts()
        if lesions is None:
            return None
        _, parts_of_lesion = np.unique(np.concatenate(lesions), return_counts=True)
        return int((parts_of_lesion > 1).sum())

    @cached_property
    def shared_test_images(self) -> int | None:
        """How many test images show a lesion that also trains or validates; None if unknown."""
        if self.data.lesion_ids is None:
            return None
        seen = np.concatenate([self.train_indices, self.validation_indices])
        lesion_ids = self.data.lesion_ids
        return int(np.isin(lesion_ids[self.test_indices], lesion_ids[seen]).sum())

    @cached_property
    def leaks(self) -> tuple[Leak, ...]:
        """What the test part shares with the other two; see `hmnist.splits.leaks.find_leaks`."""
        return find_leaks(self.data, self.train_indices, self.validation_indices, self.test_indices)

    def without_test(self) -> "Split":
        """Return a split of the other two parts' images alone, so that nothing can see the test."""
        rows = np.concatenate([self.train_indices, self.validation_indices])
        numbers, count = np.arange(len(rows)), len(self.train_indices)
        return replace(
            self,
            data=self.data.take(rows),
            train_indices=numbers[:count],
            validation_indices=numbers[count:],
            test_indices=numbers[:0],
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the rows of the three parts."""
        sha = hashlib.sha256()
        for part, rows in self.indices.items():
            sha.update(f"{part} {len(rows)} ".encode())
            sha.update(np.ascontiguousarray(rows, dtype=np.int64).data)
        return sha.hexdigest()

    def proof(self) -> str:
        """Say whether any lesion is in two parts; of a published split, all that leaks."""
        if self.protocol is not None:
            return self._published_proof(self.protocol)
        lesions = self._lesions_of_parts()
        if lesions is None:
            return describe_unknown_lesions(self.data)
        if self.shared_lesions:
            images, of = self.shared_test_images or 0, len(self.test_indices)
            lesions_are = "lesion is" if self.shared_lesions == 1 else "lesions are"
            sentence = f"{self.shared_lesions:,} {lesions_are} in more than one part: "
            if not images:
                return f"{sentence}train and validation share them, and no test image shows one."
            return (
                f"{sentence}{images:,} of {of:,} test images ({images / of:.0%}) show a lesion "
                "that the models have seen. Such scores are too high."
            )
        counts = " / ".join(f"{len(part):,}" for part in lesions)
        return f"No lesion is in two parts: {counts} lesions train / validate / test."

    def _published_proof(self, protocol: Protocol) -> str:
        sentences = [f"{leak.code} {leak.name}: {leak.sentence}." for leak in self.leaks]
        if self.data.lesion_ids is None:
            sentences.append(
                f"Shared lesions are unknown, and not counted. {cure_unknown_lesions(self.data)}"
            )
        verdict = "Such scores are too high." if self.leaks else "No leak was found."
        return " ".join([f"The protocol: {protocol.description}.", *sentences, verdict])

    def _lesions_of_parts(self) -> list[Strings] | None:
        if self.data.lesion_ids is None:
            return None
        return [np.unique(self.data.lesion_ids[rows]) for rows in self.indices.values()]


def split(
    data: LesionDataset, by: str | os.PathLike[str] | Split | None = None, seed: int = 0
) -> Split:
    """Divide a data set into train, validation and test: 70, 10 and 20 % of the images.

    Parameters
    ----------
    data : LesionDataset
        The data set to divide.
    by : str, pathlib.Path, Split or None
        ``"lesion"`` keeps whole lesions together, stratified by diagnosis; ``"image"`` divides
        images and may leak; ``"own"`` takes the split that the file brings (MedMNIST);
        ``"published:lenet"`` and the like split as a published system did, leaks included; a path
        reads a CSV file with ``image_id`` or ``row`` (0 is the first image) and ``part``. A split
        of these data stays as it is. None takes the first of lesion, own and image that the data
        allow.
    seed : int
        0 or more; it fixes the random draws. With image ids, the order of rows does not count.

    Returns
    -------
    Split
        By lesion, no lesion is in two parts; the other kinds count those that are.

    Raises
    ------
    UsageError
        If the data do not allow this kind of split, it is a split of other data, or `seed` is
        no whole number from 0.
    DataError
        If a split file is malformed, or the metadata lack what a published split needs.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> parts = split(load_sample(), by="lesion", seed=0)
    >>> parts.shared_lesions
    0
    """
    check_loaded(data)
    check_seed(seed)
    by = None if by is None else take_over(data, by)
    if isinstance(by, Split):
        return check_split(by)
    if not by:
        without_lesions = "image" if data.own_split is None else "own"
        by = without_lesions if data.lesion_ids is None else "lesion"
    if by == "lesion":
        return check_split(_split_groups(data, "lesion", known_lesions(data), seed))
    if by == "image":
        names = np.arange(len(data)) if data.image_ids is None else data.image_ids
        return check_split(_split_groups(data, "image", names, seed))
    if by == "own":
        return check_split(own_split(data))
    if isinstance(by, str) and by.startswith(PUBLISHED):
        protocol = find_protocol(by)
        parts = divide(data, protocol, seed)
        return check_split(Split(data, by, *parts, seed=seed, protocol=protocol))
    if isinstance(by, Path) or Path(by).suffix:
        return check_split(_from_file(data, expand_home(by)))
    raise UsageError(
        f"There is no split called {str(by)!r}.",
        "Choose lesion, image, own, published:<system>, or name a CSV file with the columns "
        "image_id and part.",
    )


def take_over(data: LesionDataset, given: object) -> Split | str | os.PathLike[str]:
    """Return a split that is given as one of these data; the name of one stays as it is.

    Raises a UsageError for a split of other data, and for what is neither a split nor a name.
    """
    if isinstance(given, Split):
        refuse_other_data(data, given.data)
        return replace(given, data=data)
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"Expected a split, not {with_article(type(given))}.", SPLITS)
    return given


def _split_groups(data: LesionDataset, kind: str, groups: Strings | Indices, seed: int) -> Split:
    numbers = assign_groups(groups, data.labels, FRACTIONS, np.random.default_rng(seed))
    return _by_parts(data, kind, np.array(PARTS)[numbers], seed)


def own_split(data: LesionDataset) -> Split:
    """Return the split that the file brings; a `UsageError` if it brings none."""
    if data.own_split is None:
        raise UsageError(
            f"{data.name} brings no split of its own.", "Use --split lesion or --split image."
        )
    return _by_parts(data, "own", data.own_split)


def _from_file(data: LesionDataset, path: Path) -> Split:
    # A file may be called lesion; a table must not show it as a split by lesion.
    plain = path.suffix and not path.name.startswith(PUBLISHED)
    kind = path.name if plain else f"./{path.name}"
    return _by_parts(data, kind, read_split_file(path, len(data), data.image_ids))


def _by_parts(
    data: LesionDataset, kind: str, part_of_row: Strings, seed: int | None = None
) -> Split:
    train, validation, test = (np.flatnonzero(part_of_row == part) for part in PARTS)
    return Split(data, kind, train, validation, test, seed=seed)


def check_split(candidate: Split) -> Split:
    """Return the split; a `UsageError` if no model can be trained and tested on it."""
    for part in ("train", "test"):
        if candidate.sizes[part] == 0:
            raise UsageError(
                f"The split of {candidate.data.name} ({candidate.kind}) leaves no image to {part}.",
                "More images are needed, or another split.",
            )
    if candidate.protocol is None:
        _refuse_shared_rows(candidate)
    if candidate.kind == "lesion" and candidate.shared_lesions:
        raise UsageError(f"{candidate.shared_lesions} lesions are in more than one part.")
    return candidate


def _refuse_shared_rows(candidate: Split) -> None:
    """Refuse rows that are validated or tested, and stand in another part or twice in one."""
    parts = [np.unique(candidate.train_indices), candidate.validation_indices]
    counts = np.bincount(np.concatenate([*parts, candidate.test_indices]))
    if (counts > 1).any():
        raise UsageError(
            f"Row {int(counts.argmax()):,} stands more than once in validation and test, or in "
            "training as well: its score would be too high.",
            "Put it into one part. For a published split with its leaks: split='published:lenet'.",
        )
