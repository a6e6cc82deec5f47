"""`audit`: how much of a published claim is the model, and how much is the protocol.

Each system is trained twice, under its own protocol and under the split by lesion. Every training
is a run folder, as in a benchmark, so that an interrupted audit goes on where it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hmnist.cells import Cell, Watcher, estimate_seconds, run_cells
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.files import write_file
from hmnist.manifest import describe_split
from hmnist.models.published import PublishedModel
from hmnist.models.registry import EFFORTS, find_model
from hmnist.models.systems import SYSTEMS
from hmnist.protocols import OVERSAMPLE_FIRST, PUBLISHED, find_protocol
from hmnist.recipe import Recipe
from hmnist.runs import Run
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.splits import Split, split
from hmnist.summary import make_row, make_table
from hmnist.threads import available_cores
from hmnist.verdict import Audit

__all__ = ["AUDITED", "CLAIMS", "Claim", "audit"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed of a system.

    Attributes
    ----------
    system : str
        The name of its protocol.
    model : str
        The model that is trained.
    accuracy : float or None
        The published test accuracy; None where there is none.
    note : str
        What was published instead, or besides.
    """

    system: str
    model: str
    accuracy: float | None
    note: str = ""


_CURVES = "confusion matrix and curves only"

_CLAIMS = (
    Claim("lenet", "lenet", 0.7445),
    Claim("small-cnn", "small-cnn", 0.7520),
    Claim("pixel-mlp", "pixel-mlp", 0.7057),
    Claim("skin-pamper", "skin-pamper", None, "curves only"),
    Claim("deep-cnn", "deep-cnn", None, _CURVES),
    Claim("deep-cnn-bn", "deep-cnn-bn", None, "a higher validation accuracy than deep-cnn"),
    Claim("vgg16", "vgg16", 0.7229),
    Claim("mobilenet", "mobilenet", None, "announced only"),
    Claim("inception-resnet", "inception-resnet", 0.89, "macro F1 .64 besides"),
    Claim(OVERSAMPLE_FIRST, "lenet", None, "no publication's, here with lenet"),
)

CLAIMS: dict[str, Claim] = {claim.system: claim for claim in _CLAIMS}

AUDITED = ("lenet", "small-cnn", "pixel-mlp", "skin-pamper", "deep-cnn", "deep-cnn-bn")
"""What is audited if nobody says otherwise: all that two cores can train."""

_PROMISE = ("deep-cnn-bn", "deep-cnn")
"""The first is to be better than the second, its author says."""

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
        How often training images are seen, for all systems or by name; None, and for systems that
        are not named, as often as the effort says. ``oversample-first`` follows its model.
    weights : str
        What transfer models start from: ``none``, ``imagenet``, or the path of a file.
    effort : str
        ``standard`` and ``best`` are a system's own epochs, ``quick`` a fifth of them.
    threads : int or None
        None takes the cores that this process may use.
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
        are unknown; before any work begins.
    DataError
        If the metadata lack what a protocol needs, or weights are missing.
    WorkError
        If the folder cannot be written.

    Examples
    --------
    >>> CLAIMS["lenet"].accuracy
    0.7445
    """
    if seeds < 1 or (threads is not None and threads < 1):
        raise UsageError("Seeds and threads are counted from 1.")
    if effort not in EFFORTS:
        raise UsageError(f"There is no effort called {effort!r}.", f"Choose {', '.join(EFFORTS)}.")
    claims = _find_claims([systems] if isinstance(systems, str) else systems)
    counts = _count_epochs(claims, epochs, effort)
    honest = split(data, "lesion", seed)
    root = Path(out) if out else Path("hmnist-runs") / f"{datetime.now():%Y%m%d-%H%M%S}-audit"
    plan: Plan = {}
    for claim in claims:
        for side, on in (
            ("reproduced", split(data, PUBLISHED + claim.system, seed)),
            ("honest", honest),
        ):
            recipe = Recipe(
                claim.model,
                weights=weights,
                effort=effort,
                threads=threads or available_cores(),
                parameters={"epochs": counts[claim.system]},
            )
            plan[claim.system, side] = _make_cells(recipe, on, range(seed, seed + seeds), root)
    runs = _train(plan, watcher or Watcher())
    rows = [_make_row(claim, plan, runs) for claim in claims]
    first = plan[claims[0].system, "honest"][0]
    table = make_table([], honest, threads=first.recipe.threads, runs=list(runs.values()))
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
    counts = {}
    for claim in claims:
        usual = int(find_model(claim.model).parameters[effort]["epochs"])
        every = epochs if isinstance(epochs, int) else named.get(claim.model, usual)
        counts[claim.system] = named.get(claim.system, every)
    if few := [system for system, count in counts.items() if count < 1]:
        raise UsageError(f"Epochs are counted from 1, also those of {few[0]}.")
    return counts


def _make_cells(recipe: Recipe, on: Split, seeds: Sequence[int], root: Path) -> list[Cell]:
    """Return the cells of a system on one side, a seed each."""
    model = recipe.make()
    if isinstance(model, PublishedModel):
        model.check_size(*on.data.image_shape[:2])
    cells = []
    for seed in seeds:
        # As the protocol has it, or nothing oversampled: only the protocol is to differ.
        one = replace(recipe, seed=seed, oversampling="random" if on.is_published else "none")
        one = one.under(on)
        name = f"{one.model}-{on.kind.replace(':', '-')}-seed{seed}-{one.key(on)}"
        cells.append(Cell(one, on, root / name))
    return cells


def _train(plan: Plan, watcher: Watcher) -> dict[Path, Run]:
    """Return the run of each folder; what several systems share is trained once."""
    cells = list({cell.folder: cell for several in plan.values() for cell in several}.values())
    watcher.planned(cells, sum(estimate_seconds(cell) for cell in cells))
    runs: dict[Path, Run] = {}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for place, run in run_cells(cells, 1, watcher):
        cell = cells[place]
        runs[cell.folder] = run
        kind = cell.recipe.model, cell.on.kind
        alike = [
            runs[other.folder]
            for other in cells[: place + 1]
            if (other.recipe.model, other.on.kind) == kind
        ]
        rows[kind] = {**make_row(alike), "model": _label(cell), "oversampling": ""}
        so_far = make_table(
            list(rows.values()),
            cell.on,
            threads=cell.recipe.threads,
            runs=[run],
        )
        watcher.finished(cell, run, so_far)
    return runs


def _label(cell: Cell) -> str:
    """Name one side of a system, while the other is still at work."""
    if cell.on.is_published:
        return f"{cell.on.kind.removeprefix(PUBLISHED)}, reproduced"
    return f"{cell.recipe.model}, honest"


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
        "claim_note": claim.note,
        "epochs": cell.recipe.parameters["epochs"],
        "own_epochs": SYSTEMS[claim.model].epochs,
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
        "found": found,
    }


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
