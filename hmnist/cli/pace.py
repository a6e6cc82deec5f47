"""`Pace`: how far a work of several pieces has come, and how long it still takes."""

import math
from collections.abc import Hashable, Mapping
from time import monotonic
from typing import Generic, TypeVar

Piece = TypeVar("Piece", bound=Hashable)

PRIOR = 0.1
"""The share of the work for which the estimate counts when it is corrected by what was measured."""

TOLERANCE = 0.1
"""The time left is raised only if it is this share longer than what was said."""


class Pace(Generic[Piece]):
    """How far pieces of work have come, and when all will be done.

    It starts from the estimate. Whenever a piece moves, the seconds that have passed are compared
    with those that were estimated for what is done. Work that runs side by side takes less time
    for it, which shortens the rest as well.

    Parameters
    ----------
    seconds : mapping
        About how many seconds each piece takes by itself.
    expected : float
        About how many seconds all of them take.
    """

    def __init__(self, seconds: Mapping[Piece, float], expected: float) -> None:
        self._seconds = dict(seconds)
        self._total = math.fsum(self._seconds.values())
        self._expected = expected
        self._parts: dict[Piece, float] = {}
        self._done = 0.0
        self._start = monotonic()
        self._end = self._start + expected
        self.finished = 0

    def start(self, piece: Piece) -> None:
        """Count a piece as running; from the beginning if it ran before."""
        self._parts[piece] = 0.0

    def move(self, piece: Piece, part: float) -> None:
        """Set how much of a running piece is done, from 0 to 1."""
        self._parts[piece] = part
        self._correct()

    def finish(self, piece: Piece) -> None:
        """Count a piece as finished."""
        self._parts.pop(piece, None)
        self.finished += 1
        self._done += self._seconds[piece]
        self._correct()

    @property
    def running(self) -> dict[Piece, float]:
        """How much of each running piece is done, from 0 to 1, the oldest first."""
        return dict(self._parts)

    @property
    def waiting(self) -> int:
        """How many pieces have not begun."""
        return len(self._seconds) - self.finished - len(self._parts)

    @property
    def passed(self) -> float:
        """The seconds since the beginning."""
        return monotonic() - self._start

    @property
    def left(self) -> float:
        """The seconds that are still needed; 0 if more have passed than were expected."""
        return max(0.0, self._end - monotonic())

    @property
    def part(self) -> float:
        """How much of the time is over, from 0 to 1."""
        passed = self.passed
        return passed / max(passed + self.left, math.ulp(0.0))

    def _correct(self) -> None:
        now = monotonic()
        parts = (part * self._seconds[piece] for piece, part in self._parts.items())
        done = min(self._total, self._done + math.fsum(parts))
        if not self._total:
            return
        # Seconds that pass for each that was estimated.
        factor = (now - self._start + PRIOR * self._expected) / (done + PRIOR * self._total)
        left = factor * (self._total - done)
        if not 0 <= now + left - self._end <= TOLERANCE * left:
            self._end = now + left
