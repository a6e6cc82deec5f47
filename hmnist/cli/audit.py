"""``hmnist audit``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from hmnist.cli import options
from hmnist.cli.forwarding import with_settings
from hmnist.cli.inputs import load_data, suited
from hmnist.cli.names import named, split_names
from hmnist.cli.output import print_result, say
from hmnist.cli.unused import tell_unused
from hmnist.errors import UsageError
from hmnist.systems import AUDITED

Systems = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,…",
        show_default=False,
        help=f"Published systems. [default: {', '.join(AUDITED)}]",
        **named("published system", several=True),
    ),
]
Epochs = Annotated[
    str | None,
    typer.Option(
        metavar="N|SYSTEM=N,…",
        show_default=False,
        help="Set the epochs, of all systems or by name; the table says so. [default: each "
        "system's own; a fifth of them with --effort quick]",
    ),
]

Out = Annotated[
    Path | None,
    options.out(
        "Where runs and table go; to go on with an audit, name its folder.",
        "hmnist-runs/<time>-audit",
    ),
]
Format = Annotated[str, options.printed_as("table", "markdown", "json")]


@with_settings(options.AUDIT_OPTIONS)
def audit(
    data: options.Data = None,
    metadata: options.Metadata = None,
    systems: Systems = None,
    epochs: Epochs = None,
    *,
    seeds: options.Seeds = None,
    jobs: options.Jobs = None,
    dask: options.Dask = None,
    out: Out = None,
    report: Format = "table",
    quiet: options.Quiet = False,
    **settings: Any,
) -> None:
    """Compare published claims with scores on unseen lesions.

    Each system is trained as its source did, leaks included; and on lesions that are not tested,
    with the leaks switched on one after the other. More seeds tell smaller effects from chance.
    """
    from hmnist.systems import SYSTEMS

    audited = AUDITED if systems is None else split_names(systems)
    counts = None if epochs is None else _read_epochs(epochs, audited)
    models = [SYSTEMS[name].model for name in audited]
    tell_unused(options.only_given(jobs=jobs, dask=dask) | settings, models, quiet=quiet)
    dataset = load_data(data, metadata, quiet=quiet, sample_allowed=False)
    from hmnist.cli.watching import watch_cells
    from hmnist.results.audit import audit as run_audit
    from hmnist.runs.folders import runs_folder

    settings = suited(settings, models, dataset, quiet=quiet)
    given = options.only_given(seeds=seeds, dask=dask) | {"systems": audited}
    with runs_folder(out, "-audit") as folder, watch_cells(folder, quiet=quiet) as watcher:
        given |= {"epochs": counts, "jobs": jobs, "out": folder, "watcher": watcher}
        result = run_audit(dataset, **given, **settings)
    print_result(result, report)
    if not quiet:
        say(f"Runs and table: {folder}")


def _read_epochs(text: str, audited: Sequence[str]) -> dict[str, int]:
    """Return the epochs by system: a bare number is for all systems that are not named."""
    for_all: dict[str, int] = {}
    by_name: dict[str, int] = {}
    for part in split_names(text):
        system, equals, number = (word.strip() for word in part.lower().rpartition("="))
        if not number.isdecimal() or (equals and not system):
            raise UsageError(
                f"The epochs {part!r} are neither a number nor a system and its number.",
                "Write --epochs 5, or --epochs small-cnn=5,lenet=20.",
            )
        if (system in by_name) if equals else for_all:
            raise UsageError(
                f"The epochs of {system or 'all systems'} are given twice: {text}.",
                "Write --epochs 5, or --epochs small-cnn=5,lenet=20.",
            )
        if equals:
            by_name[system] = int(number)
        else:
            for_all = dict.fromkeys(audited, int(number))
    return for_all | by_name
