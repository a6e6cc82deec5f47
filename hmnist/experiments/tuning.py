"""`tune`: a search for parameters of a model that do well on the validation part.

The test part is cut off before the search begins. Each trial trains the model on the training part
and predicts the validation part; its value is the log loss after calibration, as in a run. The
first trial has the usual parameters.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, Unpack

from hmnist.dataset import LesionDataset
from hmnist.decisions.calibration import fit_temperature, rescale
from hmnist.diagnoses import CODES
from hmnist.errors import TrustError, UsageError, WorkError, check_counts
from hmnist.experiments.study import JOURNAL, Study, Trial, check_optuna
from hmnist.experiments.training import fit_model, predict_part
from hmnist.features.steps import OnStep, ignore_steps, part_of
from hmnist.files import locked_in_turn, make_parent, write_file
from hmnist.hardware import use_device, use_threads
from hmnist.models.registry import MODELS, find_class
from hmnist.models.search_space import SearchSpace
from hmnist.runs.folders import runs_folder
from hmnist.runs.keywords import check_keywords
from hmnist.runs.recipe import Recipe, Settings
from hmnist.splits.split import Split
from hmnist.splits.split import split as make_split

SETTINGS_FILE = "hmnist.toml"
"""The best parameters so far, as the commands read them."""


@dataclass(frozen=True)
class Tuning:
    """The trials of a search.

    Attributes
    ----------
    model : str
        The name of the model.
    trials : tuple of Trial
        In their order, the usual parameters first.
    folder : pathlib.Path
        Absolute: where the trials are, and ``hmnist.toml`` with the best parameters.
    """

    model: str
    trials: tuple[Trial, ...]
    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", self.folder.absolute())

    @property
    def ranked(self) -> tuple[Trial, ...]:
        """The trials that were not stopped, the best first; of equal ones, the earlier."""
        finished = [trial for trial in self.trials if trial.log_loss is not None]
        return tuple(sorted(finished, key=lambda trial: trial.log_loss or 0))

    @property
    def best(self) -> Trial:
        """The trial with the least log loss on validation, which is optimistic."""
        if not self.ranked:
            raise WorkError(
                "No trial came to its end: each training diverged.",
                "Lower the learning rate, such as --set learning_rate=0.0001",
            )
        return self.ranked[0]


def tune(
    data: LesionDataset,
    model: str = "cnn",
    *,
    trials: int = 20,
    seeds: int = 1,
    split: str | Path | Split | None = None,
    out: str | Path | None = None,
    on_trial: Callable[[Tuning], None] | None = None,
    on_wait: Callable[[], None] = lambda: None,
    on_step: OnStep | None = None,
    parameters: Mapping[str, Any] | None = None,
    **settings: Unpack[Settings],
) -> Tuning:
    """Search for parameters of a model by its log loss on the validation part.

    The score of the best trial is optimistic, since it was chosen by that score. Only the test
    part, which is cut off before the search, tells what the parameters are worth: train the model
    with them, once.

    Parameters
    ----------
    data : LesionDataset
        The images to train and validate on; those of the test part are left out.
    model : str
        A model with a search space: ``cnn``, ``mlp``, ``xgboost``, ``hist-gbdt``, ``logistic``.
    trials : int
        How many trials, with those that `out` holds already.
    seeds : int
        Models of each trial, whose log losses are averaged.
    split : str, pathlib.Path, Split or None
        As `by` of `hmnist.split`.
    out : str, pathlib.Path or None
        The folder of the search; None makes one in ``hmnist-runs``. A search that was interrupted
        goes on in its folder.
    on_trial : callable or None
        Called with the trials so far when one came to its end.
    on_wait : callable
        Called if another process searches in the same folder, and this one waits for its end.
    on_step : callable
        Called as ``on_step(done, total)``, both may be fractions, while models are fitted.
    parameters : mapping or None
        Constructor parameters that all trials have. They are not searched.
    **settings
        The settings of `Recipe`: ``oversample``, ``effort``, ``seed`` … A decision changes no
        probability, so ``decide`` changes nothing.

    Returns
    -------
    Tuning

    Raises
    ------
    UsageError
        If a name is unknown, the model has nothing to search, the split leaves no validation
        images of its own, the folder holds another search, or Optuna is not installed.
    WorkError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from hmnist.sources.sample import load_sample
    >>> fixed = {"features": "pixels", "effort": "quick", "threads": 1}
    >>> data, folder = load_sample(rows=100), tempfile.mkdtemp()
    >>> tuning = tune(data, "logistic", trials=2, out=folder, **fixed)
    >>> tuning.trials[0].parameters
    {'penalty': 0.1, 'max_iter': 100}
    """
    check_keywords(tune, settings)
    check_counts(trials=trials, seeds=seeds)
    check_optuna()
    given: dict[str, Any] = dict(settings)
    recipe = Recipe(model=model, parameters=dict(parameters or {}), **given)
    space = _find_space(recipe)
    parts = _without_test(make_split(data, split, recipe.seed))
    recipe = recipe.resolved_for(parts)
    use_threads(recipe.threads or 1)
    use_device(recipe.device)
    key = hashlib.sha256(f"{recipe.key(parts)} {seeds} {space}".encode()).hexdigest()[:12]
    with runs_folder(out, f"-tune-{recipe.model}") as folder:
        _refuse_other_settings(folder)
        make_parent(folder / SETTINGS_FILE)
        with locked_in_turn(folder / ".lock", on_wait):
            study = Study(folder, key, space, first=recipe.make().get_params(), seed=recipe.seed)
            before = len(study.trials)
            for number in range(before, trials):
                steps = _piece(on_step or ignore_steps, number - before, trials - before)
                study.run(partial(_try, recipe, parts, seeds=seeds, on_step=steps))
                tuning = Tuning(recipe.model, study.trials, folder)
                if tuning.ranked:
                    _write_settings(tuning, recipe)
                if on_trial is not None:
                    on_trial(tuning)
            return Tuning(recipe.model, study.trials, folder)


def _refuse_other_settings(folder: Path) -> None:
    """Refuse a folder with settings that no search has written: they would be replaced."""
    settings = folder / SETTINGS_FILE
    if settings.exists() and not (folder / JOURNAL).exists():
        raise UsageError(
            f"{settings} may be your own, and would be replaced: there is no {JOURNAL} beside it.",
            "Remove it, or name another folder with --out.",
        )


def _find_space(recipe: Recipe) -> SearchSpace:
    """Return what is searched of a model: what the recipe does not fix."""
    name = recipe.entry.name
    searched = {
        other: find_class(other).search_space for other in MODELS if not MODELS[other].composed
    }
    if not searched.get(name):
        names = ", ".join(other for other, space in searched.items() if space)
        raise UsageError(f"The model {name} has no parameters to search.", f"Choose {names}.")
    space = {
        parameter: allowed
        for parameter, allowed in searched[name].items()
        if parameter not in recipe.parameters
    }
    if not space:
        raise UsageError(
            f"All parameters of {name} that can be searched are fixed.",
            "Leave some out of --set and hmnist.toml.",
        )
    return space


def _without_test(parts: Split) -> Split:
    if parts.protocol is not None:
        raise UsageError(
            f"{parts.kind} validates on its test images, so nothing may be searched on it.",
            "Choose --split lesion.",
        )
    if not parts.sizes["validation"]:
        raise UsageError(
            f"The split of {parts.data.name} ({parts.kind}) has no validation images.",
            "Choose --split lesion, or a split file with a validation part.",
        )
    return parts.without_test()


def _try(
    recipe: Recipe,
    parts: Split,
    tried: Mapping[str, Any],
    on_loss: Callable[[float, float], None],
    *,
    seeds: int,
    on_step: OnStep,
) -> float:
    """Return the mean log loss of so many models; the first of them may be stopped early."""
    chosen = replace(recipe, parameters={**recipe.parameters, **tried})
    losses = []
    for number in range(seeds):
        seeded = replace(chosen, seed=recipe.seed + number)
        steps = _piece(on_step, number, seeds)
        losses.append(_validate(seeded, parts, steps, None if number else on_loss))
    return fmean(losses)


def _piece(on_step: OnStep, number: int, count: int) -> OnStep:
    return part_of(on_step, number / count, (number + 1) / count)


def _validate(
    recipe: Recipe, parts: Split, on_step: OnStep, on_loss: Callable[[float, float], None] | None
) -> float:
    """Return the log loss on validation; NaN if the training diverged."""
    from sklearn.metrics import log_loss

    model = recipe.make()
    model.on_step, model.on_loss = on_step, on_loss
    fit_model(model, parts, recipe)
    labels = parts.validation.labels
    try:
        probabilities, _ = predict_part(model, parts.validation)
    except TrustError:
        return math.nan
    calibrated = rescale(probabilities, fit_temperature(labels, probabilities))
    return float(log_loss(labels, calibrated, labels=range(len(CODES))))


def _write_settings(tuning: Tuning, recipe: Recipe) -> None:
    """Write the best parameters, with those that all trials had."""
    best, count = tuning.best, len(tuning.trials)
    parameters = {**recipe.parameters, **best.parameters}
    lines = [
        f"# The best of {count} trials of: hmnist tune {tuning.model} --effort {recipe.effort}",
        f"# Log loss on validation {best.log_loss:.4f}, which is optimistic.",
        f"[set.{tuning.model}]",
        *(f"{name} = {json.dumps(value)}" for name, value in parameters.items()),
    ]
    with write_file(tuning.folder / SETTINGS_FILE) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
