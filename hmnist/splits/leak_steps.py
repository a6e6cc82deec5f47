"""`isolate_leaks`: the leaks of a published protocol, switched on one after the other.

A protocol and a split by lesion differ in their test images and in the number of training images,
too. So what one leak is worth is measured on splits that differ in this leak only.
"""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Indices, Strings
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.splits.groups import assign_groups
from hmnist.splits.leaks import NATURAL_COPIES
from hmnist.splits.protocols import divide, resample_training
from hmnist.splits.split import Split, check_split
from hmnist.splits.unknown_lesions import known_lesions
from hmnist.systems.protocol import Protocol

AUDITED = "audit:"
"""How the kind of such a split begins; the system and the step follow."""

CLEAN = "clean"
"""The step without leaks."""

STEPS = {"HM101": "shared lesions", "HM102": "repeated rows", "HM103": "test validates"}
"""The steps by the code of the leak that each switches on, in their order."""

MOST_TESTED = 0.2
"""The largest share of the images that is tested. As many validate, and neither part's lesions
train without leaks: of a larger share, too few images would be left, and most of the training part
would be replaced by images of tested lesions."""


def isolate_leaks(own: Split) -> dict[str, Split]:
    """Return splits with the same test images, whose leaks are those of a protocol, step by step.

    Parameters
    ----------
    own : Split
        The split of a published system (``published:…``), of data whose lesions are known.

    Returns
    -------
    dict of str to Split
        ``clean`` and, as far as the protocol has these leaks, ``shared lesions``, ``repeated rows``
        and ``test validates``, each with the leaks of those before it.

        The test part is that of the protocol before any image is repeated, a random fifth of all
        images if it is larger. Training parts hold the same number of images of each diagnosis, and
        of as many lesions, as far as there are lesions with as many images as those that replace
        them. An image that replaces another one stands in its place, and as often as it.
        Validation parts are as large as the test part, and hold other lesions than the other two
        parts, but for ``test validates``.

    Raises
    ------
    UsageError
        If the lesions are unknown, there are too few images, or the split is none of a published
        system.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> from hmnist.splits.split import split
    >>> steps = isolate_leaks(split(load_sample(rows=500), "published:lenet"))
    >>> [(name, step.shared_test_images) for name, step in steps.items()]
    [('clean', 0), ('shared lesions', 22), ('test validates', 50)]
    """
    data, protocol, seed = own.data, own.protocol, own.seed or 0
    if protocol is None:
        raise UsageError(f"A split of the kind {own.kind} has no leaks to be isolated.")
    lesion_ids, rng = known_lesions(data), np.random.default_rng([seed, 1])
    test = _draw_test(own, protocol, rng)
    is_tested = np.isin(lesion_ids, lesion_ids[test])
    validation, clean = _hold_out(data, np.flatnonzero(~is_tested), len(test), rng)
    siblings = np.setdiff1d(np.intersect1d(np.flatnonzero(is_tested), own.train_indices), test)
    training = resample_training(data, clean, protocol, seed)
    parts = {CLEAN: (training, validation)}
    # Of a lesion under two ids, one image may be tested although the protocol shares no lesions.
    leaks = [leak for leak in own.leaks if leak.images > NATURAL_COPIES * len(own.test_indices)]
    for code in sorted(leak.code for leak in leaks):
        if code == "HM101":
            training = _replace(training, siblings, test, data, rng)
        elif code == "HM102":
            repeated = _draw_repeated(own, test, rng)
            training = _replace(training, repeated, siblings, data, rng)
        else:
            validation = test
        parts[STEPS[code]] = training, validation
    return {name: _make_step(own, name, *rows, test) for name, rows in parts.items()}


