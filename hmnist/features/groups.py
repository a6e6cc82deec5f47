"""Groups of columns, by what they describe: the columns of a group know much of each other."""

from collections.abc import Sequence

import numpy as np

from hmnist.arrays import Indices
from hmnist.patients import PATIENT_COLUMNS

_GROUPS = {
    " patch ": "patches",
    " code ": "codebook of colours",
    " ring ": "colours by distance from the centre",
    "asymmetry": "asymmetry",
    " lesion edge ": "edge of the lesion",
    " lesion ": "outline, inside and outside",
    " gradient ": "slopes",
    " pattern ": "binary patterns",
    " spectrum ": "spectrum",
}
"""Texts in the names of columns, and the group that the first of them tells."""

_OTHERS = "colours of the image"

_PATIENTS = "patient data"


def group_columns(names: Sequence[str]) -> dict[str, Indices]:
    """Return the positions of the columns of each group, for the columns of a tabular model.

    The names are those of `hmnist.features` and of patient data.

    Examples
    --------
    >>> groups = group_columns(["red mean", "grey spectrum 3", "dark lesion area", "red std"])
    >>> {group: columns.tolist() for group, columns in groups.items()}
    {'colours of the image': [0, 3], 'spectrum': [1], 'outline, inside and outside': [2]}
    """
    members: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        members.setdefault(_find_group(name), []).append(position)
    return {group: np.array(positions, np.int64) for group, positions in members.items()}


def _find_group(name: str) -> str:
    if name in PATIENT_COLUMNS:
        return _PATIENTS
    return next((group for text, group in _GROUPS.items() if text in name), _OTHERS)
