"""Everything that is needed to train the same models again, as named facts."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hmnist.models.registry import find_model
from hmnist.results.audit_table import Audit
from hmnist.results.rows import TableSettings
from hmnist.runs.facts import DataFacts, SplitFacts
from hmnist.runs.manifest import Manifest
from hmnist.runs.recipe import Recipe
from hmnist.splits.leak_steps import AUDITED

_ALWAYS = ("effort", "seed", "threads", "device")
"""The settings that a command names even where they have their default."""

_BY_DEFAULT = ("rare", "rare_to", "decide", "sensitivity", "features", "precision", "pretrained")
"""Those that it names where they have another value."""


def benchmark_facts(data: DataFacts, runs: Sequence[Manifest]) -> Iterator[tuple[str, str]]:
    """Yield how a benchmark is repeated."""
    folds = {run.split.fold for run in runs}
    yield _call_of_benchmark(data, runs, is_one_fold=folds != {None} and len(folds) == 1)
    yield from _data_facts(data)
    first = ", first fold" if len(folds) > 1 else ""
    yield f"SHA-256 of the split{first}", runs[0].split.digest
    yield from _split_facts(runs[0].split, is_one=len(folds) == 1)
    seeds = sorted({run.recipe.seed for run in runs})
    yield "Seeds", ", ".join(map(str, seeds))
    yield from _machine_facts(runs)


def run_facts(run: Manifest) -> Iterator[tuple[str, str]]:
    """Yield how a run is repeated."""
    if run.split.kind.startswith(AUDITED):
        yield "Command", _audit_command(run)
    elif run.members:
        yield _call_of_benchmark(run.data, [run])
    elif _has_smaller_seed([run]) or run.split.is_made_by_hand:
        yield "Python", _train_call(run)
    # A model that is trained by itself has the seed of its split.
    elif run.split.folds or run.split.seed not in {None, run.recipe.seed}:
        yield "Command", _benchmark_command(run.data, [run])
    else:
        yield "Command", _run_command(run)
    yield from _data_facts(run.data)
    yield "SHA-256 of the split", run.split.digest
    yield from _split_facts(run.split, is_one=True)
    yield "Seed", str(run.recipe.seed)
    yield "Run", run.key
    yield from _machine_facts([run])


def audit_facts(audit: Audit) -> Iterator[tuple[str, str]]:
    """Yield how an audit is repeated."""
    epochs = ",".join(f"{row.system}={row.epochs}" for row in audit.rows)
    systems = ",".join(row.system for row in audit.rows)
    words = ["audit", audit.data.name, "--systems", systems, "--epochs", epochs]
    pretrained = next((row.pretrained for row in audit.rows if row.pretrained), None)
    on_gpu = any(device.startswith("GPU") for device in audit.settings.devices)
    settings: dict[str, Any] = {
        # The name is followed by the digest of the weights.
        "pretrained": None if pretrained is None else pretrained.partition(" (")[0],
        "seed": audit.rows[0].split.seed,
        "threads": audit.settings.threads,
        "device": "gpu" if on_gpu else "cpu",
        "precision": "bfloat16" if audit.settings.in_bfloat16 else None,
        "seeds": max(row.seeds for row in audit.rows),
    }
    yield "Command", _command(words, settings)
    yield from _data_facts(audit.data)
    for row in audit.rows:
        yield f"SHA-256 of the split of {row.system}", row.split.digest
    yield from _version_facts(audit.settings)


def _run_command(run: Manifest) -> str:
    settings = _settings([run])
    words = ["train", run.model, run.data.name, *_split_words(run.split), *_set_words([run])]
    return _command(words, settings)


def _has_smaller_seed(runs: Sequence[Manifest]) -> bool:
    """Return whether a seed is below that of the split, so that no command has both."""
    split_seed = runs[0].split.seed
    return split_seed is not None and min(run.recipe.seed for run in runs) < split_seed


def _train_call(run: Manifest) -> str:
    arguments = {**_settings([run]), "oversample": run.recipe.oversample}
    if run.recipe.parameters:
        arguments["parameters"] = dict(run.recipe.parameters)
    return _python_call("train", run.model, run.split, arguments)


def _python_call(
    function: str, models: Any, split: SplitFacts, arguments: Mapping[str, Any]
) -> str:
    made = f"hmnist.split(data, {split.kind!r}, seed={split.seed})"
    if split.is_made_by_hand:
        made = "split"
    elif split.folds is not None:
        made = f"hmnist.split_folds(data, {split.folds}, seed={split.seed})[{split.fold}]"
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"hmnist.{function}(data, {models!r}, split={made}, {given})"


def _audit_command(run: Manifest) -> str:
    system = run.split.kind.removeprefix(AUDITED).partition(",")[0]
    settings = _settings([run]) | _seeds([run]) | {"epochs": run.parameters["epochs"]}
    return _command(["audit", run.data.name, "--systems", system], settings)


def _call_of_benchmark(
    data: DataFacts, runs: Sequence[Manifest], *, is_one_fold: bool = False
) -> tuple[str, str]:
    """Return the command that trains a benchmark, or the call in Python if there is none."""
    in_python = _has_smaller_seed(runs) or runs[0].split.is_made_by_hand
    if not (in_python or is_one_fold):
        return "Command", _benchmark_command(data, runs)
    seeds = {run.recipe.seed for run in runs}
    arguments = {**_benchmark_settings(runs), "seed": min(seeds)}
    arguments |= {"seeds": max(seeds) - min(seeds) + 1, "parameters": _parameters(runs)}
    return "Python", _python_call("benchmark", _models(runs), runs[0].split, arguments)


def _benchmark_command(data: DataFacts, runs: Sequence[Manifest]) -> str:
    words = ["benchmark", data.name, "--models", ",".join(_models(runs))]
    words += [*_split_words(runs[0].split), *_set_words(runs)]
    return _command(words, _benchmark_settings(runs) | _seeds(runs))


def _models(runs: Sequence[Manifest]) -> list[str]:
    """Return the models that are named, members of ensembles first."""
    recipes = [run.recipe for run in runs]
    members = [name for recipe in recipes for name in recipe.parameters.get("members", ())]
    names = dict.fromkeys([*members, *(recipe.model for recipe in recipes)])
    return [name for name in names if not find_model(name).baseline] or list(names)


def _benchmark_settings(runs: Sequence[Manifest]) -> dict[str, Any]:
    settings = _settings(runs)
    if settings.pop("patients", None):
        trained = [run for run in runs if run.recipe.entry.patients]
        without = any(not run.recipe.patients for run in trained)
        settings["patients"] = "both" if without else "yes"
    return settings


def _seeds(runs: Sequence[Manifest]) -> dict[str, int]:
    """Return the first seed, which is that of the split, and how many train all runs."""
    seeds = [run.recipe.seed for run in runs]
    first = min(seeds) if runs[0].split.seed is None else runs[0].split.seed
    return {"seed": first, "seeds": max(seeds) - first + 1}


def _settings(runs: Sequence[Manifest]) -> dict[str, Any]:
    """Return the settings that were given, as far as they are options."""
    recipes = [run.recipe for run in runs if not run.recipe.entry.baseline] or [runs[0].recipe]
    first = recipes[0]
    given = {name: getattr(first, name) for name in _ALWAYS}
    if any(recipe.device == "gpu" for recipe in recipes):  # those models that can use one
        given["device"] = "gpu"
    for name in _BY_DEFAULT:
        values = [getattr(recipe, name) for recipe in recipes]
        if other := [value for value in values if value != getattr(Recipe, name)]:
            given[name] = other[0]
    if methods := [recipe.oversample for recipe in recipes if recipe.entry.oversampled]:
        given["oversample"] = tuple(dict.fromkeys(methods))
    if any(recipe.patients for recipe in recipes):
        given["patients"] = "yes"
    # A published protocol resamples and decides by itself.
    fixed = ("oversample", "rare", "rare_to", "decide") if runs[0].split.published else ()
    return {name: value for name, value in given.items() if name not in fixed}


def _split_words(split: SplitFacts) -> list[str]:
    if split.folds:
        return ["--folds", str(split.folds)]
    known = split.kind in {"lesion", "image", "own"} or split.published
    return ["--split" if known else "--split-file", split.kind]


def _parameters(runs: Sequence[Manifest]) -> dict[str, dict[str, Any]]:
    """Return the parameters that were set by model; those of an ensemble are its members'."""
    by_model: dict[str, dict[str, Any]] = {}
    for run in runs:
        parameters = dict(run.recipe.parameters)
        if run.recipe.entry.composed:
            by_model |= parameters.get("set", {})
        else:
            by_model[run.model] = parameters
    return {model: parameters for model, parameters in by_model.items() if parameters}


