"""`score`, `evaluate_run`, `compare_runs`: what a model achieves, and whether runs differ."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.dataset import LesionDataset
from hmnist.decisions.fitting import fit_decision
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.files import write_file
from hmnist.runs.run import Run, check_images
from hmnist.scores.comparison import Comparison, compare_predictions
from hmnist.scores.intervals import mean_scores, score_intervals
from hmnist.scores.predictions import Predictions
from hmnist.scores.reliability import ReliabilityBin, measure_reliability
from hmnist.scores.report import classification_report, confusion_matrix
from hmnist.scores.scoring import Scores, none_if_unknown, score_predictions
from hmnist.splits.protocols import PUBLISHED

__all__ = ["Evaluation", "compare_runs", "decide_anew", "evaluate_run", "score"]


@dataclass(frozen=True)
class Evaluation:
    """How one run did on one set of images.

    Attributes
    ----------
    title : str
        Which run, on which images.
    scores : dict
        For every score ``mean, low, high``; null where the images cannot tell.
    report : dict
        For each diagnosis ``precision, recall, f1, images``.
    confusion : list of list of int
        Images by true diagnosis (rows) and decided diagnosis (columns), Kaggle order.
    reliability : list of ReliabilityBin
        How sure it was, and how often right (`hmnist.scores.reliability`).
    own : bool
        Whether the images are the run's own test part.
    origin : list of str
        Where model and images come from, leaks named: what belongs under every figure.
    notes : list of str
        What else has to be known to read it.
    """

    title: str
    scores: dict[str, dict[str, float | None]]
    report: dict[str, dict[str, float]]
    confusion: list[list[int]]
    reliability: list[ReliabilityBin]
    own: bool
    origin: list[str]
    notes: list[str]

    def to_json(self) -> str:
        """Return the evaluation as a JSON object."""
        facts = {"schema": "hmnist-evaluation/1", **asdict(self), "diagnoses": list(CODES)}
        return json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)

    def write(self, folder: Path) -> list[Path]:
        """Write ``report.json``, ``report.csv`` and ``confusion.csv`` into a folder.

        Returns
        -------
        list of pathlib.Path
            The files.

        Raises
        ------
        WorkError
            If they cannot be written.
        """
        columns = ("precision", "recall", "f1", "images")
        report: list[list[object]] = [
            ["diagnosis", *columns],
            *([code, *(row[name] for name in columns)] for code, row in self.report.items()),
        ]
        confusion: list[list[object]] = [
            ["diagnosis", *(f"decided_{code}" for code in CODES)],
            *([code, *counts] for code, counts in zip(CODES, self.confusion, strict=True)),
        ]
        paths = [folder / name for name in ("report.json", "report.csv", "confusion.csv")]
        with write_file(paths[0]) as temporary:
            temporary.write_text(self.to_json() + "\n", encoding="utf-8")
        for path, rows in zip(paths[1:], (report, confusion), strict=True):
            with write_file(path) as temporary, temporary.open("w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
        return paths


def evaluate_run(run: Run, data: LesionDataset | None = None) -> Evaluation:
    """Evaluate a run on its test part, or on other data.

    Parameters
    ----------
    run : Run
        An opened run.
    data : LesionDataset or None
        None takes the stored predictions of the test part, and so does the data set that the run
        was trained on: its other images have been seen. Other data are predicted, without the
        images that trained or validated the run.

    Returns
    -------
    Evaluation

    Raises
    ------
    UsageError
        If the images have another size than those the run was trained on, or it has seen all.
    """
    own = data is None or data.image_digest == run.manifest["data"]["image_digest"]
    left_out = 0
    if data is None or own:
        predictions = run.part("test")
    else:
        check_images(run, data)
        fresh = np.flatnonzero(~run.has_seen(data.images))
        left_out = len(data) - len(fresh)
        if not len(fresh):
            raise UsageError(
                f"All images of {data.name} trained or validated {run.folder.name}.",
                "Evaluate on images that it has not seen.",
            )
        predictions = _predict(run, data.take(fresh))
    name = run.manifest["data"]["name"] if data is None else data.name
    where = f"the test part of {name}" if own else name
    intervals = score_intervals([predictions])
    scores = {
        score: {
            "mean": none_if_unknown(mean),
            "low": none_if_unknown(intervals[score][0]),
            "high": none_if_unknown(intervals[score][1]),
        }
        for score, mean in mean_scores([predictions]).items()
    }
    return Evaluation(
        f"{run.manifest['model']} on {where}, {len(predictions.labels):,} images",
        scores,
        {code: asdict(row) for code, row in classification_report(predictions).items()},
        confusion_matrix(predictions).tolist(),
        measure_reliability([predictions]),
        own,
        list(_origin(run, own=own, left_out=left_out)),
        [
            f"Decision: {run.decision.describe()}",
            "[low, high] is a 95 % interval over lesions. Research software, no medical device.",
        ],
    )


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
    predicted = model.decision.decide(probabilities) if isinstance(model, Run) else None
    return score_predictions(data.labels, probabilities, predicted)


def compare_runs(runs: Sequence[Run]) -> Comparison:
    """Compare runs on the test part that they share, pair by pair.

    Parameters
    ----------
    runs : sequence of Run
        At least two, of the same data and the same split.

    Returns
    -------
    Comparison
        Paired bootstrap over lesions for every score, McNemar's test for the decisions, corrected
        when there are many.

    Raises
    ------
    UsageError
        If there are fewer than two runs, or they were tested on other images.
    """
    for other in runs[1:]:
        for what, name in (("data", "name"), ("split", "kind")):
            first, second = runs[0].manifest[what], other.manifest[what]
            if first["digest"] != second["digest"]:
                raise UsageError(
                    f"{runs[0].folder.name} and {other.folder.name} cannot be compared: they have "
                    f"another {what} ({first[name]}, {second[name]}).",
                    "Train them on one split: the same data, --split and --seed.",
                )
    models = [run.manifest["model"] for run in runs]
    # A model's name will do where it is the only one of its kind.
    names = next(
        (
            names
            for names in (models, [run.folder.name for run in runs])
            if len(set(names)) == len(names)
        ),
        [str(run.folder) for run in runs],
    )
    if len(set(names)) < len(names):
        raise UsageError("A run is named twice.", "Name each run once.")
    return compare_predictions(
        {name: [run.part("test")] for name, run in zip(names, runs, strict=True)}
    )


def decide_anew(run: Run, kind: str, *, sensitivity: float = 0.9) -> Predictions:
    """Decide a run's test part in another way, without training anything.

    Parameters
    ----------
    run : Run
        An opened run; its stored validation predictions fit the new decision.
    kind : str
        ``natural``, ``balanced`` or ``sensitive``.
    sensitivity : float
        What ``sensitive`` is to reach, 0–1.

    Returns
    -------
    Predictions
        The stored probabilities with new decisions.

    Raises
    ------
    UsageError
        If the kind is unknown, or validation cannot support it or, under a published protocol, is
        the test part.
    """
    if kind != "natural" and run.manifest["split"]["kind"].startswith(PUBLISHED):
        raise UsageError(
            f"{run.folder.name} validates on its test part, so no decision can be fitted.",
            "Decide by natural, or train it on another split.",
        )
    validation, test = run.part("validation"), run.part("test")
    decision = fit_decision(
        kind,
        validation.labels,
        validation.probabilities,
        run.manifest["prior"],
        sensitivity=sensitivity,
        temperature=1.0,
    )
    return replace(test, predicted=decision.decide(test.probabilities))


def _predict(run: Run, data: LesionDataset) -> Predictions:
    probabilities = run.predict_proba(data.images)
    predicted = run.decision.decide(probabilities)
    return Predictions(data.labels, probabilities, predicted, data.lesion_ids)


def _origin(run: Run, *, own: bool, left_out: int) -> Iterator[str]:
    split = run.manifest["split"]
    if run.manifest["data"]["synthetic"]:
        yield "The model was trained on the synthetic sample; it says nothing of real lesions."
    if own:
        yield f"Split: by {split['kind']}. {split['proof']}"
    else:
        if left_out:
            yield f"{left_out:,} images trained or validated the model and are left out."
        yield "Whether the others show lesions that trained the model is not known here."
