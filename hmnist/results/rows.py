"""Runs → the rows of a table: what several runs of one kind amount to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.files import hash_file
from hmnist.models.litert import LITERT_FILE
from hmnist.models.registry import find_model
from hmnist.oversampling.methods import METHODS
from hmnist.runs.facts import Amount, Count, DataFacts, Digest, RunName
from hmnist.runs.manifest import MANIFEST, Manifest
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run
from hmnist.scores.comparison import Difference
from hmnist.scores.intervals import mean_scores, score_intervals
from hmnist.scores.scoring import SCORE_NAMES, none_if_unknown
from hmnist.scores.text import as_sentence_list

WITH_PATIENTS = " + patients"
"""What follows the name of a model that uses patient data."""


@dataclass(frozen=True)
class ScoreSummary:
    """The mean of a score over several runs, its spread, and its 95% interval over lesions.

    `std` is the standard deviation of the seeds' means; with a single seed, that of the folds. All
    are None where the images cannot tell, and `std` for a single run.
    """

    mean: float | None
    std: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One model under one oversampling method, with patient data or without.

    It is summarised over seeds and folds.

    Attributes
    ----------
    model, oversampling, decision, effort : str
        As in `Recipe`.
    oversampling_note, decision_note : str
        The same in words.
    patients : bool
        Whether it was trained with patient data.
    features, pretrained : str or None
        None for models that do not take them.
    baseline : bool
        Whether it is the baseline that stands in every table.
    seeds : int
        How many.
    scores : mapping of str to ScoreSummary
        By the names of `hmnist.SCORE_NAMES`.
    fit_seconds, predict_ms_per_1000 : float
        The mean time of fitting, and of predicting 1,000 images.
    parameters, model_bytes : int
        How many numbers were fitted, and the size of the model's files.
    members : mapping of str to float
        The mean weight of each model of an ensemble, 0 if it was always left out; empty for others.
    runs : mapping of str to str
        The names of its run folders, which lie beside ``table.json``, with the SHA-256 of the
        manifest of each.
    changed : mapping
        The parameters of the model that were set, and are not those of the effort.
    difference : Difference or None
        The score that the table ranks by, minus that of the best row; None for the best row itself,
        and where rows were not compared.
    """

    model: str
    oversampling: str
    oversampling_note: str
    decision: str
    decision_note: str
    patients: bool
    features: str | None
    pretrained: str | None
    effort: str
    baseline: bool
    seeds: Count
    scores: Mapping[str, ScoreSummary]
    fit_seconds: Amount
    predict_ms_per_1000: Amount
    parameters: Count
    model_bytes: Count
    members: Mapping[str, Amount] = field(default_factory=dict)
    runs: Mapping[RunName, Digest] = field(default_factory=dict)
    changed: Mapping[str, Any] = field(default_factory=dict)
    difference: Difference | None = None


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """How the rows of a table were compared; see `hmnist.results.differences`.

    Attributes
    ----------
    score : str
        The score that was compared.
    best : str
        The label of the best row.
    tests, resamples : int
        How many p-values were corrected together, and how often the lesions were drawn for each.
    """

    score: str
    best: str
    tests: Count
    resamples: Count

    def __post_init__(self) -> None:
        if self.score not in SCORE_NAMES:
            raise ValueError(f"there is no score {self.score!r}")


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """How runs were made: `side_by_side` tells whether cells ran at the same time.

    `devices` are the processors of the runs, each once: ``CPU (AMD EPYC 9B14)``, ``GPU (…)``.
    `in_bfloat16` names the models that were trained in bfloat16 instead of float32.
    """

    threads: Count
    side_by_side: bool
    devices: tuple[str, ...]
    versions: Mapping[str, str]
    in_bfloat16: tuple[str, ...] = ()

    def __str__(self) -> str:
        devices = " and ".join(self.devices)
        device = f"Device: {devices}, {self.threads} thread{'s' if self.threads != 1 else ''}"
        if not self.in_bfloat16:
            return device
        return f"{device}; trained in bfloat16: {as_sentence_list(self.in_bfloat16)}"


def make_row(runs: Sequence[Run]) -> TableRow:
    """Summarise runs that differ only in seed and fold."""
    first = runs[0].manifest
    tested = [run.part("test") for run in runs]
    means, intervals = mean_scores(tested), score_intervals(tested)
    scores = {}
    for name in SCORE_NAMES:
        mean, (low, high) = none_if_unknown(means[name]), map(none_if_unknown, intervals[name])
        scores[name] = ScoreSummary(mean, _spread(runs, name), low, high)
    return TableRow(
        model=first.model,
        oversampling=first.recipe.oversample,
        oversampling_note=oversampling_note(first.recipe),
        decision=first.decision.kind,
        decision_note=_decision_note(runs),
        patients=first.recipe.patients,
        features=first.parameters.get("features"),
        pretrained=_pretrained(first),
        effort=first.recipe.effort,
        baseline=first.recipe.entry.baseline,
        seeds=len({run.manifest.recipe.seed for run in runs}),
        scores=scores,
        fit_seconds=_mean([run.manifest.fit_seconds for run in runs]),
        predict_ms_per_1000=_mean([run.manifest.predict_ms_per_1000 for run in runs]),
        parameters=round(_mean([run.manifest.parameter_count for run in runs])),
        model_bytes=round(_mean([_model_bytes(run) for run in runs])),
        members=_member_weights(runs),
        runs={run.folder.name: hash_file(run.folder / MANIFEST) for run in runs},
        changed={} if first.recipe.entry.composed else dict(first.recipe.parameters),
    )


