"""What a parameter may be in a search: `Interval` or `Choice`.

A model's class says in `Model.search_space` which of its parameters `hmnist.tune` searches, beside
their meaning and their defaults. Parameters that only buy quality with time (epochs, trees, widths)
are those of ``--effort``, and are not searched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`, whole ones if both are; on a logarithmic scale with `log`.

    Examples
    --------
    >>> Interval(2, 6).whole, Interval(0.1, 30.0, log=True).whole
    (True, False)
    """

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether the numbers are whole."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class Choice:
    """One of some values, in no order."""

    options: tuple[Any, ...]


SearchSpace = Mapping[str, Interval | Choice]
"""The parameters that are searched."""
