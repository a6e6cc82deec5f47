"""What callers say for oversampling, patient data and parameters, as a recipe keeps it.

A model has one choice for oversampling and patient data, a benchmark several.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hmnist.errors import UsageError, unknown_name

PATIENTS: dict[str, tuple[bool, ...]] = {"no": (False,), "yes": (True,), "both": (False, True)}
"""The words for patient data, and the recipes that they stand for; ``both`` is for a benchmark."""


def list_uses(patients: str | bool) -> tuple[bool, ...]:
    """Return whether models use patient data; ``both`` stands for models of either kind."""
    if isinstance(patients, bool | np.bool_):
        return (bool(patients),)
    if not isinstance(patients, str) or patients not in PATIENTS:
        raise unknown_name("choice of patient data", str(patients), PATIENTS)
    return PATIENTS[patients]


def read_method(method: Any) -> str:
    """Return the name of one method of oversampling, or the text of one sampler."""
    from hmnist.oversampling import is_method, name_method

    several = "," in method and not is_method(method) if isinstance(method, str) else False
    if several or isinstance(method, list | tuple):
        raise UsageError(
            "One model is trained with one oversampling method, not several.",
            "Choose one. hmnist benchmark compares several: --oversample random,smote, in Python "
            "oversample=['random', 'smote'].",
        )
    named = name_method(method)
    if " at 0x" in named:
        raise UsageError(
            f"The text of the sampler names a place in memory, which is another one in every "
            f"process, so that a run could not be named by it: {named[:200]}.",
            "Give its class a __repr__ that says what it does.",
        )
    return named


def read_patients(word: str | bool) -> bool:
    """Return whether one model uses patient data."""
    uses, *others = list_uses(word)
    if others:
        raise UsageError(
            "One model is trained with patient data or without, not both.",
            "Choose yes or no; a benchmark compares both.",
        )
    return uses


def without_numpy(value: Any) -> Any:
    """Return a value of a setting in Python's own types, as JSON has them.

    Scalars of numpy become numbers and texts of Python, also those within mappings, lists and
    tuples; arrays become tuples.

    Examples
    --------
    >>> without_numpy({"widths": (np.int64(8), 4), "rate": np.float64(0.5)})
    {'widths': (8, 4), 'rate': 0.5}
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return tuple(map(without_numpy, value))
    if isinstance(value, Mapping):
        return {without_numpy(name): without_numpy(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(without_numpy, value))
    return value