def _make_step(
    own: Split, name: str, training: Indices, validation: Indices, test: Indices
) -> Split:
    protocol = own.protocol and replace(
        own.protocol,
        description="test images are drawn as by its source, and its leaks are switched on one "
        f"after the other; here {name}",
    )
    return check_split(
        replace(
            own,
            kind=f"{AUDITED}{own.kind.partition(':')[2]}, {name}",
            train_indices=training,
            validation_indices=validation,
            test_indices=test,
            protocol=protocol,
        )
    )


def _draw_test(own: Split, protocol: Protocol, rng: np.random.Generator) -> Indices:
    """Return the test part of the protocol before any image is repeated, or some of it."""
    _, _, test = divide(own.data, replace(protocol, before_split=None), own.seed or 0)
    most = math.ceil(MOST_TESTED * len(own.data))
    return test if len(test) <= most else np.sort(rng.choice(test, most, replace=False))


def _hold_out(
    data: LesionDataset, rows: Indices, count: int, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    """Divide rows by lesion, stratified: about so many that validate, and the rest."""
    lesion_ids, share = known_lesions(data)[rows], min(1.0, count / max(1, len(rows)))
    part = assign_groups(lesion_ids, data.labels[rows], (share, 1 - share), rng)
    return rows[part == 0], rows[part == 1]


def _draw_repeated(own: Split, test: Indices, rng: np.random.Generator) -> Indices:
    """Return as large a share of the test part's images as trains under the protocol.

    It is taken diagnosis by diagnosis.
    """
    labels, tested = own.data.labels, np.unique(own.test_indices)
    trained = np.isin(tested, own.train_indices)
    drawn = []
    for label in np.unique(labels[tested]):
        share, members = trained[labels[tested] == label].mean(), test[labels[test] == label]
        drawn.append(rng.choice(members, round(share * len(members)), replace=False))
    return np.concatenate(drawn)


def _replace(
    rows: Indices, new: Indices, kept: Indices, data: LesionDataset, rng: np.random.Generator
) -> Indices:
    """Return rows of a training part, some replaced by new ones of their diagnosis.

    All repetitions of a row are replaced by the same one; those that are `kept` stay.
    """
    labels, lesion_ids = data.labels, known_lesions(data)
    stands_in = np.arange(len(labels))
    for label in np.unique(labels[new]):
        coming, present = new[labels[new] == label], rows[labels[rows] == label]
        going = np.setdiff1d(present, kept)
        is_new = ~np.isin(lesion_ids[coming], lesion_ids[present])
        coming = np.concatenate([coming[is_new], rng.permutation(coming[~is_new])])
        sizes = np.unique(lesion_ids[coming[: is_new.sum()]], return_counts=True)[1]
        replaced = _choose_replaced(going, lesion_ids[going], sizes, len(coming), rng)
        stands_in[replaced] = coming[: len(replaced)]
    return stands_in[rows]


def _choose_replaced(
    going: Indices,
    lesions: Strings,
    sizes: npt.NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
) -> Indices:
    """Choose `count` rows that are replaced, so that as many lesions are lost as come.

    For each lesion that comes with so many rows (`sizes`), one with as many, or with fewer, is
    replaced as a whole. Other lesions are replaced in part: they keep a row, as long as there are
    enough of them.
    """
    order = rng.permutation(len(going))
    members: dict[str, list[int]] = {}
    for row, lesion in zip(going[order].tolist(), lesions[order].tolist(), strict=True):
        members.setdefault(lesion, []).append(row)
    by_size: dict[int, list[str]] = {}
    for lesion, own in members.items():
        by_size.setdefault(len(own), []).append(lesion)
    whole: list[int] = []
    for size in sorted(sizes.tolist()):
        fitting = [own for own, lesions_left in by_size.items() if own <= size and lesions_left]
        if fitting:
            whole += members.pop(by_size[max(fitting)].pop())
    in_part = rng.permutation([row for own in members.values() for row in own[1:]]).tolist()
    last = [own[0] for own in members.values()]
    return np.array((whole + in_part + last)[:count], dtype=np.int64)
