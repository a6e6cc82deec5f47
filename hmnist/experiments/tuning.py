"""`tune`: a search for parameters of a model that do well on the validation part.

The test part is cut off before the search begins. Each trial trains the model on the training part
and predicts the validation part; its value is the log loss after calibration, as in a run. The
first trial has the parameters as they are.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Unpack

from hmnist.dataset import LesionDataset
from hmnist.decisions.calibration import fit_temperature, rescale
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, WorkError
from hmnist.experiments.study import Study, Trial, check_optuna
from hmnist.experiments.training import fit_model, predict_part
from hmnist.files import locked, make_parent, new_runs_folder, write_file
from hmnist.hardware import use_device, use_threads
from hmnist.models.registry import MODELS, import_class
from hmnist.models.search_space import SearchSpace
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
        In their order, the parameters as they are first.
    folder : pathlib.Path
        Where the trials are, and ``hmnist.toml`` with the best parameters.
    """

    model: str
    trials: tuple[Trial, ...]
    folder: Path

    @property
    def ranked(self) -> tuple[Trial, ...]:
        """The trials that were not stopped, the best first; of equal ones, the earlier."""
        finished = [trial for trial in self.trials if trial.log_loss is not None]
        return tuple(sorted(finished, key=lambda trial: trial.log_loss or 0))

    @property
    def best(self) -> Trial:
        """The trial with the least log loss on validation, which is optimistic."""
        if not self.ranked:
            raise WorkError("No trial came to its end.", "Begin again, with other ranges.")
        return self.ranked[0]


def tune(
    data: LesionDataset,
    model: str = "cnn",
    *,
    trials: int = 20,
    seeds: int = 1,
    split: str | Path | None = None,
    out: str | Path | None = None,
    on_trial: Callable[[Tuning], None] | None = None,
    on_step: Callable[[int, int], None] | None = None,
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
    split : str, pathlib.Path or None
        As `by` of `hmnist.split`.
    out : str, pathlib.Path or None
        The folder of the search; None makes one in ``hmnist-runs``. A search that was interrupted
        goes on in its folder.
    on_trial : callable or None
        Called with the trials so far when one came to its end.
    on_step : callable or None
        Called as ``on_step(done, total)`` while a model is fitted.
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
    """
    if trials < 1 or seeds < 1:
        raise UsageError("Trials and seeds are counted from 1.")
    check_optuna()
    given: dict[str, Any] = dict(settings)
    recipe = Recipe(model=model, parameters=dict(parameters or {}), **given)
    space = _find_space(recipe)
    parts = _without_test(make_split(data, split, recipe.seed))
    recipe = recipe.resolved_for(parts)
    folder = Path(out) if out else new_runs_folder(f"-tune-{recipe.model}")
    make_parent(folder / SETTINGS_FILE)
    use_threads(recipe.threads or 1)
    use_device(recipe.device)

    def objective(tried: dict[str, Any], on_loss: Callable[[float, float], None]) -> float:
        chosen = replace(recipe, parameters={**recipe.parameters, **tried})
        losses = []
        for number in range(seeds):
            watch = None if number else on_loss
            seeded = replace(chosen, seed=recipe.seed + number)
            losses.append(_validate(seeded, parts, on_step, watch))
        return fmean(losses)

    key = hashlib.sha256(f"{recipe.key(parts)} {seeds} {space}".encode()).hexdigest()[:12]
    with locked(folder / ".lock"):
        study = Study(folder, key, space, first=recipe.make().get_params(), seed=recipe.seed)
        while len(study.trials) < trials:
            study.run(objective)
            tuning = Tuning(recipe.model, study.trials, folder)
            if tuning.ranked:
                _write_settings(tuning, recipe)
            if on_trial is not None:
                on_trial(tuning)
        return Tuning(recipe.model, study.trials, folder)


def _find_space(recipe: Recipe) -> SearchSpace:
    """Return what is searched of a model: what the recipe does not fix."""
    entry = recipe.entry
    if entry.composed or not (whole := import_class(entry).search_space):
        names = [
            name
            for name, other in MODELS.items()
            if not other.composed and import_class(other).search_space
        ]
        raise UsageError(
            f"The model {entry.name} has no parameters to search.", f"Choose {', '.join(names)}."
        )
    space = {name: allowed for name, allowed in whole.items() if name not in recipe.parameters}
    if not space:
        raise UsageError(
            f"All parameters of {entry.name} that can be searched are fixed.", "Free one of them."
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


def _validate(
    recipe: Recipe,
    parts: Split,
    on_step: Callable[[int, int], None] | None,
    on_loss: Callable[[float, float], None] | None,
) -> float:
    """Return the log loss on validation; NaN if the training went astray."""
    import numpy as np
    from sklearn.metrics import log_loss

    model = recipe.make()
    model.on_step, model.on_loss = on_step, on_loss
    fit_model(model, parts, recipe)
    labels = parts.validation.labels
    probabilities, _ = predict_part(model, parts.validation)
    if not np.isfinite(probabilities).all():
        return np.nan
    calibrated = rescale(probabilities, fit_temperature(labels, probabilities))
    return float(log_loss(labels, calibrated, labels=range(len(CODES))))


def _write_settings(tuning: Tuning, recipe: Recipe) -> None:
    """Write the best parameters."""
    best, count = tuning.best, len(tuning.trials)
    lines = [
        f"# The best of {count} trials of: hmnist tune {tuning.model} --effort {recipe.effort}",
        f"# Log loss on validation {best.log_loss:.4f}, which is optimistic.",
        "[set]",
        *(
            f'"{tuning.model}.{name}" = {json.dumps(value)}'
            for name, value in best.parameters.items()
        ),
    ]
    with write_file(tuning.folder / SETTINGS_FILE) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
