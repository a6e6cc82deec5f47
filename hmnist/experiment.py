"""One cell of a benchmark: a split, a recipe → a run.

The order of the work is the promise of this package: the split is decided first; only training
images are oversampled and fitted on; calibration and decision are fitted on validation; the test
part is scored once.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.dataset import LesionDataset
from hmnist.decision import Decision, fit_decision
from hmnist.diagnoses import CODES, RARE
from hmnist.models.registry import MAJORITY, make_model
from hmnist.oversampling import oversample
from hmnist.runs import Run, open_run, write_run
from hmnist.scores import Scores, score_predictions
from hmnist.splits import Split, split
from hmnist.threads import available_cores, use_threads

if TYPE_CHECKING:
    from hmnist.models.base import Model

__all__ = ["Recipe", "describe_data", "describe_split", "run_cell", "score", "train"]

SCORED = ("validation", "test")
"""The parts whose predictions are kept."""


@dataclass(frozen=True)
class Recipe:
    """How one model is trained: everything beside data and split that can change its scores.

    Attributes
    ----------
    model : str
        A name of the registry.
    oversampling : str
        A method of `hmnist.oversampling`.
    rare : tuple of str
        The diagnoses that are raised.
    rare_to : int or None
        To which count; None is the method's default.
    decision : str
        ``natural``, ``balanced`` or ``sensitive``.
    sensitivity : float
        The share of malignant lesions that ``sensitive`` is to find, 0–1.
    effort : str
        ``quick``, ``standard`` or ``best``.
    seed : int
        What fixes oversampling and training.
    threads : int
        How many threads the libraries use.
    parameters : mapping
        Constructor parameters that take precedence over the effort's.
    """

    model: str
    oversampling: str = "random"
    rare: tuple[str, ...] = RARE
    rare_to: int | None = None
    decision: str = "natural"
    sensitivity: float = 0.9
    effort: str = "standard"
    seed: int = 0
    threads: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def key(self, on: Split) -> str:
        """Return a digest of everything that could change the scores of this cell."""
        from hmnist import __version__

        facts = {
            **asdict(self),
            "data": on.data.digest,
            "split": on.digest,
            "version": __version__,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]

    def make(self) -> "Model":
        """Return the model, unfitted.

        Raises
        ------
        UsageError
            If the model, the effort or a parameter is unknown.
        """
        return make_model(self.model, effort=self.effort, random_state=self.seed, **self.parameters)


def train(
    data: LesionDataset,
    model: str = "cnn",
    *,
    by: str | Path | None = None,
    oversampling: str = "random",
    rare: tuple[str, ...] = RARE,
    rare_to: int | None = None,
    decision: str = "natural",
    sensitivity: float = 0.9,
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
        The split; see `hmnist.split`.
    oversampling, rare, rare_to
        See `hmnist.oversampling.oversample`.
    decision, sensitivity
        See `hmnist.decision.fit_decision`.
    effort : str
        ``quick``, ``standard`` or ``best``.
    seed : int
        What fixes split, oversampling and training.
    threads : int or None
        None takes the cores that this process may use.
    out : str, pathlib.Path or None
        The run folder; None makes one in ``hmnist-runs``. An existing folder is replaced.
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
        If a name is unknown or a size unsuitable.
    WorkError
        If the folder cannot be written.
    """
    recipe = Recipe(
        model,
        oversampling,
        rare,
        rare_to,
        decision,
        sensitivity,
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

    Returns
    -------
    Run
    """
    key = recipe.key(on)
    if (finished := _finished(folder, key)) is not None:
        return finished
    use_threads(recipe.threads)
    model = recipe.make()
    model.on_step = on_step
    fit_seconds = _fit(model, on, recipe)
    raw, milliseconds = _predict(model, on)
    decision = _decide(on, recipe, raw["validation"])
    calibrated = {part: decision.calibrate(probabilities) for part, probabilities in raw.items()}
    predicted = {part: (values, decision.decide(values)) for part, values in calibrated.items()}
    scores = score_predictions(on.test.labels, *predicted["test"])
    facts = {
        "key": key,
        "model": recipe.model,
        "parameters": {**model.get_params(), "random_state": recipe.seed},
        "recipe": asdict(recipe),
        "data": describe_data(on.data),
        "split": describe_split(on),
        "decision": decision.to_dict(),
        "scores": _jsonable(scores),
        "fit_seconds": round(fit_seconds, 3),
        "predict_ms_per_1000": round(milliseconds, 3),
        "parameter_count": model.parameter_count,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": _device(),
        "versions": _versions(),
    }
    return write_run(folder, facts, model, on, predicted)


def score(model: Any, data: LesionDataset) -> Scores:
    """Score a fitted classifier on a data set.

    Parameters
    ----------
    model : Model or Run
        Anything with ``predict_proba`` and seven columns in the Kaggle order. A run decides as it
        was told to; a bare model takes the largest probability.
    data : LesionDataset
        Images that it has not seen: a test part.

    Returns
    -------
    Scores
    """
    probabilities = model.predict_proba(data.images)
    decisions = model.decision.decide(probabilities) if isinstance(model, Run) else None
    return score_predictions(data.labels, probabilities, decisions)


def describe_data(data: LesionDataset) -> dict[str, Any]:
    """Return what a manifest and a table say of a data set."""
    return {
        "name": data.name,
        "digest": data.digest,
        "rows": len(data),
        "lesions": data.lesion_count,
        "synthetic": data.synthetic,
        "image_shape": list(data.image_shape),
    }


def describe_split(on: Split) -> dict[str, Any]:
    """Return what a manifest and a table say of a split."""
    return {
        "kind": on.kind,
        "seed": on.seed,
        "fold": on.fold,
        "folds": on.folds,
        "sizes": on.sizes,
        "shared_lesions": on.shared_lesions,
        "shared_test_images": on.shared_test_images,
        "digest": on.digest,
    }


def _finished(folder: Path, key: str) -> Run | None:
    from hmnist.errors import HmnistError

    try:
        run = open_run(folder)
    except HmnistError:
        return None
    return run if run.manifest["key"] == key else None


def _fit(model: "Model", on: Split, recipe: Recipe) -> float:
    # The majority model shows what the natural shares are worth; it is never oversampled.
    method = "none" if recipe.model == MAJORITY else recipe.oversampling
    training = oversample(
        on.train, method, rare=recipe.rare, target=recipe.rare_to, seed=recipe.seed
    )
    images, labels = training.apply(on.train)
    start = time.perf_counter()
    model.fit(images, labels, validation=(on.validation.images, on.validation.labels))
    return time.perf_counter() - start


def _predict(model: "Model", on: Split) -> tuple[dict[str, npt.NDArray[np.float64]], float]:
    """Return the probabilities of each scored part, and milliseconds per 1,000 test images."""
    nothing = np.empty((0, len(CODES)))
    raw = {"validation": nothing}
    if len(on.validation):
        raw["validation"] = model.predict_proba(on.validation.images)
    start = time.perf_counter()
    raw["test"] = model.predict_proba(on.test.images)
    seconds = time.perf_counter() - start
    return raw, 1e6 * seconds / len(on.test)


def _decide(on: Split, recipe: Recipe, probabilities: npt.NDArray[np.float64]) -> Decision:
    prior = np.bincount(on.train.labels, minlength=len(CODES)) / len(on.train)
    # The majority model is the plain yardstick; it takes no part in calibration and correction.
    if recipe.model == MAJORITY:
        return fit_decision("natural", np.empty(0, np.int64), np.empty((0, len(CODES))), prior)
    return fit_decision(
        recipe.decision,
        on.validation.labels,
        probabilities,
        prior,
        sensitivity=recipe.sensitivity,
    )


def _jsonable(scores: Scores) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in scores.to_dict().items()}


def _device() -> str:
    """Say what networks run on; the trees and the linear model always take the CPU."""
    if "tensorflow" not in sys.modules:
        return "CPU"
    import tensorflow as tf

    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def _versions() -> dict[str, str]:
    import importlib.metadata
    import platform

    from hmnist import __version__

    names = (
        "numpy",
        "pandas",
        "scikit-learn",
        "imbalanced-learn",
        "xgboost",
        "tensorflow",
        "keras",
    )
    return {
        "hmnist": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
    }
