"""`deal_units`: whole lesions (or images) into parts, diagnosis by diagnosis."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["deal_units"]


def deal_units(
    units: npt.NDArray[np.str_] | npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    fractions: Sequence[float],
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Deal whole units into parts.

    The units of a diagnosis come in random order; each goes to the part that is furthest below its
    share of this diagnosis' images dealt so far.

    Parameters
    ----------
    units : numpy.ndarray of str or int64, shape (n,)
        Which images belong together: their lesions, or the images themselves.
    labels : numpy.ndarray of int64, shape (n,)
        The diagnosis of each image.
    fractions : sequence of float
        The share of each part; they sum to 1.
    rng : numpy.random.Generator
        What the order is drawn from.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        The part of each image, from 0. It depends on the order of the units' names, not of rows.

    Examples
    --------
    >>> units = np.repeat(np.arange(10), 2)
    >>> parts = deal_units(units, np.zeros(20, np.int64), (0.5, 0.5), np.random.default_rng(0))
    >>> np.bincount(parts).tolist(), bool((parts[::2] == parts[1::2]).all())
    ([10, 10], True)
    """
    _, first_row, unit_of_row, sizes = np.unique(
        units, return_index=True, return_inverse=True, return_counts=True
    )
    # A unit's diagnosis must not depend on row order, so the smallest label speaks for it.
    diagnosis = labels[first_row].copy()
    np.minimum.at(diagnosis, unit_of_row, labels)
    part_of_unit = np.empty(len(sizes), dtype=np.int64)
    # Equal shares tie whenever a diagnosis begins; then the part that holds least comes first.
    are_equal = len(set(fractions)) == 1
    held_of_all = [0] * len(fractions)
    for label in np.unique(diagnosis):
        order = rng.permutation(np.flatnonzero(diagnosis == label))
        held, dealt = [0] * len(fractions), 0
        for unit in order:
            size = int(sizes[unit])
            dealt += size
            lacks = [
                (share * dealt - has, -has_of_all if are_equal else 0)
                for share, has, has_of_all in zip(fractions, held, held_of_all, strict=True)
            ]
            part = lacks.index(max(lacks))
            held[part] += size
            held_of_all[part] += size
            part_of_unit[unit] = part
    return part_of_unit[unit_of_row]
