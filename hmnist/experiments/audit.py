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
from hmnist.models.registry import EFFORTS, find_model
from hmnist.results.audit_table import Audit
from hmnist.results.rows import make_row, make_table
from hmnist.runs.manifest import describe_split
from hmnist.runs.recipe import Recipe, check_one_file
from hmnist.runs.run import Run
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.splits.protocols import PUBLISHED, resample_training
from hmnist.splits.split import Split, split
from hmnist.systems import AUDITED, SYSTEMS, find_system
from hmnist.systems.protocol import Protocol
from hmnist.systems.system import System

__all__ = ["audit"]


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
        Names of `SYSTEMS`. Variants (``oversample-first``, a habit of notebooks) are always added.
    seed : int
        What fixes the splits, and the first seed of the models.
    seeds : int
        How many models of each kind to train on each split.
    epochs : int, mapping of str to int, or None
        How often training images are seen, for all systems or by name. None, and for systems that
        are not named, as often as the effort says; at standard effort a system's
        `standard_epochs` have the last word. Variants follow their model.
    weights : str
        What transfer models start from: ``none``, ``imagenet``, or the path of a file.
    effort : str
        ``best`` is a system's own epochs, ``standard`` too but for `standard_epochs`, ``quick`` a
        fifth.
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
    >>> find_system("lenet").claim.accuracy
    0.7445
    """
    if seeds < 1 or any(count is not None and count < 1 for count in (jobs, threads)):
        raise UsageError("Seeds, jobs and threads are counted from 1.")
    if effort not in EFFORTS:
        raise UsageError(f"There is no effort called {effort!r}.", f"Choose {', '.join(EFFORTS)}.")
    audited = _find_systems([systems] if isinstance(systems, str) else systems)
    check_one_file([system.model for system in audited], weights)
    counts = _count_epochs(audited, epochs, effort)
    honest = split(data, "lesion", seed)
    root = Path(out) if out else Path("hmnist-runs") / f"{datetime.now():%Y%m%d-%H%M%S}-audit"
    cores = available_cores()
    jobs = jobs or max(1, min(2, cores // (threads or 1)))
    threads = threads or max(1, cores // jobs)
    plan: Plan = {}
    for system in audited:
        system.check_size(*data.image_shape[:2])
        trained = {"epochs": counts[system.name]}
        recipe = Recipe(
            system.model, weights=weights, effort=effort, threads=threads, parameters=trained
        )
        for side, on in _sides(system, honest):
            one = recipe.resampling_as(system.protocol.training, on)
            plan[system.name, side] = [
                _make_cell(system.name, side, replace(one, seed=number), on, root)
                for number in range(seed, seed + seeds)
            ]
    runs = _train(plan, jobs, watcher or Watcher())
    rows = [_make_row(system, plan, runs) for system in audited]
    table = make_table([], honest, threads=threads, runs=list(runs.values()))
    found = Audit(table.data, table.split, table.settings, rows, list(_promises(rows)))
    with write_file(root / "audit.json") as temporary:
        temporary.write_text(found.to_json(), encoding="utf-8")
    return found


def _find_systems(names: Sequence[str]) -> list[System]:
    """Return the systems by name, each once, the variants last."""
    if not names:
        raise UsageError("No system is named.", f"Choose among {', '.join(SYSTEMS)}.")
    named = [find_system(name) for name in dict.fromkeys(names)]
    variants = [system for system in SYSTEMS.values() if system.variant_of]
    return [*(system for system in named if not system.variant_of), *variants]


def _count_epochs(
    audited: Sequence[System], epochs: int | Mapping[str, int] | None, effort: str
) -> dict[str, int]:
    """Return how often each system sees its training images."""
    named = epochs if isinstance(epochs, Mapping) else {}
    if unknown := sorted(set(named) - {system.name for system in audited}):
        raise UsageError(
            f"Epochs are given for {unknown[0]!r}, which is not audited.",
            f"Audited are {', '.join(system.name for system in audited)}.",
        )
    counts = {}
    for system in audited:
        count: Any = epochs
        if epochs is None or isinstance(epochs, Mapping):
            usual = find_model(system.model).parameters[effort]["epochs"]
            if effort == "standard" and system.standard_epochs is not None:
                usual = system.standard_epochs
            count = named.get(system.name, named.get(system.model, usual))
        if not isinstance(count, int | np.integer) or count < 1:
            raise UsageError(f"Epochs are counted from 1; {system.name} cannot have {count!r}.")
        counts[system.name] = int(count)
    return counts


def _sides(system: System, honest: Split) -> Iterator[tuple[str, Split]]:
    """Yield both sides of a system with their splits.

    What a source resampled before its split is resampled behind the honest one, in training alone.
    """
    seed = honest.seed or 0
    yield "reproduced", split(honest.data, PUBLISHED + system.name, seed)
    rows = resample_training(honest.data, honest.train_indices, system.protocol, seed)
    yield "honest", replace(honest, train_indices=rows)


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


def _make_row(system: System, plan: Plan, runs: Mapping[Path, Run]) -> dict[str, Any]:
    """Return a row of `Audit`."""
    sides = {
        side: make_row([runs[cell.folder] for cell in plan[system.name, side]]) for side in _SIDES
    }
    cell = plan[system.name, "reproduced"][0]
    reproduced, honest = ({name: sides[side][name] for name in SCORE_NAMES} for side in _SIDES)
    return {
        "system": system.name,
        "model": system.model,
        "claimed": system.claim.accuracy,
        "published": system.claim.published,
        "claim_note": system.claim.note,
        "epochs": cell.recipe.parameters["epochs"],
        "own_epochs": system.training.epochs,
        "own_size": None if system.resizes else list(system.size),
        "seeds": sides["honest"]["seeds"],
        "weights": sides["honest"]["weights"],
        "reproduced": reproduced,
        "honest": honest,
        "difference": {
            name: _minus(honest[name]["mean"], reproduced[name]["mean"]) for name in SCORE_NAMES
        },
        "protocol": _describe_protocol(
            cell, system.protocol, sides["reproduced"]["oversampling_note"]
        ),
        "reason": _reason(cell.on, system.protocol),
    }


def _describe_protocol(cell: Cell, protocol: Protocol, resampling: str) -> dict[str, Any]:
    return {
        **describe_split(cell.on),
        "words": protocol.description,
        "resampling": resampling,
        "balanced": protocol.balanced,
        "notes": list(protocol.notes),
    }


def _reason(on: Split, protocol: Protocol) -> str:
    """Say what a protocol does, and what its test part has in common with the other two."""
    leaks = "; ".join(f"{leak.sentence} ({leak.code})" for leak in on.leaks)
    found = leaks or "its test part shares nothing with the other two"
    return f"Protocol: {protocol.description}. {found[0].upper()}{found[1:]}."


def _promises(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what an author promises of one system over another, and what was found."""
    by_name = {row["system"]: row for row in rows}
    for name, better in by_name.items():
        worse = by_name.get(find_system(name).claim.better_than)
        if worse is None:
            continue
        found = {
            side: _minus(better[side]["accuracy"]["mean"], worse[side]["accuracy"]["mean"])
            for side in _SIDES
        }
        yield {
            "systems": [name, worse["system"]],
            "promised": "a higher validation accuracy from batch normalisation",
            "epochs": [better["epochs"], better["own_epochs"]],
            "found": found,
        }


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
