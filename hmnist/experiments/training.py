"""One cell of a benchmark: a split, a recipe → a run.

The order of the work is the promise of this package: the split is decided first; only training
images are oversampled and fitted on; calibration and decision are fitted on validation; the test
part is scored once.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import Decision, fit_decision
from hmnist.decisions.soft_voting import fit_weights, vote
from hmnist.diagnoses import CODES, RARE
from hmnist.errors import HmnistError, UsageError
from hmnist.files import hash_file, make_parent
from hmnist.hardware import available_cores, use_threads
from hmnist.models.registry import find_model
from hmnist.oversampling import oversample
from hmnist.results.evaluation import evaluate_run
from hmnist.runs.manifest import (
    MANIFEST,
    describe_data,
    describe_device,
    describe_split,
    describe_versions,
)
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run, open_run, write_run
from hmnist.scores.predictions import Predictions
from hmnist.scores.reliability import measure_reliability
from hmnist.scores.scoring import Scores, none_if_unknown, score_predictions
from hmnist.splits.split import Split, split
from hmnist.systems import SYSTEMS

if TYPE_CHECKING:
    from hmnist.models.base import Model

__all__ = ["compose", "run_cell", "train"]

KEPT = ("validation", "test")
"""The parts whose predictions are kept."""


def train(
    data: LesionDataset,
    model: str = "cnn",
    *,
    by: str | Path | None = None,
    oversampling: str = "random",
    rare: Sequence[str] | str = RARE,
    rare_to: int | None = None,
    decision: str = "natural",
    sensitivity: float = 0.9,
    features: str = "lesion",
    weights: str = "none",
    effort: str = "standard",
    seed: int = 0,
    threads: int | None = None,
    out: str | Path | None = None,
    on_step: Callable[[int, int], None] | None = None,
    **parameters: Any,
) -> Run:
    """Train one model into a run folder.

    Parameters
    ----------
    data : LesionDataset
        What to train, validate and test on.
    model : str
        A name of the registry (``hmnist models``).
    by : str, pathlib.Path or None
        The split; see `hmnist.split`. ``published:<system>`` resamples and decides by itself.
    oversampling, rare, rare_to
        See `hmnist.oversampling.oversample`.
    decision, sensitivity
        See `hmnist.decisions.decision.fit_decision`.
    features : str
        What models of numbers read: ``lesion`` or ``pixels``.
    weights : str
        What transfer models start from: ``none``, ``imagenet``, or the path of a file.
    effort : str
        ``quick``, ``standard`` or ``best``.
    seed : int
        What fixes split, oversampling and training.
    threads : int or None
        None takes the cores that this process may use.
    out : str, pathlib.Path or None
        The run folder; None makes one in ``hmnist-runs``. An older run of that name is
        replaced.
    on_step : callable or None
        Called as ``on_step(done, total)`` while the model is fitted.
    **parameters
        Constructor parameters of the model.

    Returns
    -------
    Run

    Raises
    ------
    UsageError
        If a name is unknown or a size unsuitable, or weights do not fit.
    DataError
        If a file of weights is missing or malformed, or none can be downloaded.
    WorkError
        If the folder cannot be written.
    """
    if threads is not None and threads < 1:
        raise UsageError("Threads are counted from 1.")
    recipe = Recipe(
        model,
        oversampling,
        (rare,) if isinstance(rare, str) else tuple(rare),
        rare_to,
        decision,
        sensitivity,
        features,
        weights,
        effort,
        seed,
        threads or available_cores(),
        parameters,
    )
    folder = Path(out) if out else Path("hmnist-runs") / f"{datetime.now():%Y%m%d-%H%M%S}-{model}"
    return run_cell(split(data, by, seed), recipe, folder, on_step)


def run_cell(
    on: Split,
    recipe: Recipe,
    folder: Path,
    on_step: Callable[[int, int], None] | None = None,
    *,
    side_by_side: bool = False,
) -> Run:
    """Train, calibrate, decide, score once, and write the run folder.

    Parameters
    ----------
    on : Split
        Who trains, validates and is tested.
    recipe : Recipe
        What is done with them.
    folder : pathlib.Path
        Where the run goes. If it holds a finished run of the same key, that one is opened.
    on_step : callable or None
        Called as ``on_step(done, total)`` while the model is fitted.
    side_by_side : bool
        Whether other cells run at the same time, so that times tell little; noted in the run.

    Returns
    -------
    Run

    Raises
    ------
    UsageError
        If the recipe does not fit the data, or the folder holds something else.
    WorkError
        If the folder cannot be written.
    """
    recipe = recipe.under(on)
    if (finished := _finished(folder, recipe.key(on))) is not None:
        return finished
    _refuse_foreign(folder)
    make_parent(folder)
    # A decision that validation cannot support is refused before the training, not after.
    _decide(on, recipe, np.full((len(on.validation), len(CODES)), 1 / len(CODES)))
    use_threads(recipe.threads)
    model = recipe.make()
    model.on_step = on_step
    fit_seconds = _fit(model, on, recipe)
    raw, milliseconds = _predict(model, on)
    costs = {
        "fit_seconds": round(fit_seconds, 3),
        "predict_ms_per_1000": round(milliseconds, 3),
        "parameter_count": model.parameter_count,
    }
    facts = {"parameters": model.get_params(), **costs, "side_by_side": side_by_side}
    return _finish(on, recipe, folder, raw=raw, facts=facts, model=model)


def compose(on: Split, recipe: Recipe, folder: Path, members: Sequence[Run]) -> Run:
    """Let trained models vote, at no further training, and write the committee's run folder.

    Parameters
    ----------
    on : Split
        The split that the members were trained on.
    recipe : Recipe
        The members' own, but for the model.
    folder : pathlib.Path
        Where the run goes, beside its members.
    members : sequence of Run
        Two or more.

    Returns
    -------
    Run
        Its manifest names the members by digest, each with its weight.

    Raises
    ------
    UsageError
        If there are fewer than two members.
    """
    labels = on.validation.labels
    # Published protocols test on what they validate on, so the shares are equal there.
    heard = len(labels) if on.protocol is None else 0
    weights = fit_weights(
        labels[:heard], [member.probabilities("validation")[:heard] for member in members]
    )
    listed = [
        {"run": member.folder.name, "digest": hash_file(member.folder / MANIFEST), "weight": weight}
        for member, weight in zip(members, weights.tolist(), strict=True)
    ]
    finished = _finished(folder, recipe.key(on))
    # A member that was trained again is another member, though it votes the same.
    if finished is not None and finished.manifest["members"] == listed:
        return finished
    raw = {part: vote([member.probabilities(part) for member in members], weights) for part in KEPT}
    facts = {
        "parameters": {},
        "members": listed,
        "fit_seconds": 0.0,
        "side_by_side": False,
        **{
            cost: sum(member.manifest[cost] for member in members)
            for cost in ("predict_ms_per_1000", "parameter_count")
        },
    }
    return _finish(on, recipe, folder, raw=raw, facts=facts, model=None)


def _finish(
    on: Split,
    recipe: Recipe,
    folder: Path,
    *,
    raw: dict[str, npt.NDArray[np.float64]],
    facts: dict[str, Any],
    model: "Model | None",
) -> Run:
    """Calibrate, decide, score once, and write the run folder."""
    decision = _decide(on, recipe, raw["validation"])
    calibrated = {part: decision.calibrate(probabilities) for part, probabilities in raw.items()}
    predicted = {part: (values, decision.decide(values)) for part, values in calibrated.items()}
    scores = score_predictions(on.test.labels, *predicted["test"])
    answered = Predictions(on.test.labels, *predicted["test"])
    shared = {
        "key": recipe.key(on),
        "model": recipe.model,
        "recipe": asdict(recipe),
        "system": SYSTEMS[recipe.model].recipe() if recipe.model in SYSTEMS else None,
        "weights_digest": recipe.weights_digest,
        "data": describe_data(on.data),
        "split": describe_split(on),
        "prior": _prior(on).tolist(),
        "decision": decision.to_dict(),
        "scores": _jsonable(scores),
        "reliability": [asdict(found) for found in measure_reliability([answered])],
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": describe_device(model),
        "versions": describe_versions(),
    }
    run = write_run(folder, {**shared, **facts}, model, on, predicted)
    evaluate_run(run).write(run.folder)
    return run


def _finished(folder: Path, key: str) -> Run | None:
    try:
        run = open_run(folder)
    except HmnistError:
        return None
    return run if run.manifest["key"] == key else None


def _refuse_foreign(folder: Path) -> None:
    """Replace an older run, but nothing that is none."""
    taken = folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    if taken and not (folder / MANIFEST).is_file():
        raise UsageError(f"{folder} exists and is no run folder.", "Name another place with --out.")


def _fit(model: "Model", on: Split, recipe: Recipe) -> float:
    # The majority model shows what the natural shares are worth; it is never oversampled.
    method = "none" if not find_model(recipe.model).oversampled else recipe.oversampling
    training = oversample(
        on.train, method, rare=recipe.rare, target=recipe.rare_to, seed=recipe.seed
    )
    images, labels = training.apply(on.train)
    start = time.perf_counter()
    held_out = (on.validation.images, on.validation.labels)
    model.fit(images, labels, sample_weight=training.weights, validation=held_out)
    return time.perf_counter() - start


def _predict(model: "Model", on: Split) -> tuple[dict[str, npt.NDArray[np.float64]], float]:
    """Return the probabilities of each scored part, and milliseconds per 1,000 test images."""
    raw = {"validation": np.empty((0, len(CODES)))}
    if len(on.validation):
        raw["validation"] = model.predict_proba(on.validation.images)
    start = time.perf_counter()
    raw["test"] = model.predict_proba(on.test.images)
    seconds = time.perf_counter() - start
    return raw, 1e6 * seconds / len(on.test)


def _decide(on: Split, recipe: Recipe, probabilities: npt.NDArray[np.float64]) -> Decision:
    prior = _prior(on)
    # The majority model is the plain yardstick; it takes no part in calibration and correction.
    # Nor do published protocols: what they validate on is what they test on.
    if not find_model(recipe.model).calibrated or on.protocol is not None:
        return fit_decision("natural", np.empty(0, np.int64), np.empty((0, len(CODES))), prior)
    return fit_decision(
        recipe.decision,
        on.validation.labels,
        probabilities,
        prior,
        sensitivity=recipe.sensitivity,
    )


def _prior(on: Split) -> npt.NDArray[np.float64]:
    """Return the share of each diagnosis in the training part, before any oversampling."""
    return np.asarray(np.bincount(on.train.labels, minlength=len(CODES)) / len(on.train))


def _jsonable(scores: Scores) -> dict[str, float | None]:
    return {name: none_if_unknown(value) for name, value in scores.to_dict().items()}
