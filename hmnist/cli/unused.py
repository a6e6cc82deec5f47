"""Options that change nothing, since another one decides: said before the work begins."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hmnist.cli.output import say
from hmnist.runs.recipe import Recipe

if TYPE_CHECKING:
    from hmnist.models.registry import ModelEntry

_TAKEN_BY_SOME = (
    "oversample", "rare", "rare_to", "decide", "sensitivity",
    "patients", "features", "precision", "pretrained",
)  # fmt: skip
"""The settings that not every model takes."""


def tell_unused(settings: Mapping[str, Any], models: Sequence[str], *, quiet: bool) -> None:
    """Print a line for each of the settings that the user gave and that no model uses."""
    if quiet:
        return
    for name, reason in find_unused(settings, models):
        value = settings[name]
        text = ",".join(value) if isinstance(value, list) else value
        say(f"Not used, since {reason}: --{name.replace('_', '-')} {text}")


def find_unused(settings: Mapping[str, Any], models: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the settings that change nothing, each with the reason.

    Examples
    --------
    >>> dict(find_unused({"features": "pixels", "rare_to": 500}, ["cnn"]))
    {'features': 'cnn does not take it'}
    """
    from hmnist.models.registry import find_model

    if {"jobs", "dask"} <= settings.keys():
        yield "jobs", "a cluster trains as many models at once as it has workers"
    taken = set[str]().union(*(_taken(find_model(model)) for model in models))
    nobody = f"{models[0]} does not take it" if len(models) == 1 else "none of the models takes it"
    for name in _TAKEN_BY_SOME:
        is_changed = name in settings and settings[name] not in (getattr(Recipe, name), "no")
        if is_changed and name not in taken:
            yield name, nobody
    others = {name: value for name, value in settings.items() if name in taken}
    if "sensitivity" in others and settings.get("decide", Recipe.decide) != "sensitive":
        yield "sensitivity", "it is for --decide sensitive"
    yield from _find_unused_rare(others)


def _taken(entry: "ModelEntry") -> set[str]:
    """Return those settings that a model takes and not every model does."""
    names = set(entry.settings)
    if entry.oversampled:
        names |= {"oversample", "rare", "rare_to"}
    if entry.calibrated:
        names |= {"decide", "sensitivity"}
    if entry.patients or not entry.baseline:  # others refuse them
        names.add("patients")
    return names


def _find_unused_rare(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield those settings on the rare diagnoses that no method of oversampling reads."""
    from hmnist.oversampling.methods import METHODS

    text = settings.get("oversample", Recipe.oversample)
    methods = [METHODS[method] for method in text.split(",")]
    if "rare" in settings and all(each.raises_all or each.sample is None for each in methods):
        yield "rare", f"--oversample {text} raises no chosen diagnoses"
    if "rare_to" in settings and all(each.sample is None for each in methods):
        yield "rare_to", f"--oversample {text} raises no diagnosis"
