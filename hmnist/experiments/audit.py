"""`audit`: how much of a published claim is the model, and how much is the protocol.

Each system is trained twice, under its own protocol and under the split by lesion. What a source
does to its training images is done on both sides; by lesion to the training part alone, behind the
split. Every training is a run folder, as in a benchmark, so that an interrupted audit goes on where
it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.experiments.cells import Cell, Watcher, estimate_seconds, run_cells
from hmnist.files import write_file
from hmnist.hardware import available_cores
from hmnist.models.published import PublishedModel
from hmnist.models.registry import EFFORTS, find_model
from hmnist.results.audit_table import Audit
from hmnist.results.rows import make_row, make_table
from hmnist.runs.manifest import describe_split
from hmnist.runs.recipe import Recipe, check_one_file
from hmnist.runs.run import Run
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.splits.protocols import OVERSAMPLE_FIRST, PUBLISHED, find_protocol, resample_training
from hmnist.splits.split import Split, split
from hmnist.systems.claims import AUDITED, CLAIMS, CUT, Claim
from hmnist.systems.systems import SYSTEMS

__all__ = ["audit"]


_PROMISE = ("deep-cnn-bn", "deep-cnn")
"""The first is to be better than the second, its author says."""

BESIDE = 0.8
"""The time of two models side by side, a thread each, by that of one after the other, two each."""

_SIDES = ("reproduced", "honest")

Plan = dict[tuple[str, str], list[Cell]]
"""System and side → a cell for each seed."""


def audit(
    data: LesionDataset,
    systems: Sequence[str] | str = AUDITED,
    *,
    seed: int = 0,
    seeds: int = 1,
    epochs: int | Mapping[str, int] | None = None,
    weights: str = "none",
    effort: str = "standard",
    jobs: int | None = None,
    threads: int | None = None,
    out: str | Path | None = None,
    watcher: Watcher | None = None,
) -> Audit:
    """Train published systems under their own protocols and under the split by lesion.

    Parameters
    ----------
    data : LesionDataset
        What to train and test on; its lesions must be known.
    systems : sequence of str
        Names of `CLAIMS`. ``oversample-first``, which is no system but a habit of notebooks, is
        always added.
    seed : int
        What fixes the splits, and the first seed of the models.
    seeds : int
        How many models of each kind to train on each split.
    epochs : int, mapping of str to int, or None
        How often training images are seen, for all systems or by name. None, and for systems that
        are not named, as often as the effort says; at standard effort `CUT` has the last word.
        ``oversample-first`` follows its model.
    weights : str
        What transfer models start from: ``none``, ``imagenet``, or the path of a file.
    effort : str
        ``best`` is a system's own epochs, ``standard`` too but for `CUT`, ``quick`` a fifth.
    jobs : int or None
        How many models are trained side by side, in processes. None takes two, which is quicker
        than two threads for one, if there are cores for `threads` each.
    threads : int or None
        How many threads each model uses; None shares the cores of this process among the jobs.
    out : str, pathlib.Path or None
        The folder of the runs; None makes one in ``hmnist-runs``. Finished runs are not trained
        again.
    watcher : Watcher or None
        Is told how the work gets on.

    Returns
    -------
    Audit
        Also written to ``audit.json`` in the folder.

    Raises
    ------
    UsageError
        If a name is unknown, an option unsuitable, images are too small for a network, or lesions
        are unknown; before any work begins. Also if weights do not fit, when their turn comes.
    DataError
        If weights are missing or malformed.
    WorkError
        If the folder cannot be written.

    Examples
    --------
    >>> CLAIMS["lenet"].accuracy
    0.7445
    """
    if seeds < 1 or any(count is not None and count < 1 for count in (jobs, threads)):
        raise UsageError("Seeds, jobs and threads are counted from 1.")
    if effort not in EFFORTS:
        raise UsageError(f"There is no effort called {effort!r}.", f"Choose {', '.join(EFFORTS)}.")
    claims = _find_claims([systems] if isinstance(systems, str) else systems)
    check_one_file([claim.model for claim in claims], weights)
    counts = _count_epochs(claims, epochs, effort)
    honest = split(data, "lesion", seed)
    root = Path(out) if out else Path("hmnist-runs") / f"{datetime.now():%Y%m%d-%H%M%S}-audit"
    cores = available_cores()
    jobs = jobs or max(1, min(2, cores // (threads or 1)))
    threads = threads or max(1, cores // jobs)
    plan: Plan = {}
    for claim in claims:
        trained = {"epochs": counts[claim.system]}
        recipe = Recipe(
            claim.model, weights=weights, effort=effort, threads=threads, parameters=trained
        )
        for side, on in _sides(claim, honest):
            one = recipe.resampling_as(find_protocol(claim.system).training, on)
            _check_size(one, on)
            plan[claim.system, side] = [
                _make_cell(claim.system, side, replace(one, seed=number), on, root)
                for number in range(seed, seed + seeds)
            ]
    runs = _train(plan, jobs, watcher or Watcher())
    rows = [_make_row(claim, plan, runs) for claim in claims]
    table = make_table([], honest, threads=threads, runs=list(runs.values()))
    found = Audit(table.data, table.split, table.settings, rows, list(_promises(rows)))
    with write_file(root / "audit.json") as temporary:
        temporary.write_text(found.to_json(), encoding="utf-8")
    return found


def _find_claims(systems: Sequence[str]) -> list[Claim]:
    """Return the claims by name, each once, the habit last."""
    if not systems:
        raise UsageError("No system is named.", f"Choose among {', '.join(CLAIMS)}.")
    if unknown := [name for name in systems if name not in CLAIMS]:
        raise UsageError(
            f"There is no published system called {unknown[0]!r}.",
            f"Choose among {', '.join(CLAIMS)}.",
        )
    named = [name for name in dict.fromkeys(systems) if name != OVERSAMPLE_FIRST]
    return [CLAIMS[name] for name in (*named, OVERSAMPLE_FIRST)]


def _count_epochs(
    claims: Sequence[Claim], epochs: int | Mapping[str, int] | None, effort: str
) -> dict[str, int]:
    """Return how often each system sees its training images."""
    named = epochs if isinstance(epochs, Mapping) else {}
    if unknown := sorted(set(named) - {claim.system for claim in claims}):
        raise UsageError(
            f"Epochs are given for {unknown[0]!r}, which is not audited.",
            f"Audited are {', '.join(claim.system for claim in claims)}.",
        )
    cut = CUT if effort == "standard" else {}
    counts = {}
    for claim in claims:
        count: Any = epochs
        if epochs is None or isinstance(epochs, Mapping):
            usual = cut.get(claim.model, find_model(claim.model).parameters[effort]["epochs"])
            count = named.get(claim.system, named.get(claim.model, usual))
        if not isinstance(count, int | np.integer) or count < 1:
            raise UsageError(f"Epochs are counted from 1; {claim.system} cannot have {count!r}.")
        counts[claim.system] = int(count)
    return counts


def _sides(claim: Claim, honest: Split) -> Iterator[tuple[str, Split]]:
    """Yield both sides of a system with their splits.

    What a source resampled before its split is resampled behind the honest one, in training alone.
    """
    seed = honest.seed or 0
    yield "reproduced", split(honest.data, PUBLISHED + claim.system, seed)
    rows = resample_training(honest.data, honest.train_indices, claim.system, seed)
    yield "honest", replace(honest, train_indices=rows)


def _check_size(recipe: Recipe, on: Split) -> None:
    """Refuse images that are too small for a network, before any work begins."""
    model = recipe.make()
    if isinstance(model, PublishedModel):
        model.check_size(*on.data.image_shape[:2])


def _make_cell(system: str, side: str, recipe: Recipe, on: Split, root: Path) -> Cell:
    name = f"{system}-{side}-seed{recipe.seed}-{recipe.key(on)}"
    return Cell(recipe, on, root / name, f"{system}, {side}")


def _train(plan: Plan, jobs: int, watcher: Watcher) -> dict[Path, Run]:
    """Return the run of each folder."""
    cells = [cell for several in plan.values() for cell in several]
    seconds = sum(estimate_seconds(cell) for cell in cells)
    watcher.planned(cells, seconds if jobs == 1 else BESIDE * seconds)
    runs: dict[Path, Run] = {}
    rows: dict[str, dict[str, Any]] = {}
    for place, run in run_cells(cells, jobs, watcher):
        cell = cells[place]
        runs[cell.folder] = run
        alike = [
            runs[one.folder] for one in cells if one.label == cell.label and one.folder in runs
        ]
        rows[cell.label] = {**make_row(alike), "model": cell.label, "oversampling": ""}
        so_far = make_table(list(rows.values()), cell.on, threads=cell.recipe.threads, runs=[run])
        watcher.finished(cell, run, so_far)
    return runs


def _make_row(claim: Claim, plan: Plan, runs: Mapping[Path, Run]) -> dict[str, Any]:
    """Return a row of `Audit`."""
    sides = {
        side: make_row([runs[cell.folder] for cell in plan[claim.system, side]]) for side in _SIDES
    }
    cell = plan[claim.system, "reproduced"][0]
    reproduced, honest = ({name: sides[side][name] for name in SCORE_NAMES} for side in _SIDES)
    return {
        "system": claim.system,
        "model": claim.model,
        "claimed": claim.accuracy,
        "published": claim.published,
        "claim_note": claim.note,
        "epochs": cell.recipe.parameters["epochs"],
        "own_epochs": SYSTEMS[claim.model].epochs,
        "own_size": None if SYSTEMS[claim.model].resizes else list(SYSTEMS[claim.model].size),
        "seeds": sides["honest"]["seeds"],
        "weights": sides["honest"]["weights"],
        "reproduced": reproduced,
        "honest": honest,
        "difference": {
            name: _minus(honest[name]["mean"], reproduced[name]["mean"]) for name in SCORE_NAMES
        },
        "protocol": _describe_protocol(cell, sides["reproduced"]["oversampling_note"]),
        "reason": _reason(cell.on),
    }


def _describe_protocol(cell: Cell, resampling: str) -> dict[str, Any]:
    protocol = find_protocol(cell.on.kind)
    return {
        **describe_split(cell.on),
        "words": protocol.words,
        "resampling": resampling,
        "balanced": protocol.balanced,
        "notes": list(protocol.notes),
    }


def _reason(on: Split) -> str:
    """Say what a protocol does, and what its test part has in common with the other two."""
    words = find_protocol(on.kind).words
    leaks = "; ".join(f"{leak.sentence} ({leak.code})" for leak in on.leaks)
    found = leaks or "its test part shares nothing with the other two"
    return f"Protocol: {words}. {found[0].upper()}{found[1:]}."


def _promises(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what an author promises of one system over another, and what was found."""
    by_name = {row["system"]: row for row in rows}
    if not set(_PROMISE) <= set(by_name):
        return
    better, worse = (by_name[name] for name in _PROMISE)
    found = {
        side: _minus(better[side]["accuracy"]["mean"], worse[side]["accuracy"]["mean"])
        for side in _SIDES
    }
    yield {
        "systems": list(_PROMISE),
        "promised": "a higher validation accuracy from batch normalisation",
        "epochs": [better["epochs"], better["own_epochs"]],
        "found": found,
    }


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
