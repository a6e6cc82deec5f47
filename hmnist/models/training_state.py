"""`TrainingState`: what a network in training consists of, kept in a file between epochs.

If a training is interrupted, it goes on from the last state that was kept, and ends with the same
weights as one that was not: batches depend on seed, epoch and step alone, and everything else that
changes is in the state.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.errors import TrustError, WorkError
from hmnist.features.store import add_seconds
from hmnist.files import write_file
from hmnist.guarded import read_arrays, write_arrays

EVERY_SECONDS = 10
"""How much of a training may be lost."""

_FACTS = "facts"

_LARGEST_REST = 2**24  # bytes of the file beside the variables


def ignore_notes(sentence: str) -> None:
    """Take no notice."""


class TrainingState:
    """The variables of a network and its optimiser, and what happened so far.

    Parameters
    ----------
    file : pathlib.Path or None
        Where the state is kept; None keeps nothing.
    variables : sequence of keras.Variable
        All variables that the training changes.
    note : callable
        Is called with a sentence if the state that was kept is damaged.
    """

    def __init__(
        self, file: Path | None, variables: Sequence[Any], note: Callable[[str], None]
    ) -> None:
        self._file, self._note = file, note
        self._by_kind: dict[str, list[Any]] = {}
        for variable in variables:
            self._by_kind.setdefault(str(variable.dtype), []).append(variable)
        self._kept = self._started = time.monotonic()
        self._seconds_before = 0.0

    def restore(self) -> dict[str, Any] | None:
        """Set the variables to the state that was kept and return its facts, None without one.

        A file that is damaged, or of other variables, counts as none. The seconds that the training
        took before are added to the work of `hmnist.features.store.keep_results`.
        """
        if self._file is None or not self._file.is_file():
            return None
        sizes = {
            kind: [math.prod(each.shape) for each in variables]
            for kind, variables in self._by_kind.items()
        }
        expected: dict[str, Any] = {
            kind: (np.dtype(kind), (sum(counts),)) for kind, counts in sizes.items()
        }
        most = sum(dtype.itemsize * count for dtype, (count,) in expected.values())
        try:
            arrays = read_arrays(
                self._file, {**expected, _FACTS: (np.uint8, (None,))}, most + _LARGEST_REST
            )
            facts: dict[str, Any] = json.loads(arrays[_FACTS].tobytes())
            self._seconds_before = float(facts["seconds"])
        except (TrustError, ValueError, KeyError, TypeError):
            self._note("what was kept of its training is damaged, so it begins again")
            return None
        for kind, variables in self._by_kind.items():
            rows = np.split(arrays[kind], np.cumsum(sizes[kind])[:-1])
            for variable, row in zip(variables, rows, strict=True):
                variable.assign(row.reshape(variable.shape))
        add_seconds(self._seconds_before)
        return facts

    def keep(self, facts: dict[str, Any], *, at_once: bool) -> None:
        """Write variables and facts, which JSON can hold, if it is time or `at_once`.

        What cannot be written is not kept: the training itself goes on.
        """
        now = time.monotonic()
        if self._file is None or (now - self._kept < EVERY_SECONDS and not at_once):
            return
        facts = {**facts, "seconds": self._seconds_before + now - self._started}
        # A row for each kind of number, since networks have thousands of variables.
        arrays = {
            kind: np.concatenate([np.asarray(each).ravel() for each in variables])
            for kind, variables in self._by_kind.items()
        }
        arrays[_FACTS] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        try:
            with write_file(self._file) as temporary:
                write_arrays(temporary, arrays)
        except WorkError:
            return
        self._kept = time.monotonic()