def _set_words(runs: Sequence[Manifest]) -> list[str]:
    """Return the options that set parameters, each once."""
    return [
        word
        for model, parameters in _parameters(runs).items()
        for name, value in parameters.items()
        for word in ("--set", f"{model}.{name}={json.dumps(value)}")
    ]


def _command(words: Sequence[str], settings: Mapping[str, Any]) -> str:
    options = [
        word
        for name, value in settings.items()
        if value is not None
        for word in (
            f"--{name.replace('_', '-')}",
            ",".join(value) if isinstance(value, tuple) else str(value),
        )
    ]
    # The name of the data is a title with spaces for the sample.
    plain = ["sample" if word == "synthetic sample" else word for word in words]
    return shlex.join(["hmnist", *plain, *options])


def _split_facts(split: SplitFacts, *, is_one: bool) -> Iterator[tuple[str, str]]:
    """Yield what a call cannot say of a split: that it was made by hand, or which fold it is."""
    if split.is_made_by_hand:
        yield "Split", f"{split.kind}, made by hand"
    if is_one and split.fold is not None:
        yield "Fold", f"{split.fold + 1} of {split.folds}"


def _data_facts(data: DataFacts) -> Iterator[tuple[str, str]]:
    shape = "×".join(map(str, data.image_shape))
    yield "Data", f"{data.name}: {data.rows:,} images of {shape}, {data.lesion_text}"
    yield "SHA-256 of pixels, labels and lesions", data.digest


def _machine_facts(runs: Sequence[Manifest]) -> Iterator[tuple[str, str]]:
    yield "Threads", ", ".join(sorted({str(run.recipe.threads) for run in runs}))
    yield "Devices", ", ".join(sorted({run.device for run in runs}))
    yield "Trained", _span(sorted(run.written for run in runs))
    versions = {f"{name} {number}" for run in runs for name, number in run.versions.items()}
    yield "Versions", ", ".join(sorted(versions))


def _version_facts(settings: TableSettings) -> Iterator[tuple[str, str]]:
    yield "Threads", str(settings.threads)
    yield "Devices", ", ".join(settings.devices)
    yield "Versions", ", ".join(f"{name} {number}" for name, number in settings.versions.items())


def _span(times: Sequence[str]) -> str:
    return times[0] if times[0] == times[-1] else f"{times[0]} – {times[-1]}"
