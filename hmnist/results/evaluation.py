"""`evaluate_run`: what a run achieves; `decide_again`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from hmnist.arrays import Indices
from hmnist.dataset import LesionDataset, check_loaded
from hmnist.decisions.decision import Decision
from hmnist.decisions.fitting import fit_decision
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, check_kind
from hmnist.files import expand_home
from hmnist.html import Cells, html_of
from hmnist.patients import describe_unknown
from hmnist.results.cautions import describe_failed
from hmnist.runs.facts import json_text
from hmnist.runs.manifest import MANIFEST
from hmnist.runs.opened import check_opened
from hmnist.runs.recipe import Recipe
from hmnist.runs.report import Report, make_report, write_report
from hmnist.runs.run import Run, check_images
from hmnist.runs.seen import Seen
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import SCORES
from hmnist.scores.text import interval_text, score_text


@dataclass(frozen=True, kw_only=True, repr=False)
class Evaluation:
    """How one run scores on one set of images.

    Attributes
    ----------
    title : str
        Which run, on which images.
    report : Report
        Its scores.
    own : bool
        Whether the images are the run's own test part.
    seen : Seen or None
        Which images of other data the run has seen, so that they are left out.
    origin : tuple of str
        Where model and images come from, leaks named: what belongs under every figure.
    notes : tuple of str
        Everything else that a reader of the scores has to know.
    decision : Decision
        How the probabilities became predicted diagnoses.
    predictions : Predictions
        What the report was made from.
    rows : numpy.ndarray of int64, shape (n,)
        Which rows of the data set the images are, in the order of the predictions.
    image_digest : str
        That of the data set (`hmnist.LesionDataset`).
    key : str
        That of the run (`hmnist.Manifest`).
    """

    title: str
    report: Report
    own: bool
    seen: Seen | None = field(repr=False, compare=False)
    origin: tuple[str, ...]
    notes: tuple[str, ...]
    decision: Decision = field(repr=False, compare=False)
    predictions: Predictions = field(repr=False, compare=False)
    rows: Indices = field(repr=False, compare=False)
    image_digest: str = field(repr=False, compare=False)
    key: str = field(repr=False, compare=False)

    @property
    def caption(self) -> tuple[str, ...]:
        """What belongs under every figure: which run, which images, where they come from."""
        return (f"{self.title}.", *self.origin)

    def __repr__(self) -> str:
        return f"Evaluation({self.title!r})"

    def _repr_html_(self) -> str:
        return html_of(self.tables(), [*self.origin, *self.notes], title=self.title)

    def tables(self) -> list[Cells]:
        """Return header and cells of each table: scores, diagnoses, confusions, reliability."""
        report = self.report
        scores, diagnoses = [], []
        for score in SCORES:
            value = report.scores[score.name]
            interval = interval_text(value.low, value.high)
            if score.diagnosis is None:
                scores.append([score.title, score_text(value.mean), interval])
            else:
                row = report.diagnoses[score.diagnosis]
                numbers = [score_text(row.precision), score_text(row.f1), f"{row.images:,}"]
                diagnoses.append([score.diagnosis, score_text(row.recall), interval, *numbers])
        for name, row in report.averages.items():
            numbers = [score_text(each) for each in (row.recall, row.precision, row.f1)]
            diagnoses.append([name, numbers[0], "–", *numbers[1:], f"{row.images:,}"])
        confusion = zip(CODES, report.confusion, strict=True)
        filled = [bin_ for bin_ in report.reliability if bin_.images]
        confidence, right = (
            [_percent(getattr(bin_, name)) for bin_ in filled]
            for name in ("confidence", "accuracy")
        )
        images = [f"{bin_.images:,}" for bin_ in filled]
        return [
            (["score", "value", "[low, high]"], scores),
            (["diagnosis", "recall", "[low, high]", "precision", "F1", "images"], diagnoses),
            (
                ["true ↓ predicted diagnosis →", *CODES],
                [[code, *map(str, counts)] for code, counts in confusion],
            ),
            (["confidence, %", *confidence], [["right, %", *right], ["images", *images]]),
        ]

    def to_json(self) -> str:
        """Return the evaluation as a JSON object, without its predictions."""
        facts = {name: getattr(self, name) for name in ("title", "own", "origin", "notes")}
        facts["left_out"] = None if self.seen is None else self.seen.counts()
        report = asdict(self.report)
        return json_text({"schema": "hmnist-evaluation/4", **facts, "report": report})

    def write(self, folder: str | Path) -> None:
        """Write ``report.json``, ``report.csv`` and ``confusion.csv`` into a folder.

        Raises
        ------
        UsageError
            If it is a run folder.
        WorkError
            If they cannot be written.
        """
        path = expand_home(folder)
        refuse_run_folder(path)
        write_report(self.report, path)


def refuse_run_folder(folder: Path) -> None:
    """Refuse to write a report into a run folder, which has its own: UsageError."""
    if (folder / MANIFEST).exists():
        raise UsageError(
            f"{folder} is a run folder, which has its own report.", "Name another with --out."
        )


def evaluate_run(run: Run, data: LesionDataset | None = None) -> Evaluation:
    """Evaluate a run on its test part, or on other data.

    Parameters
    ----------
    run : Run
        An opened run.
    data : LesionDataset or None
        None takes the stored predictions of the test part, and so does the data set that the run
        was trained on, whose other images it has seen. Other data are predicted, without the
        images that trained or validated the run, near copies of them, and other images of their
        lesions (`hmnist.runs.seen`).

    Returns
    -------
    Evaluation

    Raises
    ------
    UsageError
        If it is not a run, or the data are not a `LesionDataset`; if the images have another size
        than those the run was trained on, or it has seen all.
    """
    check_opened(run)
    if data is not None:
        check_loaded(data)
    facts = run.manifest.data
    own = data is None or data.image_digest == facts.image_digest
    name = facts.name if data is None else data.name
    seen, unknown = None, ""
    if data is None or own:
        predictions, rows = run.part("test"), run.predictions["test"].rows
    else:
        check_images(run, data)
        seen = run.find_seen(data)
        _refuse_none_left(seen, data, run)
        rows = np.flatnonzero(~seen.any)
        fresh = data.take(rows)
        patients = fresh.patients if run.uses_patients else None
        unknown = describe_unknown([patients], len(fresh)) if run.uses_patients else ""
        probabilities = run.predict_proba(fresh.images, patients)
        predicted = run.decision.decide(probabilities)
        predictions = Predictions(fresh.labels, probabilities, predicted, fresh.lesion_ids)
    counted = "images" if predictions.lesions is None else "lesions"
    has_failed = own and predictions.are_constant and not run.manifest.recipe.entry.baseline
    images = f"the test part of {name}" if own else name
    return Evaluation(
        title=f"{run.manifest.model} on {images}, {len(predictions.labels):,} images",
        report=make_report(predictions),
        own=own,
        seen=seen,
        origin=tuple(describe_origin(run, seen)),
        notes=(
            *([unknown] if unknown else []),
            *([f"Warning: {describe_failed(1, 1)}."] if has_failed else []),
            f"Decision: {run.decision.describe()}",
            f"Trained on: {run.manifest.device}",
            (
                f"[low, high] is a 95% interval over {counted}; a share of 0 or 1 has that of "
                f"Clopper and Pearson for the number of {counted}. Research software, not a "
                "medical device."
            ),
        ),
        decision=run.decision,
        predictions=predictions,
        rows=rows,
        image_digest=facts.image_digest if data is None else data.image_digest,
        key=run.manifest.key,
    )


def decide_again(run: Run, kind: str, *, sensitivity: float = Recipe.sensitivity) -> Predictions:
    """Apply another decision to a run's test part, without training anything.

    Parameters
    ----------
    run : Run
        An opened run; its stored validation predictions fit the new decision.
    kind : str
        ``natural``, ``balanced`` or ``sensitive``.
    sensitivity : float
        What ``sensitive`` should reach, between 0 and 1.

    Returns
    -------
    Predictions
        The stored probabilities with new predicted diagnoses.

    Raises
    ------
    UsageError
        If it is not a run, the kind is unknown, or validation cannot support it or, under a
        published protocol, is the test part.
    """
    check_opened(run)
    if kind != "natural" and run.manifest.split.published:
        raise UsageError(
            f"{run.folder.name} validates on its test part, so no decision can be fitted.",
            "Decide by natural, or train it on another split.",
        )
    validation, test = run.predictions["validation"], run.part("test")
    decision = fit_decision(
        kind,
        validation.labels,
        validation.probabilities,
        run.manifest.prior,
        sensitivity=sensitivity,
        temperature=1.0,
    )
    return replace(test, predicted=decision.decide(test.probabilities))


def check_evaluation(evaluation: object) -> None:
    """Refuse what is not an `Evaluation`, such as a run.

    Examples
    --------
    >>> check_evaluation("runs/cnn")
    Traceback (most recent call last):
    hmnist.errors.UsageError: Expected an Evaluation, not 'runs/cnn'. Evaluate an opened run: \
