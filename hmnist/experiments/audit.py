"""The cells of an audit: each published system under its own protocol, and its leaks one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError, check_counts
from hmnist.experiments.cells import Cell
from hmnist.models.registry import find_model
from hmnist.runs.recipe import AuditSettings, Recipe, check_one_pretrained_file
from hmnist.splits.leak_steps import isolate_leaks
from hmnist.splits.split import Split, split
from hmnist.splits.unknown_lesions import known_lesions
from hmnist.systems import SYSTEMS, find_system
from hmnist.systems.system import System

REPRODUCED = "reproduced"
"""The name of the cells of a system under its own protocol."""


@dataclass(frozen=True, eq=False)
class AuditedSystem:
    """A system, its epochs, and its cells, one per seed.

    The cells are named ``reproduced``, under its own protocol, and as the steps of `isolate_leaks`.
    """

    system: System
    epochs: int
    cells: Mapping[str, tuple[Cell, ...]]


def plan_audit(
    data: LesionDataset,
    systems: Sequence[str] | str,
    folder: Path,
    *,
    seeds: int = 1,
    epochs: int | Mapping[str, int] | None = None,
    **settings: Unpack[AuditSettings],
) -> list[AuditedSystem]:
    """Return the systems of an audit with their cells, checked before any work begins.

    Arguments and errors are those of `hmnist.audit`; `folder` is where the run folders go.
    """
    check_counts(seeds=seeds)
    known_lesions(data)
    audited = _find_systems(systems)
    given: dict[str, Any] = dict(settings)
    recipes = {system.name: Recipe(model=system.model, **given) for system in audited}
    check_one_pretrained_file(list(recipes.values()))
    counts = _count_epochs(audited, epochs, given.get("effort", Recipe.effort))
    planned = []
    for system in audited:
        # Images that are too small are refused before any work begins.
        system.check_size(*data.image_shape[:2])
        own = split(data, f"published:{system.name}", recipes[system.name].seed)
        recipe = replace(recipes[system.name], parameters={"epochs": counts[system.name]})
        # The epoch is chosen on the validation part, so that a step can show what that is worth.
        chosen = replace(recipe, parameters={**recipe.parameters, "restore_best": True})
        cells = {
            REPRODUCED: _make_cells(system, REPRODUCED, recipe, own, seeds=seeds, folder=folder)
        }
        for name, part in isolate_leaks(own).items():
            cells[name] = _make_cells(system, name, chosen, part, seeds=seeds, folder=folder)
        planned.append(AuditedSystem(system, counts[system.name], cells))
    return planned


def _find_systems(names: Sequence[str] | str) -> list[System]:
    """Return the systems by name, each once; protocols without a publication come last."""
    listed = [names] if isinstance(names, str) else list(names)
    if not listed:
        raise UsageError("No system is named.", f"Choose among {', '.join(SYSTEMS)}.")
    named = dict.fromkeys(find_system(name).name for name in listed)
    return sorted((SYSTEMS[name] for name in named), key=lambda system: system.variant_of != "")


def _count_epochs(
    systems: Sequence[System], epochs: int | Mapping[str, int] | None, effort: str
) -> dict[str, int]:
    """Return how many epochs each system is trained for."""
    named = epochs if isinstance(epochs, Mapping) else {}
    names = [system.name for system in systems]
    if unknown := sorted(set(named) - set(names)):
        raise UsageError(
            f"Epochs are given for {unknown[0]!r}, which is not audited.",
            f"Audited are {', '.join(names)}.",
        )
    counts = {}
    for system in systems:
        count: Any = epochs
        if epochs is None or isinstance(epochs, Mapping):
            own = find_model(system.model).parameters[effort]["epochs"]
            count = named.get(system.name, named.get(system.model, own))
        if not isinstance(count, int | np.integer) or count < 1:
            raise UsageError(f"Epochs are counted from 1; {system.name} cannot have {count!r}.")
        counts[system.name] = int(count)
    return counts


def _make_cells(
    system: System, name: str, recipe: Recipe, part: Split, *, seeds: int, folder: Path
) -> tuple[Cell, ...]:
    """Return the cells of a split, one per seed."""
    resampled = recipe.resampled_as(system.protocol.training, part).suited_to_machine()
    cells = []
    for number in range(seeds):
        own = replace(resampled, seed=recipe.seed + number)
        words = [system.name, *name.split(), f"seed{own.seed}", own.key(part)]
        cells.append(Cell(own, part, folder / "-".join(words), f"{system.name}, {name}"))
    return tuple(cells)
