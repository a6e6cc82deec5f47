"""`Pace`: how far a work of several pieces has come, and how long it still takes."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping
from time import monotonic
from typing import Generic, TypeVar

Piece = TypeVar("Piece", bound=Hashable)

PRIOR = 0.1
"""The share of the work for which the estimate counts when it is corrected by what was measured."""

PRIOR_OF_KIND = 0.25
"""The share of one piece for which all other pieces count when those of a kind are corrected."""

TOLERANCE = 0.1
"""The time left is raised only if it is this share longer than what was said."""


class Pace(Generic[Piece]):
    """How far pieces of work have come, and when all will be done.

    It starts from the estimate. Whenever a piece moves, the seconds that it took are compared with
    those that were estimated for what is done of it. That corrects what is left of pieces of its
    kind, and a little less of all others.

    Parameters
    ----------
    seconds : mapping
        About how many seconds each piece takes by itself.
    expected : float
        About how many seconds all of them take.
    kinds : mapping or None
        Of which kind each piece is; None if all are alike.
    """

    def __init__(
        self,
        seconds: Mapping[Piece, float],
        expected: float,
        kinds: Mapping[Piece, str] | None = None,
    ) -> None:
        self._seconds = dict(seconds)
        self._kinds = dict.fromkeys(self._seconds, "") if kinds is None else dict(kinds)
        self._total = math.fsum(self._seconds.values())
        self._expected = expected
        self._started: dict[Piece, float] = {}
        self._spent: dict[Piece, float] = {}
        self._parts: dict[Piece, float] = {}
        self._side_by_side = 1
        self._start = monotonic()
        self._end = self._start + expected
        self.running: dict[Piece, float] = {}
        """How much of each running piece is done, from 0 to 1, the oldest first."""
        self.finished = 0

    def start(self, piece: Piece) -> None:
        """Count a piece as running; from the beginning if it ran before."""
        self._started[piece] = monotonic()
        self.running[piece] = self._parts[piece] = self._spent[piece] = 0.0
        self._side_by_side = max(self._side_by_side, len(self.running))

    def move(self, piece: Piece, part: float) -> None:
        """Set how much of a running piece is done, from 0 to 1."""
        self.running[piece] = part
        self._measure(piece, part)

    def finish(self, piece: Piece) -> None:
        """Count a piece as finished; it did not start if it was done before."""
        self.running.pop(piece, None)
        self.finished += 1
        self._measure(piece, 1.0)

    @property
    def waiting(self) -> int:
        """How many pieces have not begun."""
        return len(self._seconds) - self.finished - len(self.running)

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

    def _measure(self, piece: Piece, part: float) -> None:
        now = monotonic()
        self._parts[piece] = part
        self._spent[piece] = now - self._started.get(piece, now)
        left = self._estimate_left()
        if not 0 <= now + left - self._end <= TOLERANCE * left:
            self._end = now + left

    def _estimate_left(self) -> float:
        """Return the seconds that are left by what was measured."""
        if not self._total:
            return 0.0
        usual = self._side_by_side * self._expected / self._total
        done: dict[str, float] = defaultdict(float)
        spent: dict[str, float] = defaultdict(float)
        for piece, part in self._parts.items():
            done[self._kinds[piece]] += part * self._seconds[piece]
            spent[self._kinds[piece]] += self._spent[piece]
        prior = PRIOR * self._total
        factor = (sum(spent.values()) + prior * usual) / (sum(done.values()) + prior)
        lefts = [0.0]
        for piece, seconds in self._seconds.items():
            kind, prior = self._kinds[piece], PRIOR_OF_KIND * seconds
            own = (spent[kind] + prior * factor) / max(done[kind] + prior, math.ulp(0.0))
            lefts.append(own * seconds * (1 - self._parts.get(piece, 0.0)))
        # The last piece may run alone.
        return max(math.fsum(lefts) / self._side_by_side, *lefts)
