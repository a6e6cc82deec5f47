"""`OnStep`: what is told how far a long computation has come."""

from collections.abc import Callable

OnStep = Callable[[float, float], None]
"""Is called with how much is done, and of how much; also with parts of a step."""


def ignore_steps(done: float, total: float) -> None:
    """Take no notice."""


def part_of(on_step: OnStep, start: float, stop: float) -> OnStep:
    """Return what reports the steps of a part, which goes from one share of the whole to another.

    Examples
    --------
    >>> second_half = part_of(lambda done, total: print(done / total), 0.5, 1)
    >>> second_half(1, 2)
    0.75
    """
    return lambda done, total: on_step(start + (stop - start) * done / total, 1)
