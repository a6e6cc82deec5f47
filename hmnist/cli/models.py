"""``hmnist models``."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmnist.cli import options
from hmnist.cli.names import named
from hmnist.cli.output import print_json, print_rich

if TYPE_CHECKING:
    from hmnist.models.registry import ModelEntry
    from hmnist.systems.system import System

Named = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        help="Print how this one is trained.",
        **named("model"),
    ),
]


def models(model: Named = None, report: options.Report = "table") -> None:
    """List the models; print how one of them is trained."""
    from hmnist.models.registry import MODELS

    if model is not None:
        _print_one(_facts(MODELS[model]), report)
    elif report == "json":
        typer.echo(json.dumps([_facts(entry) for entry in MODELS.values()], indent=1))
    else:
        _print_all()


def _print_all() -> None:
    from hmnist.models.registry import EFFORTS, MODELS
    from hmnist.results.formatting import duration_text, plain_table

    body = [
        [entry.name, *(duration_text(entry.seconds[effort]) for effort in EFFORTS), entry.summary]
        for entry in MODELS.values()
    ]
    print_rich(plain_table(["model", *EFFORTS, "what it is"], body, text=["what it is"]))
    print_rich("Times to fit 7,000 images on two cores, by effort.")
    print_rich(
        "Published systems have their own epochs at every effort but quick, which has a fifth of "
        "them; their times are estimates, those of transfer models without pretrained weights."
    )


def _print_one(facts: dict[str, Any], report: str) -> None:
    from hmnist.results.formatting import plain_table

    if report == "json":
        print_json(facts)
        return
    rows = [[name.replace("_", " "), text] for name, text in _lines(facts)]
    header = [facts["name"], facts["summary"]]
    print_rich(plain_table(header, rows, text=header[1:]))


def _facts(entry: "ModelEntry") -> dict[str, Any]:
    """Return what is known of a model, in JSON's types."""
    return {
        "name": entry.name,
        "summary": entry.summary,
        "parameters": dict(entry.parameters),
        "seconds": dict(entry.seconds),
        "patients": entry.patients,
        "published": entry.system is not None,
        "source": None if entry.system is None else _source(entry.system),
    }


def _source(system: "System") -> dict[str, Any]:
    """Return how a published system was trained, its claim, and what was chosen here."""
    return {
        **system.recipe(),
        "claimed_accuracy": system.claim.accuracy,
        "claim_note": system.claim.note,
        "protocol": system.protocol.description,
        "notes": [*system.notes, *system.protocol.notes],
    }


def _lines(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the facts of a model, each with its name, line by line."""
    from hmnist.results.formatting import duration_text

    source = facts["source"] or {}
    for effort, parameters in facts["parameters"].items():
        # The source's own numbers follow below.
        own = {name for name in parameters if parameters[name] == source.get(name)} - {"epochs"}
        chosen = ", ".join(f"{name} {parameters[name]}" for name in parameters if name not in own)
        yield effort, f"{duration_text(facts['seconds'][effort])}; {chosen or 'nothing to choose'}"
    for name, value in source.items():
        if name == "size":
            yield name, "{}×{} pixels".format(*value)
        elif name == "resizes":
            yield name, "brings images to that size itself" if value else "takes images as they are"
        elif name == "notes":
            yield from zip([name, *("" for _ in value[1:])], value, strict=True)
        elif isinstance(value, dict):
            yield name, ", ".join(f"{key} {number:g}" for key, number in value.items()) or "none"
        elif value not in (None, ""):
            yield name, str(value)
