"""One xgboost model trained over a cluster: each worker has a share of the images.

Filters and codebooks are fitted here, on a sample. Each worker computes the features of its own
images and keeps them as bins of a byte; xgboost adds up the gradients of all workers
(`xgboost.collective`; `xgboost.dask`, which does the same for tables of Dask, needs pyarrow). The
bins are merged from those of the workers, so scores differ a little with their number.

The trees have no linear start: its cross-fitting needs all features in one place, and fitted on a
part of the images it would be too sure of these.
"""

import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Indices
from hmnist.augmentation import orient_each
from hmnist.errors import UsageError, WorkError
from hmnist.experiments.crew import Crew
from hmnist.experiments.stored import StoredData
from hmnist.features.steps import OnStep
from hmnist.hardware import use_device, use_threads
from hmnist.models.base import Model
from hmnist.models.boosting_xgboost import XGBoost
from hmnist.models.labelled_images import LabelledImages
from hmnist.oversampling import oversample
from hmnist.oversampling.own_sampler import OwnSampler
from hmnist.runs.recipe import Recipe
from hmnist.splits.split import Split

if TYPE_CHECKING:
    from distributed import Future

SAMPLE = 20_000
"""So many training images fit filters and codebooks."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Share:
    """What a worker needs to train on its images.

    Attributes
    ----------
    number : int
        From 0; the first worker returns the trees.
    data : StoredData
    recipe : Recipe
    state : mapping of str to bytes
        The files of a model that was fitted on the sample.
    rows, orientations, weights : numpy.ndarray
        Its part of an `Oversampled` training part, as rows of the data set.
    validation : numpy.ndarray of int64
        Its rows of the validation part.
    """

    number: int
    data: StoredData
    recipe: Recipe
    state: Mapping[str, bytes]
    rows: Indices
    orientations: npt.NDArray[np.uint8]
    weights: Float64 | None
    validation: Indices


def share_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe of a model that is trained in shares; UsageError if it cannot be.

    Shares are trained on processors: workers differ in their GPUs.
    """
    if recipe.model != "xgboost":
        raise UsageError(
            f"Only xgboost is trained over a cluster, not {recipe.model}.",
            "Several models are: hmnist benchmark --dask ADDRESS",
        )
    if recipe.oversample in {"affine", "smote"} or isinstance(recipe.oversample, OwnSampler):
        raise UsageError(
            f"{recipe.oversample} needs all images in one place, and a cluster has shares of them.",
            "Choose another --oversample.",
        )
    if recipe.parameters.get("linear_start"):
        raise UsageError(
            "A cluster trains xgboost without its linear start.", "Leave out linear_start."
        )
    parameters = {**recipe.parameters, "linear_start": False}
    return replace(recipe, device="cpu", parameters=parameters)


class SharedXGBoost(XGBoost):
    """An `XGBoost` whose filters and codebooks are those of a sample, loaded before the fit."""

    def _fit(self, training: LabelledImages, validation: LabelledImages | None) -> None:
        self._fit_columns(self.extractor_.transform(training.images), training, validation)


def fit_shares(crew: Crew, model: "Model", split: Split, recipe: Recipe) -> float:
    """Fit a model on the shares of all workers of a crew; return the seconds it took.

    Raises
    ------
    WorkError
        If a worker is lost.
    """
    training = oversample(
        split.train, recipe.oversample, rare=recipe.rare, target=recipe.rare_to, seed=recipe.seed
    )
    start = time.perf_counter()
    state, count = _fit_sample(split, recipe), len(crew.addresses)
    environment = crew.client.run_on_scheduler(start_tracker, count)
    # A worker without validation images would wait for the others for ever.
    validation = split.validation_indices if len(split.validation_indices) >= count else ()
    futures = {}
    for number, address in enumerate(crew.addresses):
        mine = slice(number, None, count)
        share = Share(
            number=number,
            data=crew.data,
            recipe=recipe,
            state=state,
            rows=split.train_indices[training.indices[mine]],
            orientations=training.orientations[mine],
            weights=None if training.weights is None else training.weights[mine],
            validation=np.asarray(validation[mine], np.int64),
        )
        futures[address] = crew.submit(address, train_share, share, environment)
    try:
        fitted = _wait_for(futures, crew, model.report_step)
    finally:
        crew.client.cancel(list(futures.values()))
    _load(model, fitted)
    return time.perf_counter() - start


def start_tracker(count: int, dask_scheduler: Any) -> dict[str, Any]:
    """Start what the workers meet at, in the scheduler; return what they have to know of it."""
    from xgboost.tracker import RabitTracker

    # The user may know the scheduler as localhost, which other machines do not.
    host = urlsplit(dask_scheduler.address).hostname
    tracker = RabitTracker(n_workers=count, host_ip=host, sortby="task")
    tracker.start()
    threading.Thread(target=tracker.wait_for, daemon=True).start()
    return dict(tracker.worker_args())


def train_share(share: Share, environment: Mapping[str, Any], topic: str) -> dict[str, bytes]:
    """Train on a share, together with all other workers; the first returns the model's files."""
    from distributed import get_worker
    from xgboost.collective import CommunicatorContext

    worker = get_worker()
    use_threads(share.recipe.threads or 1)
    use_device(share.recipe.device)
    data = share.data.open()
    model = SharedXGBoost(**share.recipe.make().get_params())
    _load(model, share.state)
    if share.number == 0:
        model.on_step = lambda done, total: worker.log_event(topic, ["share", done, total])
    images = orient_each(data.images[share.rows], share.orientations)
    patients = data.patients if share.recipe.patients else None
    known, held_back = (
        None if patients is None else patients[rows] for rows in (share.rows, share.validation)
    )
    with CommunicatorContext(**environment, dmlc_task_id=f"{share.number:06}"):
        model.fit(
            images,
            data.labels[share.rows],
            sample_weight=share.weights,
            patients=known,
            validation=(data.images[share.validation], data.labels[share.validation], held_back),
        )
    return _save(model) if share.number == 0 else {}


def _fit_sample(split: Split, recipe: Recipe) -> dict[str, bytes]:
    """Fit filters and codebooks on a sample of the training images; return the model's files."""
    rng = np.random.default_rng(recipe.seed)
    rows = split.train_indices
    if len(rows) > SAMPLE:
        rows = np.sort(rng.choice(rows, SAMPLE, replace=False))
    sample = split.data.take(rows)
    # A round of boosting, since a model is saved as a whole.
    model = replace(recipe, parameters={**recipe.parameters, "n_estimators": 1}).make()
    patients = sample.patients if recipe.patients else None
    return _save(model.fit(sample.images, sample.labels, patients=patients))


def _wait_for(
    futures: "Mapping[str, Future[dict[str, bytes]]]",
    crew: Crew,
    report: OnStep,
) -> dict[str, bytes]:
    """Return the files of the first worker when all are done."""
    while any(future.status == "pending" for future in futures.values()):
        for step in crew.steps():
            report(step[1], step[2])
        if lost := futures.keys() - crew.present():
            raise WorkError(
                f"The worker {lost.pop()} was lost, and the others need its images.",
                "Nothing was written; the same command begins again.",
            )
        # The others would wait for ever for one that failed.
        if any(future.status == "error" for future in futures.values()):
            break
    for future in futures.values():
        if future.status not in {"finished", "pending"}:
            raise WorkError(
                f"The training failed on a worker: {future.exception()}",
                "Nothing was written; the same command begins again.",
            )
    files: dict[str, bytes] = next(iter(futures.values())).result()
    return files


def _save(model: Model) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        model.save_state(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def _load(model: Model, files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        model.load_state(Path(folder))
