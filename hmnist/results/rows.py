"""Runs → rows → table: what several trained models of one kind amount to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.models.registry import find_model
from hmnist.oversampling import METHODS
from hmnist.results.table import Table
from hmnist.runs.manifest import describe_data, describe_split
from hmnist.runs.run import CommitteeRun, Run
from hmnist.scores.intervals import mean_scores, score_intervals
from hmnist.scores.scoring import SCORE_NAMES, none_if_unknown
from hmnist.splits.split import Split

__all__ = ["make_row", "make_table"]


def make_row(runs: Sequence[Run]) -> dict[str, Any]:
    """Summarise runs that differ only in seed and fold.

    The mean is taken over all of them. The standard deviation is that of the seeds' means; with a
    single seed, that of the folds; with a single run there is none. The interval is a bootstrap
    over lesions (`hmnist.scores.intervals`).

    Parameters
    ----------
    runs : sequence of Run
        At least one; the same model, oversampling, decision and effort.

    Returns
    -------
    dict
        A row of `hmnist.results.table.Table`.
    """
    first = runs[0].manifest
    recipe = first["recipe"]
    cells = [run.part("test") for run in runs]
    means, intervals = mean_scores(cells), score_intervals(cells)
    scores = {
        name: {
            "mean": none_if_unknown(means[name]),
            "std": _spread(runs, name),
            "low": none_if_unknown(intervals[name][0]),
            "high": none_if_unknown(intervals[name][1]),
        }
        for name in SCORE_NAMES
    }
    return {
        "model": first["model"],
        "oversampling": recipe["oversampling"],
        "oversampling_note": _oversampling_note(recipe),
        "decision": runs[0].decision.kind,
        "decision_note": _decision_note(first["model"], runs),
        "features": first["parameters"].get("features"),
        "weights": _weights(first),
        "effort": recipe["effort"],
        "seeds": len({run.manifest["recipe"]["seed"] for run in runs}),
        **scores,
        "fit_seconds": _mean(runs, "fit_seconds"),
        "predict_ms_per_1000": _mean(runs, "predict_ms_per_1000"),
        "parameters": round(_mean(runs, "parameter_count")),
        "model_bytes": round(float(np.mean([_model_bytes(run) for run in runs]))),
    }


def make_table(
    rows: Sequence[Mapping[str, Any]], on: Split, *, threads: int, runs: Sequence[Run]
) -> Table:
    """Put rows together with what they were measured on.

    Parameters
    ----------
    rows : sequence of dict
        Made by `make_row`.
    on : Split
        The split, or the first fold.
    threads : int
        Threads per cell.
    runs : sequence of Run
        What the rows were made of: for versions and device.

    Returns
    -------
    Table
    """
    devices = dict.fromkeys(run.manifest["device"] for run in runs)
    return Table(
        data=describe_data(on.data),
        split=describe_split(on),
        settings={
            "threads": threads,
            "side_by_side": any(run.manifest["side_by_side"] for run in runs),
            "device": " and ".join(devices),
            "versions": runs[0].manifest["versions"],
        },
        rows=list(rows),
    )


def _spread(runs: Sequence[Run], name: str) -> float | None:
    by_seed: dict[int, list[float]] = {}
    for run in runs:
        by_seed.setdefault(run.manifest["recipe"]["seed"], []).append(run.scores[name])
    values = [float(np.mean(scores)) for scores in by_seed.values()]
    if len(values) == 1:
        values = next(iter(by_seed.values()))
    return None if len(values) < 2 else none_if_unknown(np.std(values, ddof=1))


def _mean(runs: Sequence[Run], what: str) -> float:
    return float(np.mean([run.manifest[what] for run in runs]))


def _model_bytes(run: Run) -> int:
    if isinstance(run, CommitteeRun):
        return sum(_model_bytes(member) for member in run.members)
    files = run.manifest["files"].items()
    return sum(int(facts["bytes"]) for name, facts in files if name.startswith("model/"))


def _decision_note(model: str, runs: Sequence[Run]) -> str:
    decisions = [run.decision for run in runs]
    if decisions[0].kind == "natural":
        return "natural (the largest probability)"
    if len(runs) > 1:
        return f"{decisions[0].kind} (fitted on validation, for each model by itself)"
    return f"{model} {decisions[0].describe()}"


def _weights(manifest: Mapping[str, Any]) -> str | None:
    """Say what a transfer model started from: a file by its name and how its digest begins."""
    digest = manifest.get("weights_digest")
    if "pretrained" not in find_model(manifest["model"]).settings:
        return None
    weights = manifest["parameters"]["pretrained"]
    return weights if digest is None else f"{Path(weights).name} (SHA-256 {digest[:12]})"


def _oversampling_note(recipe: Mapping[str, Any]) -> str:
    method = recipe["oversampling"]
    if method == "none":
        return f"none ({METHODS[method]})"
    target = recipe["rare_to"]
    if method == "balanced":
        goal = "the largest diagnosis" if target is None else f"{target:,} images"
        return f"balanced (all diagnoses to {goal}, training part only)"
    goal = "the median diagnosis" if target is None else f"{target:,} images"
    return f"{method} ({' and '.join(recipe['rare'])} to {goal}, training part only)"
