"""``hmnist models``."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmnist.cli import options
from hmnist.cli.names import named
from hmnist.cli.output import print_json, print_rich
from hmnist.cli.parameters import settable

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
        _print_one(MODELS[model], report)
    elif report == "json":
        print_json([_facts(entry) for entry in MODELS.values()])
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
        "them; their times are estimates, those of models that start from ImageNet weights without "
        "these weights."
    )


def _print_one(entry: "ModelEntry", report: str) -> None:
    from hmnist.results.formatting import plain_table

    if report == "json":
        print_json(_facts(entry))
        return
    rows = [[name.replace("_", " "), text] for name, text in _lines(entry)]
    print_rich(plain_table([entry.name, entry.summary], rows, text=[entry.summary]))
    if any(name == "parameters" for name, _ in rows):
        print_rich("Parameters: as at the standard effort. Change one with --set NAME=VALUE.")
    if entry.system is None:
        return
    header = ["hyperparameter", "value", "origin"]
    chosen = [[each.name, each.value, each.origin] for each in entry.system.hyperparameters()]
    print_rich(plain_table(header, chosen, text=header[1:]))
    print_rich("Ours: chosen here, because the source says nothing.")
    for note in _notes(entry.system):
        print_rich(f"- {note}")


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
        "claim_is_best_epoch": system.claim.best_epoch,
        "claim_note": system.claim.note,
        "protocol": system.protocol.description,
        "hyperparameters": [asdict(each) for each in system.hyperparameters()],
        "notes": _notes(system),
    }


def _notes(system: "System") -> list[str]:
    return [*system.notes, *system.protocol.notes]


def _lines(entry: "ModelEntry") -> Iterator[tuple[str, str]]:
    """Yield what each effort takes, the parameters, and what a published system claims."""
    system = entry.system
    efforts = {effort: _effort_text(entry, effort) for effort in entry.parameters}
    if len(set(efforts.values())) == 1:
        yield "any effort", next(iter(efforts.values()))
    else:
        yield from efforts.items()
    if values := _settable(entry):
        yield (
            "parameters",
            ", ".join(f"{name}={json.dumps(value)}" for name, value in values.items()),
        )
    if system is not None and system.claim.published:
        best = ", in the best epoch" if system.claim.best_epoch else ""
        yield "claim", f"accuracy {system.claim.published}{best}"
    if system is not None and system.claim.note:
        yield "note on the claim", system.claim.note


def _effort_text(entry: "ModelEntry", effort: str) -> str:
    """Return how long an effort takes, and what is special about it."""
    from hmnist.results.formatting import duration_text

    own = {} if entry.system is None else entry.system.recipe()  # these numbers follow below
    chosen = [
        f"{name} {value}"
        for name, value in entry.parameters[effort].items()
        if name == "epochs" or value != own.get(name)
    ]
    time = duration_text(entry.seconds[effort])
    return f"{time}; {', '.join(chosen)}" if chosen else time


def _settable(entry: "ModelEntry") -> dict[str, Any]:
    """Return the parameters that ``--set`` takes, with their values at the standard effort."""
    from hmnist.models.registry import make_model

    if entry.composed:
        return {}
    values = make_model(entry.name).get_params()
    return {name: values[name] for name in settable(entry)}