def label_rows(rows: Sequence[TableRow]) -> list[str]:
    """Return what tells the rows of one table apart: model, oversampling if several, patients."""
    methods = {row.oversampling for row in rows if not row.baseline}
    labels = []
    for row in rows:
        method = f" {row.oversampling}" if len(methods) > 1 and not row.baseline else ""
        labels.append(f"{row.model}{method}{WITH_PATIENTS if row.patients else ''}")
    return labels


def summarise_settings(runs: Sequence[Run]) -> TableSettings:
    """Return how runs were made that share machine and settings."""
    first = runs[0].manifest
    recipes = [run.manifest.recipe for run in runs]
    half = [each.model for each in recipes if each.precision == "bfloat16"]
    return TableSettings(
        threads=first.recipe.threads or 1,
        side_by_side=any(run.manifest.side_by_side for run in runs),
        devices=tuple(sorted({run.manifest.device for run in runs})),
        versions=first.versions,
        in_bfloat16=tuple(name for name in dict.fromkeys(half) if not find_model(name).composed),
    )


def _spread(runs: Sequence[Run], name: str) -> float | None:
    by_seed: dict[int, list[float]] = {}
    for run in runs:
        by_seed.setdefault(run.manifest.recipe.seed, []).append(run.scores[name])
    values = [_mean(scores) for scores in by_seed.values()]
    if len(values) == 1:
        values = next(iter(by_seed.values()))
    return None if len(values) < 2 else none_if_unknown(np.std(values, ddof=1))


def fold_scores(runs: Sequence[Run], score: str) -> list[float]:
    """Return the mean score of each fold over the seeds; a single one where there are no folds."""
    by_fold: dict[int, list[float]] = {}
    for run in runs:
        by_fold.setdefault(run.manifest.split.fold or 0, []).append(run.scores[score])
    return [_mean(by_fold[fold]) for fold in sorted(by_fold)]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _model_bytes(run: Run) -> int:
    files = run.manifest.files.items()
    # The same weights in another format are not part of the model's size.
    own = sum(
        stored.bytes
        for name, stored in files
        if name.startswith("model/") and not name.endswith(LITERT_FILE)
    )
    return own + sum(_model_bytes(member) for member in run.members)


def _member_weights(runs: Sequence[Run]) -> dict[str, float]:
    """Return the mean weight of each model that an ensemble could choose, the largest first."""
    weights = dict.fromkeys(runs[0].manifest.recipe.parameters.get("members", ()), 0.0)
    for run in runs:
        for member, listed in zip(run.members, run.manifest.members, strict=True):
            weights[member.manifest.model] += listed.weight / len(runs)
    return dict(sorted(weights.items(), key=lambda item: -item[1]))


def _decision_note(runs: Sequence[Run]) -> str:
    decision = runs[0].decision
    if decision.kind == "natural":
        return "natural (the largest probability)"
    if len(runs) > 1:
        return f"{decision.kind} (fitted on validation, for each model by itself)"
    return f"{runs[0].manifest.model} {decision.describe()}"


def _pretrained(manifest: Manifest) -> str | None:
    """Return the pretrained weights that a model started from; a file by its name and digest."""
    if "pretrained" not in manifest.recipe.entry.settings:
        return None
    pretrained: str = manifest.parameters.get("pretrained", manifest.recipe.pretrained)
    if manifest.pretrained_digest is None:
        return pretrained
    return f"{Path(pretrained).name} (SHA-256 {manifest.pretrained_digest[:12]})"


def oversampling_note(recipe: Recipe) -> str:
    """Return how a recipe oversamples, in words."""
    method, target = recipe.oversample, recipe.rare_to
    if method == "none":
        return f"none ({METHODS[method].summary})"
    if method not in METHODS:
        return f"{method} (training part only)"
    everything = METHODS[method].raises_all
    raised = "all diagnoses" if everything else " and ".join(recipe.rare)
    default = "the largest diagnosis" if everything else "the median diagnosis"
    goal = default if target is None else f"{target:,} images"
    return f"{method} ({raised} to {goal}, training part only)"


def data_note(data: DataFacts) -> str:
    """Return the sentence on its data that stands under a table."""
    synthetic = " (generated images, no photographs)" if data.synthetic else ""
    return f"Data: {data.name}{synthetic}, {data.rows:,} images, {data.lesion_text}."


def pretrained_notes(rows: Sequence[Any]) -> Iterator[str]:
    """Yield the sentence on the pretrained weights of a table's or an audit's rows, if any."""
    pretrained = [f"{row.model} {row.pretrained}" for row in rows if row.pretrained]
    if pretrained:
        yield f"Pretrained weights: {'; '.join(dict.fromkeys(pretrained))}."


def processor_notes(settings: TableSettings) -> Iterator[str]:
    """Yield the sentence on runs that were made on different processors of one kind, if any."""
    kinds = {device.partition(" ")[0] for device in settings.devices}
    if len(kinds) < len(settings.devices):
        yield (
            "The models were trained on different processors, which round differently: trained on "
            "another of them, a model may score a little differently."
        )
