"""`as_diagnoses`, `as_probabilities`: what is given to fit a decision or to be scored is sound."""

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError

SUM_TOLERANCE = 1e-3
"""How far the sum of a row may be from 1: float32 sums and rounded CSV files are nearer."""


def as_diagnoses(name: str, values: npt.ArrayLike, n: int) -> Labels:
    """Return n diagnoses 0–6 as int64, shape (n,); refuse anything else with a UsageError.

    Examples
    --------
    >>> as_diagnoses("labels", ["nv", "df"], 2)
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: The labels have shape (2,) and type <U2; expected 2 whole numbers. \
Diagnoses are 0–6 in the order of hmnist.CODES.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise UsageError(f"The {name} are rows of different lengths.") from error
    if n == 0 and array.shape == (0,):
        return np.empty(0, np.int64)
    hint = f"Diagnoses are 0–{len(CODES) - 1} in the order of hmnist.CODES."
    if array.shape != (n,) or not np.issubdtype(array.dtype, np.integer):
        raise UsageError(
            f"The {name} have shape {array.shape} and type {array.dtype}; expected {n} whole "
            "numbers.",
            hint,
        )
    if array.min() < 0 or array.max() >= len(CODES):
        raise UsageError(f"The {name} must lie in 0–{len(CODES) - 1}.", hint)
    return array.astype(np.int64)


def as_probabilities(values: npt.ArrayLike, n: int) -> Float64:
    """Return n rows of seven finite numbers 0–1 with the sum 1 (± 0.001); refuse anything else.

    Examples
    --------
    >>> as_probabilities([[0, 0, 0, 0, 2.5, 0, -1.5]], 1)
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: Row 0 holds probabilities outside 0–1. Pass what predict_proba \
returns, not logits.
    """
    probabilities = as_numbers("probabilities", values)
    if probabilities.shape != (n, len(CODES)):
        raise UsageError(
            f"Probabilities have shape {probabilities.shape}; expected ({n}, {len(CODES)}): one "
            f"row per label, one column per diagnosis."
        )
    sums = probabilities.sum(1)
    faults = (
        (~np.isfinite(sums), "not finite"),
        ((probabilities < 0).any(1) | (probabilities > 1 + SUM_TOLERANCE).any(1), "outside 0–1"),
        (np.abs(sums - 1) > SUM_TOLERANCE, "without the sum 1"),
    )
    for faulty, fault in faults:
        if faulty.any():
            raise UsageError(
                f"Row {int(faulty.argmax())} holds probabilities {fault}.",
                "Pass what predict_proba returns, not logits.",
            )
    return probabilities


def as_numbers(name: str, values: npt.ArrayLike) -> Float64:
    """Return numbers as float64; refuse what are none, such as names and uneven rows."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The {name} are not an array of numbers.") from error
