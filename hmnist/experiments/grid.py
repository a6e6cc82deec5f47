"""The grid of a benchmark: model × oversampling × seed × fold, a run folder for each cell."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.experiments.cells import Cell
from hmnist.models.registry import MODELS, find_model
from hmnist.runs.recipe import Recipe, Settings, check_one_pretrained_file
from hmnist.splits.folds import split_folds
from hmnist.splits.split import Split
from hmnist.splits.split import split as make_split


def plan_benchmark(
    data: LesionDataset,
    models: Sequence[str] | str,
    folder: Path,
    *,
    split: str | Path | None = None,
    folds: int | None = None,
    seeds: int = 1,
    **settings: Unpack[Settings],
) -> list[Cell]:
    """Return the cells of a benchmark, model by model, the baseline last.

    Arguments and errors are those of `hmnist.benchmark`; `folder` is where the run folders go.
    """
    if seeds < 1:
        raise UsageError("Seeds are counted from 1.")
    if folds is not None and split not in (None, "lesion"):
        raise UsageError("Folds are always by lesion.", "Leave out --folds, or --split.")
    given: dict[str, Any] = dict(settings)
    methods = given.pop("oversample", Recipe.oversample)
    models, methods = ([item] if isinstance(item, str) else item for item in (models, methods))
    seed = given.pop("seed", Recipe.seed)
    recipes = [
        Recipe(model=model, oversample=method, seed=seed + number, parameters=parameters, **given)
        for model, method, parameters in _list_rows(models, methods)
        for number in range(seeds)
    ]
    check_one_pretrained_file(recipes)
    splits = [make_split(data, split, seed)] if folds is None else split_folds(data, folds, seed)
    resolved = [recipe.resolved_for(splits[0]) for recipe in recipes]
    return [
        Cell(recipe, part, folder / folder_name(recipe, part))
        for position, recipe in enumerate(resolved)
        if recipe not in resolved[:position]  # a protocol may make two recipes equal
        for part in splits
    ]


def _list_rows(
    models: Sequence[str], methods: Sequence[str]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield model, oversampling method and parameters of each row; the baseline comes last."""
    entries = [find_model(name) for name in dict.fromkeys(models)]
    members = tuple(entry.name for entry in entries if not (entry.composed or entry.baseline))
    ensembles = [entry.name for entry in entries if entry.composed]
    if ensembles and len(members) < 2:
        raise UsageError(f"An {ensembles[0]} needs two models or more.", "Name more models.")
    for method in dict.fromkeys(methods):
        yield from ((model, method, {}) for model in members)
        yield from ((model, method, {"members": members}) for model in ensembles)
    yield from ((entry.name, "none", {}) for entry in MODELS.values() if entry.baseline)


def folder_name(recipe: Recipe, split: Split) -> str:
    """Return the name of a cell's run folder in a benchmark folder."""
    fold = "" if split.fold is None else f"-fold{split.fold}"
    return f"{recipe.model}-{recipe.oversample}-seed{recipe.seed}{fold}-{recipe.key(split)}"
