"""The grid of a benchmark: model × oversampling × patient data × seed × fold.

Each cell has a run folder.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError, check_counts, read_count
from hmnist.experiments.cells import Cell
from hmnist.models.registry import MODELS, find_model
from hmnist.oversampling import name_method
from hmnist.runs.choices import list_uses
from hmnist.runs.recipe import LARGEST_SEED, Recipe, Settings, check_one_pretrained_file
from hmnist.splits.folds import split_folds
from hmnist.splits.split import Split
from hmnist.splits.split import split as make_split


def plan_benchmark(
    data: LesionDataset,
    models: Sequence[str] | str,
    folder: Path,
    *,
    split: str | Path | Split | None = None,
    folds: int | None = None,
    seeds: int = 1,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Unpack[Settings],
) -> list[Cell]:
    """Return the cells of a benchmark, model by model, the baseline last.

    Arguments and errors are those of `hmnist.benchmark`; `folder` is where the run folders go.
    """
    check_counts(seeds=seeds)
    if folds is not None and split not in (None, "lesion"):
        raise UsageError("Folds are always by lesion.", "Leave out --folds, or --split.")
    given: dict[str, Any] = dict(settings)
    methods = given.pop("oversample", Recipe.oversample)
    uses = list_uses(given.pop("patients", Recipe.patients))
    models = [models] if isinstance(models, str) else list(models)
    if not models:
        raise UsageError("No model is named.", "See: hmnist models")
    methods = [methods] if isinstance(methods, str) or hasattr(methods, "fit_resample") else methods
    methods = [name_method(method) for method in methods]
    seed = read_count("seed", given.pop("seed", Recipe.seed), 0, LARGEST_SEED)
    recipes = [
        Recipe(**row, seed=seed + number, **given)
        for row in _list_rows(models, methods, uses, _by_model(parameters or {}, models))
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


def _by_model(
    parameters: Mapping[str, Mapping[str, Any]], models: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the parameters of each model by its own name."""
    named = {find_model(name).name: dict(values) for name, values in parameters.items()}
    compared = [find_model(name).name for name in models]
    for name in named:
        if name not in compared or find_model(name).composed:
            raise UsageError(
                f"Parameters are given for {name}, which is not trained.",
                f"Trained are {', '.join(compared)}.",
            )
    return named


def _list_rows(
    models: Sequence[str],
    methods: Sequence[str],
    uses: Sequence[bool],
    parameters: Mapping[str, Mapping[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Yield what is special about the recipe of each row; the baseline comes last."""
    entries = [find_model(name) for name in dict.fromkeys(models)]
    ensembles = [entry.name for entry in entries if entry.composed]
    trained = [entry for entry in entries if not (entry.composed or entry.baseline)]
    for method, patients in itertools.product(dict.fromkeys(methods), uses):
        # In both ways, models that take no patient data have one row.
        alone = [entry for entry in trained if entry.patients or not patients or len(uses) == 1]
        members = tuple(entry.name for entry in alone)
        if ensembles and len(members) < 2:
            with_them = " with patient data" if patients else ""
            sentence = f"An {ensembles[0]}{with_them} needs two models or more."
            hint = "Name more models that take them." if patients else "Name more models."
            raise UsageError(sentence, hint)
        shared = {"oversample": method, "patients": patients}
        for model in members:
            yield {"model": model, **shared, "parameters": parameters.get(model, {})}
        for model in ensembles:
            composed = {"members": members, **({"set": parameters} if parameters else {})}
            yield {"model": model, **shared, "parameters": composed}
    for entry in MODELS.values():
        if entry.baseline:
            yield {"model": entry.name, "oversample": "none", "patients": False}


def folder_name(recipe: Recipe, split: Split) -> str:
    """Return the name of a cell's run folder in a benchmark folder."""
    fold = "" if split.fold is None else f"-fold{split.fold + 1}"
    patients = "-patients" if recipe.patients else ""
    # Of the text of a sampler, its name; the key has the rest.
    method = recipe.oversample.partition("(")[0]
    return f"{recipe.model}-{method}{patients}-seed{recipe.seed}{fold}-{recipe.key(split)}"
