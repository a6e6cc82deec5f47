"""Saying which images are unlike the training data."""

from typing import TYPE_CHECKING

import numpy as np

from hmnist.cli.output import say

if TYPE_CHECKING:
    from hmnist.arrays import Booleans
    from hmnist.runs.familiarity import KnowsTrainingImages
    from hmnist.sources.images import ImagesToPredict

_NAMED = 10


class UnfamiliarImages:
    """Finds the images that are unlike the training data, and says at the end which they are.

    Parameters
    ----------
    run : KnowsTrainingImages
        What tells them.
    """

    def __init__(self, run: "KnowsTrainingImages") -> None:
        self._run = run
        self._names: list[str] = []
        self._unfamiliar = self._all = 0

    def find(self, source: "ImagesToPredict", rows: range) -> "Booleans | None":
        """Return which images of some rows are unlike the training data; None if nobody knows."""
        flags = self._run.is_unfamiliar(source.images[rows.start : rows.stop])
        self._all += len(rows)
        if flags is not None:
            self._unfamiliar += int(flags.sum())
            more = np.flatnonzero(flags)[: _NAMED - len(self._names)]
            self._names += [source.name(rows[row]) for row in more.tolist()]
        return flags

    def tell(self) -> None:
        """Say which they are, and how often that is a false alarm."""
        if not self._names or self._run.familiarity is None:
            return
        more = self._unfamiliar - len(self._names)
        named = ", ".join(self._names) + (f" and {more:,} more" if more else "")
        verb, each = (
            ("is", "Its prediction may mean")
            if self._unfamiliar == 1
            else ("are", "Their predictions may mean")
        )
        say(
            f"Warning: {self._unfamiliar:,} of {self._all:,} images {verb} unlike the training "
            f"data: {named}. {each} nothing. About {100 * self._run.familiarity.false_alarms:.0f} "
            "% of ordinary images also get this warning."
        )
