"""Options that change nothing, since another one decides: said before the work begins."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hmnist.cli.output import say
from hmnist.runs.recipe import Recipe


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
    from hmnist.oversampling.methods import METHODS

    if "sensitivity" in settings and settings.get("decide", Recipe.decide) != "sensitive":
        yield "sensitivity", "it is for --decide sensitive"
    text = settings.get("oversample", Recipe.oversample)
    methods = [METHODS[method] for method in text.split(",")]
    if "rare" in settings and all(each.raises_all or each.sample is None for each in methods):
        yield "rare", f"--oversample {text} raises no chosen diagnoses"
    if "rare_to" in settings and all(each.sample is None for each in methods):
        yield "rare_to", f"--oversample {text} raises no diagnosis"
    takers = [find_model(model).settings for model in models]
    for name in ("features", "precision", "pretrained"):
        is_changed = settings.get(name, getattr(Recipe, name)) != getattr(Recipe, name)
        if is_changed and not any(name in taken for taken in takers):
            one = len(models) == 1
            yield name, f"{models[0]} does not take it" if one else "none of the models takes it"