hmnist.evaluate_run(run)
    """
    check_kind(evaluation, Evaluation, "Evaluate an opened run: hmnist.evaluate_run(run)")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f}"


def describe_origin(run: Run, seen: Seen | None) -> Iterator[str]:
    """Yield where a run and the images it was evaluated on come from, leaks named.

    `seen` are the images of other data that are left out; None stands for the run's test part.
    """
    split = run.manifest.split
    if run.manifest.data.synthetic:
        yield "The model was trained on the synthetic sample; it says nothing about real lesions."
    if seen is None:
        yield f"Split: {split.description}. {split.proof}"
        return
    if str(seen):
        yield str(seen)
    if seen.knows_lesions:
        yield "By their ids, no other image shows a lesion of the training or validation part."
    else:
        yield "Whether other images show lesions of the training part is unknown."


def _refuse_none_left(seen: Seen, data: LesionDataset, run: Run) -> None:
    """Refuse data of which a run has seen every image."""
    if not seen.any.all():
        return
    if seen.lesion.all():
        raise UsageError(
            f"All lesion ids of {data.name} are among those that trained {run.folder.name}.",
            "If they are ids of other lesions, leave them out: --metadata none",
        )
    raise UsageError(
        f"{run.folder.name} has seen all images of {data.name}, or others of their lesions.",
        "Evaluate on images that it has not seen.",
    )
