"""The cells of an audit: each published system under its own protocol, and by lesion.

What a source does to its training images is done on both sides; on the honest side to the training
part alone, behind the split, so that only the leaks differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.experiments.cells import Cell
from hmnist.models.registry import find_model
from hmnist.runs.recipe import AuditSettings, Recipe, check_one_pretrained_file
from hmnist.splits.protocols import resample_training
from hmnist.splits.split import Split, split
from hmnist.systems import SYSTEMS, find_system
from hmnist.systems.system import System

SIDES = ("reproduced", "honest")
"""Both sides of an audit: under a system's own protocol, and by lesion."""


@dataclass(frozen=True, eq=False)
class AuditedSystem:
    """A system, its epochs, and the cells of both sides: one cell per seed."""

    system: System
    epochs: int
    cells: Mapping[str, tuple[Cell, ...]]


@dataclass(frozen=True, eq=False)
class AuditPlan:
    """What an audit trains; `honest` is the split by lesion, before any resampling."""

    honest: Split
    systems: tuple[AuditedSystem, ...]

    @property
    def cells(self) -> list[Cell]:
        """The cells of all systems and both sides."""
        return [cell for audited in self.systems for side in SIDES for cell in audited.cells[side]]


def plan_audit(
    data: LesionDataset,
    systems: Sequence[str] | str,
    folder: Path,
    *,
    seeds: int = 1,
    epochs: int | Mapping[str, int] | None = None,
    **settings: Unpack[AuditSettings],
) -> AuditPlan:
    """Return the cells of an audit, checked before any work begins.

    Arguments and errors are those of `hmnist.audit`; `folder` is where the run folders go.
    """
    if seeds < 1:
        raise UsageError("Seeds are counted from 1.")
    audited = _find_systems(systems)
    given: dict[str, Any] = dict(settings)
    recipes = {system.name: Recipe(model=system.model, **given) for system in audited}
    check_one_pretrained_file(list(recipes.values()))
    counts = _count_epochs(audited, epochs, given.get("effort", Recipe.effort))
    seed = given.get("seed", Recipe.seed)
    honest = split(data, "lesion", seed)
    planned = []
    for system in audited:
        recipe = replace(recipes[system.name], parameters={"epochs": counts[system.name]})
        cells = {
            side: tuple(
                _make_cell(system, side, replace(recipe, seed=seed + number), part, folder)
                for number in range(seeds)
            )
            for side, part in zip(SIDES, _split_both_ways(system, honest), strict=True)
        }
        planned.append(AuditedSystem(system, counts[system.name], cells))
    return AuditPlan(honest, tuple(planned))


def _find_systems(names: Sequence[str] | str) -> list[System]:
    """Return the systems by name, each once; protocols without a publication come last."""
    listed = [names] if isinstance(names, str) else list(names)
    if not listed:
        raise UsageError("No system is named.", f"Choose among {', '.join(SYSTEMS)}.")
    named = dict.fromkeys(find_system(name).name for name in listed)
    variants = [system for system in SYSTEMS.values() if system.variant_of]
    return [SYSTEMS[name] for name in named if not SYSTEMS[name].variant_of] + variants


def _count_epochs(
    systems: Sequence[System], epochs: int | Mapping[str, int] | None, effort: str
) -> dict[str, int]:
    """Return how often each system sees its training images."""
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
            usual = (effort == "standard" and system.standard_epochs) or own
            count = named.get(system.name, named.get(system.model, usual))
        if not isinstance(count, int | np.integer) or count < 1:
            raise UsageError(f"Epochs are counted from 1; {system.name} cannot have {count!r}.")
        counts[system.name] = int(count)
    return counts


def _split_both_ways(system: System, honest: Split) -> tuple[Split, Split]:
    """Return the split of a system's own protocol, and the honest one, resampled alike."""
    seed = honest.seed or 0
    own = split(honest.data, f"published:{system.name}", seed)
    rows = resample_training(honest.data, honest.train_indices, system.protocol, seed)
    return own, replace(honest, train_indices=rows)


def _make_cell(system: System, side: str, recipe: Recipe, part: Split, folder: Path) -> Cell:
    resampled = recipe.resampled_as(system.protocol.training, part).suited_to_machine()
    # Images that are too small are refused before any work begins.
    system.check_size(*part.data.image_shape[:2])
    name = f"{system.name}-{side}-seed{recipe.seed}-{resampled.key(part)}"
    return Cell(resampled, part, folder / name, f"{system.name}, {side}")
