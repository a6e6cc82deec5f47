"""`Study`: the trials of a search, in a journal, so that an interrupted search goes on.

Optuna chooses parameters by a tree-structured Parzen estimator (Bergstra et al., *Algorithms for
hyper-parameter optimization*, NeurIPS 2011). It stops trials early whose loss is worse than the
median of the others after the same part of the training (Golovin et al., *Google Vizier*, KDD
2017).
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.errors import DataError, UsageError
from hmnist.models.search_space import Choice, Interval, SearchSpace

if TYPE_CHECKING:
    import optuna

JOURNAL = "trials.log"
"""Optuna's journal, which its dashboard reads, too."""

RANDOM = 8
"""The first trials: the parameters as they are, and others at random. Optuna learns from them."""

PATIENCE = 50
"""Percent of a training before which no trial is stopped."""

STEP = 5
"""Percent of a training after which its loss is compared again."""

Objective = Callable[[dict[str, Any], Callable[[float, float], None]], float]
"""Takes parameters and what is to be called with the share of the training that is done, and the
loss so far; returns the loss."""


@dataclass(frozen=True)
class Trial:
    """What one set of parameters led to.

    Attributes
    ----------
    number : int
        Counted from 1, the parameters as they are.
    parameters : mapping
        Those that are searched, by name.
    log_loss : float or None
        On the validation part; None if the trial was stopped early.
    seconds : float
        What it took.
    """

    number: int
    parameters: Mapping[str, Any]
    log_loss: float | None
    seconds: float


class Study:
    """The trials of one search, in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Where the journal is, or is made.
    key : str
        What the search is about: a folder holds the trials of one key.
    space : mapping
        The parameters that are searched.
    first : mapping
        Those of the first trial.
    seed : int
        Fixes the parameters of the trials, whether the search is interrupted or not.

    Raises
    ------
    UsageError
        If Optuna is not installed, or the folder holds the trials of another search.
    DataError
        If the journal cannot be read.
    """

    def __init__(
        self, folder: Path, key: str, space: SearchSpace, *, first: Mapping[str, Any], seed: int
    ) -> None:
        self._space, self._first, self._seed = space, first, seed
        self._study = _open(folder / JOURNAL, key)
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state.name == "RUNNING":  # the process that ran it was killed
                self._study.tell(trial.number, state=type(trial.state).FAIL)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials that came to an end."""
        ended = [trial for trial in self._study.get_trials(deepcopy=False) if _ended(trial)]
        return tuple(self._describe(number, trial) for number, trial in enumerate(ended, start=1))

    def run(self, objective: Objective) -> None:
        """Run the next trial. A loss that is not a number counts like a trial that was stopped."""
        import optuna

        number = len(self.trials)
        # The first one may wait already: the process was killed before it began.
        waiting = any(trial.state.name == "WAITING" for trial in self._study.get_trials())
        if not number and not waiting:
            self._study.enqueue_trial(_encode(self._space, self._first))
        # Drawn for each trial by itself, so that those of an interrupted search are the same.
        seeds = np.random.SeedSequence([self._seed, number]).generate_state(1)
        self._study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=RANDOM, seed=int(seeds[0])
        )
        trial = self._study.ask()
        for name, allowed in self._space.items():
            _suggest(trial, name, allowed)
        states = optuna.trial.TrialState
        try:
            loss = objective(_decode(self._space, trial.params), _Comparison(trial))
        except optuna.TrialPruned:
            loss = math.nan
        except BaseException:
            self._study.tell(trial, state=states.FAIL)
            raise
        if math.isfinite(loss):
            self._study.tell(trial, loss)
        else:
            self._study.tell(trial, state=states.PRUNED)

    def _describe(self, number: int, trial: "optuna.trial.FrozenTrial") -> Trial:
        finished = trial.state == type(trial.state).COMPLETE
        return Trial(
            number,
            _decode(self._space, trial.params),
            trial.value if finished else None,
            0.0 if trial.duration is None else trial.duration.total_seconds(),
        )


class _Comparison:
    """Stops a trial whose loss is worse than that of most others."""

    def __init__(self, trial: "optuna.Trial") -> None:
        self._trial, self._percent = trial, 0

    def __call__(self, done: float, loss: float) -> None:
        import optuna

        percent = STEP * int(100 * done / STEP)
        if percent == self._percent:
            return
        self._percent = percent
        self._trial.report(loss, percent)
        if self._trial.should_prune():
            raise optuna.TrialPruned


def check_optuna() -> None:
    """Raise UsageError where Optuna is missing."""
    from importlib.util import find_spec

    if find_spec("optuna") is None:
        raise UsageError("Optuna is not installed.", 'Type: pip install "hmnist[tune]"')


def _open(path: Path, key: str) -> "optuna.Study":
    """Open the journal, or make one."""
    check_optuna()
    import optuna
    from optuna.storages.journal import JournalFileBackend

    _drop_incomplete_line(path)
    try:
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
        known = optuna.get_all_study_names(storage)
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read as a journal of trials.",
            "Delete it, or name another folder with --out.",
        ) from error
    if known and key not in known:
        raise UsageError(
            f"{path.parent} holds the trials of another search: of other data, another model or "
            "other settings.",
            "Name another folder with --out.",
        )
    pruner = optuna.pruners.MedianPruner(RANDOM, PATIENCE, STEP)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(
            storage=storage, study_name=key, pruner=pruner, load_if_exists=True
        )
    finally:
        optuna.logging.set_verbosity(verbosity)


def _drop_incomplete_line(path: Path) -> None:
    """Drop what a process that was killed has not written to its end."""
    if path.is_file():
        with path.open("rb+") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


def _ended(trial: "optuna.trial.FrozenTrial") -> bool:
    states = type(trial.state)
    return trial.state in {states.COMPLETE, states.PRUNED}


def _suggest(trial: "optuna.Trial", name: str, allowed: Interval | Choice) -> None:
    if isinstance(allowed, Choice):
        trial.suggest_categorical(name, list(map(json.dumps, allowed.options)))
    elif allowed.whole:
        trial.suggest_int(name, int(allowed.low), int(allowed.high), log=allowed.log)
    else:
        trial.suggest_float(name, allowed.low, allowed.high, log=allowed.log)


def _encode(space: SearchSpace, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as Optuna stores them: choices as JSON, since it takes no lists."""
    return {
        name: json.dumps(parameters[name]) if isinstance(allowed, Choice) else parameters[name]
        for name, allowed in space.items()
    }


def _decode(space: SearchSpace, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as models take them, with as many digits as can be typed."""
    return {
        name: json.loads(value)
        if isinstance(space[name], Choice)
        else value
        if isinstance(value, int)
        else float(f"{value:.3g}")
        for name, value in stored.items()
    }
