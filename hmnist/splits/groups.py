"""`assign_groups`: whole groups of images (lesions) into parts; `group_copies`."""

from collections.abc import Sequence

import numpy as np

from hmnist.arrays import Images, Indices, Labels, Strings
from hmnist.augmentation import all_orientations
from hmnist.dataset import fingerprint_images


def assign_groups(
    groups: Strings | Indices, labels: Labels, fractions: Sequence[float], rng: np.random.Generator
) -> Indices:
    """Assign whole groups of images to parts.

    The groups of a diagnosis come in random order; each goes to the part that is furthest below
    its share of the images of this diagnosis that were assigned before. So no part gets more of the
    large groups than another.

    Parameters
    ----------
    groups : numpy.ndarray of str or int64, shape (n,)
        Which images stay together: their lesions, or the images themselves.
    labels : numpy.ndarray of int64, shape (n,)
        The diagnosis of each image.
    fractions : sequence of float
        The share of each part; their sum is 1.
    rng : numpy.random.Generator
        Draws the order of the groups.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        The part of each image, from 0. It depends on the order of the groups' names, not of rows.

    Examples
    --------
    >>> groups = np.repeat(np.arange(10), 2)
    >>> rng = np.random.default_rng(0)
    >>> parts = assign_groups(groups, np.zeros(20, np.int64), (0.5, 0.5), rng)
    >>> np.bincount(parts).tolist(), bool((parts[::2] == parts[1::2]).all())
    ([10, 10], True)
    """
    _, first_row, group_of_row, sizes = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    # A group's diagnosis is its smallest label, so that it does not depend on the order of rows.
    diagnosis = labels[first_row].copy()
    np.minimum.at(diagnosis, group_of_row, labels)
    part_of_group = np.empty(len(sizes), dtype=np.int64)
    # Equal shares tie whenever a diagnosis begins; then the part with the fewest images is next.
    are_equal = len(set(fractions)) == 1
    images_of_part = [0] * len(fractions)
    for label in np.unique(diagnosis):
        order = rng.permutation(np.flatnonzero(diagnosis == label))
        held, assigned = [0] * len(fractions), 0
        for group in order:
            size = int(sizes[group])
            # The group itself does not count: the largest part would get most of the large groups.
            missing = [
                (share * assigned - count, -images if are_equal else 0)
                for share, count, images in zip(fractions, held, images_of_part, strict=True)
            ]
            part = missing.index(max(missing))
            assigned += size
            held[part] += size
            images_of_part[part] += size
            part_of_group[group] = part
    return part_of_group[group_of_row]


def group_copies(images: Images) -> Indices:
    """Return numbers that copies of an image share, turned and mirrored ones too: int64, (n,).

    Only orientations that keep the shape are compared.

    Examples
    --------
    >>> image = np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1)
    >>> turned = np.rot90(image, axes=(1, 2))
    >>> first, second, third = group_copies(np.concatenate([image, turned, image + 1]))
    >>> first == second, first == third
    (np.True_, np.False_)
    """
    fingerprints = [fingerprint_images(each) for each in all_orientations(images)]
    _, numbers = np.unique(np.min(fingerprints, axis=0), return_inverse=True)
    return np.asarray(numbers, np.int64)
