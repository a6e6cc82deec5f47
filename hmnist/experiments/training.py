"""One cell: a split and a recipe → a run.

The order of the steps is the promise of this package: the split is decided first; only training
images are oversampled and fitted on; calibration and decision are fitted on validation; the test
part is scored once.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from hmnist.arrays import Float64
from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import Decision
from hmnist.decisions.familiarity import fit_familiarity
from hmnist.decisions.fitting import check_feasible, fit_decision
from hmnist.decisions.soft_voting import fit_weights, soft_vote
from hmnist.diagnoses import CODES
from hmnist.errors import HmnistError, TrustError, UsageError, WorkError
from hmnist.features.steps import OnStep
from hmnist.features.store import keep_results
from hmnist.files import hash_file, make_parent, working_folder
from hmnist.hardware import use_device, use_threads
from hmnist.oversampling import oversample
from hmnist.runs.facts import describe_data, describe_device, describe_split, describe_versions
from hmnist.runs.manifest import MANIFEST, Manifest, Member
from hmnist.runs.predictions import PREDICTED_PARTS, predictions_of_split
from hmnist.runs.recipe import Recipe
from hmnist.runs.report import make_report
from hmnist.runs.run import Run, open_run
from hmnist.runs.writing import write_run
from hmnist.splits.split import Split

if TYPE_CHECKING:
    from hmnist.models.base import Model

    Fit = Callable[[Model, Split, Recipe], float]
    Noted = Callable[[str], None]


def train_cell(
    split: Split,
    recipe: Recipe,
    folder: Path,
    on_step: OnStep | None = None,
    on_note: "Noted | None" = None,
    *,
    side_by_side: bool = False,
    fit: "Fit | None" = None,
    workers: int = 0,
) -> Run:
    """Train, calibrate, decide, score once, and write the run folder.

    The recipe has to be resolved for the split. If the folder holds a finished run of the same key,
    that one is opened; what is not a run folder is refused. `on_step` is called as
    ``on_step(done, total)`` while the model is fitted, `on_note` with a sentence, without its full
    stop, if another process trains it, or the training goes on where it was interrupted;
    `side_by_side` notes in the run that other cells ran at the same time, so that times say little.
    `fit` fits the model in another way than on this machine: over so many `workers`.
    """
    _refuse_other_folder(folder)
    make_parent(folder)

    def wait() -> None:
        if on_note is not None:
            on_note("another process trains it, and this one waits")

    with working_folder(folder, wait) as work:
        # Another process may have trained it while this one waited.
        if (finished := open_finished(folder, recipe.key(split))) is not None:
            return finished
        if _is_decided_on_validation(split, recipe):
            # Better refused before the training than after it.
            check_feasible(recipe.decide, split.validation.labels, sensitivity=recipe.sensitivity)
        use_threads(recipe.threads or 1)
        use_device(recipe.device)
        model = recipe.make()
        model.on_step, model.on_note = on_step, on_note
        model.state_folder = work / recipe.key(split)
        fit_seconds = (fit or fit_model)(model, split, recipe)
        try:
            validation, _ = predict_part(model, split.validation)
            test, test_seconds = predict_part(model, split.test)
        except TrustError as error:  # it was fitted just now, so that nothing is damaged
            raise _diverged(recipe) from error
        return _write(
            split,
            recipe,
            folder,
            {"validation": validation, "test": test},
            model=model,
            parameters=model.get_params(),
            fit_seconds=round(fit_seconds, 3),
            predict_ms_per_1000=round(1e6 * test_seconds / len(split.test), 3),
            parameter_count=model.parameter_count,
            workers=workers,
            side_by_side=side_by_side,
        )


def compose_ensemble(
    split: Split,
    recipe: Recipe,
    folder: Path,
    members: Sequence[Run],
    noted: "Noted | None" = None,
) -> Run:
    """Average trained models, without further training, and write the run folder of the ensemble.

    The folder lies beside those of the members, at least two. The manifest names each member by
    digest, with its weight; models of no weight are left out. The recipe is that of the members,
    except for the model. `noted` is that of `open_finished`.
    """
    labels = split.validation.labels
    # A published protocol tests on its validation images, so nothing is fitted on them.
    count = len(labels) if split.protocol is None else 0
    stored = {
        part: [run.predictions[part].probabilities for run in members] for part in PREDICTED_PARTS
    }
    weights = fit_weights(labels[:count], [rows[:count] for rows in stored["validation"]])
    kept = [(run, weight) for run, weight in zip(members, weights.tolist(), strict=True) if weight]
    listed = tuple(
        Member(run=run.folder.name, digest=hash_file(run.folder / MANIFEST), weight=weight)
        for run, weight in kept
    )
    with working_folder(folder):  # another process may compose it, too
        finished = open_finished(folder, recipe.key(split), noted)
        # A member that was trained again is another member, though its predictions are the same.
        if finished is not None and finished.manifest.members == listed:
            return finished
        return _write(
            split,
            recipe,
            folder,
            {part: soft_vote(probabilities, weights) for part, probabilities in stored.items()},
            parameters={},
            members=listed,
            fit_seconds=0.0,
            predict_ms_per_1000=sum(run.manifest.predict_ms_per_1000 for run, _ in kept),
            parameter_count=sum(run.manifest.parameter_count for run, _ in kept),
            side_by_side=False,
        )


class _TrainingFacts(TypedDict):
    """What a manifest says of the training itself."""

    parameters: dict[str, Any]
    fit_seconds: float
    predict_ms_per_1000: float
    parameter_count: int
    side_by_side: bool


def _write(
    split: Split,
    recipe: Recipe,
    folder: Path,
    probabilities: dict[str, Float64],
    *,
    model: "Model | None" = None,
    members: tuple[Member, ...] = (),
    workers: int = 0,
    **facts: Unpack[_TrainingFacts],
) -> Run:
    """Calibrate, decide, score once, and write the run folder; `facts` are the manifest's own.

    What training images look like is measured for every run anew: it takes half a second.
    """
    decision = _decide(split, recipe, probabilities["validation"])
    calibrated = {part: decision.calibrate(values) for part, values in probabilities.items()}
    predicted = {part: decision.decide(values) for part, values in calibrated.items()}
    predictions = predictions_of_split(split, calibrated, predicted)
    report = make_report(predictions["test"].to_score())
    manifest = Manifest(
        key=recipe.key(split),
        model=recipe.model,
        recipe=recipe,
        system=None if recipe.entry.system is None else recipe.entry.system.recipe(),
        pretrained_digest=recipe.pretrained_digest,
        data=describe_data(split.data),
        split=describe_split(split),
        prior=tuple(_prior(split).tolist()),
        decision=decision,
        members=members,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        device=describe_device(recipe.device, workers),
        versions=describe_versions(),
        files={},
        **facts,
    )
    return write_run(
        folder,
        manifest,
        model=model,
        seen=(split.train, split.validation),
        familiarity=fit_familiarity(split.train.images, split.validation.images),
        predictions=predictions,
        report=report,
    )


def open_finished(folder: Path, key: str, noted: "Noted | None" = None) -> Run | None:
    """Return the finished run of a folder, None if there is none of that key.

    `noted` receives a sentence, without its full stop, if there is one that is damaged.
    """
    try:
        run = open_run(folder)
        _ = run.predictions  # which are needed in any case
    except TrustError as error:
        if noted is not None:
            noted(f"{error.message.removesuffix('.')}; it is made again")
        return None
    except HmnistError:
        return None
    return run if run.manifest.key == key else None


def _refuse_other_folder(folder: Path) -> None:
    """Refuse a file, or a folder that holds something else than a run: it would be replaced."""
    taken = folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    if taken and not (folder / MANIFEST).is_file():
        raise UsageError(
            f"{folder} exists and is not a run folder.", "Remove it, or name another with --out."
        )


def fit_model(model: "Model", split: Split, recipe: Recipe) -> float:
    """Fit on the training part, oversampled, and return the seconds it takes by itself."""
    method, rare, target = recipe.oversample, recipe.rare, recipe.rare_to
    training = oversample(split.train, method, rare=rare, target=target, seed=recipe.seed)
    images, labels = training.apply(split.train)
    patients = training.patients(split.train) if recipe.patients else None
    held_out = split.validation
    known = held_out.patients if recipe.patients else None
    with keep_results() as work:
        model.fit(
            images,
            labels,
            sample_weight=training.weights,
            patients=patients,
            groups=training.rows,
            validation=(held_out.images, held_out.labels, known),
        )
    return work.seconds


def predict_part(model: "Model", part: LesionDataset) -> tuple[Float64, float]:
    """Return the probabilities of a part, which may be empty, and the seconds it takes."""
    if not len(part):
        return np.empty((0, len(CODES))), 0.0
    with keep_results() as work:
        patients = part.patients if model.uses_patients_ else None
        probabilities = model.predict_proba(part.images, patients)
    return probabilities, work.seconds


def _diverged(recipe: Recipe) -> WorkError:
    """Return the error for a model that has been fitted and predicts no probabilities."""
    name, rate = recipe.model, recipe.make().get_params().get("learning_rate")
    return WorkError(
        f"The training of {name} diverged: it predicts numbers that are not probabilities.",
        f"Leave it out, or set other parameters (see: hmnist models {name})."
        if rate is None
        else f"Leave it out, or lower its learning rate: --set {name}.learning_rate={rate / 10:g}",
    )


def _is_decided_on_validation(split: Split, recipe: Recipe) -> bool:
    """Return whether calibration and decision may be fitted on the validation part.

    The validation part of a published protocol is mostly its test part.
    """
    return recipe.entry.calibrated and split.protocol is None


def _decide(split: Split, recipe: Recipe, probabilities: Float64) -> Decision:
    if not _is_decided_on_validation(split, recipe):
        return Decision("natural")
    labels, prior = split.validation.labels, _prior(split)
    return fit_decision(recipe.decide, labels, probabilities, prior, sensitivity=recipe.sensitivity)


def _prior(split: Split) -> Float64:
    """Return the share of each diagnosis in the training part, before any oversampling."""
    counts = np.bincount(split.train.labels, minlength=len(CODES))
    return np.asarray(counts / len(split.train))
