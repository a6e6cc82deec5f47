"""``hmnist audit``."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.output import check_format, print_rich
from hmnist.errors import UsageError

__all__ = ["audit"]

Systems = Annotated[
    str,
    typer.Option(
        metavar="NAME,…",
        help="Published systems: those of the default, vgg16, mobilenet, inception-resnet.",
    ),
]
Epochs = Annotated[
    str | None,
    typer.Option(
        metavar="N|SYSTEM=N,…",
        show_default=False,
        help="Cut the epochs, of all systems or by name; the table says so. [default: each "
        "system's own, but 3 of deep-cnn and deep-cnn-bn, which --effort best trains in full]",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        envvar="HMNIST_JOBS",
        show_envvar=False,
        show_default=False,
        help="Models trained side by side, in processes. [default: 2]",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        envvar="HMNIST_THREADS",
        show_envvar=False,
        show_default=False,
        help="Threads per model; equal threads give equal scores. [default: the cores, shared "
        "among the jobs]",
    ),
]
Report = Annotated[
    str, typer.Option("--format", metavar="table|markdown|json", help="How the result is printed.")
]


def audit(
    data: options.Data = None,
    metadata: options.Metadata = None,
    systems: Systems = "lenet,skin-pamper,small-cnn,pixel-mlp,deep-cnn,deep-cnn-bn",
    epochs: Epochs = None,
    weights: options.Weights = "none",
    effort: options.Effort = None,
    seed: options.Seed = 0,
    seeds: options.Seeds = 1,
    jobs: Jobs = None,
    threads: Threads = None,
    out: options.Out = None,
    report: Report = "table",
    quiet: options.Quiet = False,
) -> None:
    """Hold published claims against what clean lesions say.

    Each system is trained twice: split, resampled and validated as its source did, leaks included,
    and split by lesion.
    """
    from hmnist.results.audit_table import FORMATS

    check_format(report, FORMATS)
    counts = _read_epochs(epochs, options.names(systems))
    dataset = options.load_data(data, metadata, quiet=quiet, sample_allowed=False)
    from hmnist.cli.watching import watch_runs
    from hmnist.experiments import audit as auditing

    folder = out or Path("hmnist-runs") / f"{datetime.now():%Y%m%d-%H%M%S}-audit"
    with watch_runs(folder, quiet=quiet) as watcher:
        found = auditing.audit(
            dataset,
            options.names(systems),
            seed=seed,
            seeds=seeds,
            epochs=counts,
            weights=weights,
            effort=options.effort_for(dataset, effort),
            jobs=jobs,
            threads=threads,
            out=folder,
            watcher=watcher,
        )
    if report == "table":
        print_rich(found.to_rich())
    else:
        typer.echo(found.format(report), nl=False)
    if not quiet:
        options.say(f"Runs and table: {folder}")


def _read_epochs(text: str | None, systems: list[str]) -> dict[str, int] | None:
    """Return the epochs by system: a bare number is for all that are not named."""
    from hmnist.systems import SYSTEMS

    if text is None:
        return None
    every: dict[str, int] = {}
    named: dict[str, int] = {}
    for part in options.names(text):
        system, equals, number = (word.strip() for word in part.rpartition("="))
        if not number.isdecimal() or (equals and not system):
            raise UsageError(
                f"The epochs {part!r} are neither a number nor a system and its number.",
                "Write --epochs 5, or --epochs deep-cnn=5,lenet=20.",
            )
        if equals:
            named[system] = int(number)
        else:
            variants = [name for name, system in SYSTEMS.items() if system.variant_of]
            every = dict.fromkeys([*systems, *variants], int(number))
    return every | named
