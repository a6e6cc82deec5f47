"""``hmnist tune``."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmnist.cli import options
from hmnist.cli.forwarding import with_settings
from hmnist.cli.inputs import load_data, split_kind, suited, warn_of_unknown_lesions
from hmnist.cli.numbers import whole_number
from hmnist.cli.output import print_json, print_rich, say
from hmnist.cli.parameters import Set, read_parameters
from hmnist.cli.train import TRAINING_SHARE
from hmnist.cli.unused import tell_unused
from hmnist.runs.recipe import Recipe

if TYPE_CHECKING:
    from hmnist.experiments.study import Trial
    from hmnist.experiments.tuning import Tuning

SHOWN = 10
"""The rows of the table."""

_WAITS = "Another process searches in this folder, and this one waits until it ends."

Trials = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="How many trials, with those that --out holds already.",
        **whole_number(1),
    ),
]


Out = Annotated[
    Path | None,
    options.out(
        "Where the trials go; to go on with a search, name its folder.",
        "hmnist-runs/<time>-tune-MODEL",
    ),
]
# A decision changes no probability, so it would change nothing.
SETTINGS = {
    name: option
    for name, option in options.RECIPE_OPTIONS.items()
    if name not in {"decide", "sensitivity"}
}


@with_settings(SETTINGS)
def tune(
    model: options.ModelName,
    data: options.TrainingData = None,
    metadata: options.Metadata = None,
    split: options.SplitBy = None,
    split_file: options.SplitFile = None,
    *,
    set: Set = None,  # noqa: A002 - the option's name
    trials: Trials = 20,
    seeds: options.Seeds = None,
    out: Out = None,
    report: options.Report = "table",
    quiet: options.Quiet = False,
    **settings: Any,
) -> None:
    """Search for better parameters of a model, on validation.

    The first trial has the usual parameters. The test part is cut off before the search. The
    score of the best trial is optimistic, since it was chosen by that score: only the test part of
    a later hmnist train tells what the parameters are worth.
    """
    parameters = read_parameters(set, [model], quiet=quiet).get(model, {})
    Recipe(model=model, parameters=parameters, **settings)  # refuses what does not fit
    tell_unused(settings, [model], quiet=quiet)
    dataset = load_data(data, metadata, quiet=quiet)
    warn_of_unknown_lesions(dataset, quiet=quiet)
    from hmnist.cli.watching import watch_training
    from hmnist.experiments.cells import estimate_fit
    from hmnist.experiments.tuning import tune as tune_model
    from hmnist.runs.folders import runs_folder

    given = options.only_given(metadata=metadata, split=split, split_file=split_file, **settings)
    settings = suited(settings, [model], dataset, quiet=quiet)
    recipe = Recipe(model=model, parameters=parameters, **settings)
    seconds = trials * (seeds or 1) * estimate_fit(recipe, round(TRAINING_SHARE * len(dataset)))
    kind = split_kind(split, split_file)
    with runs_folder(out, f"-tune-{model}") as folder:
        try:
            with watch_training(model, seconds, quiet=quiet) as on_step:
                tuning = tune_model(
                    dataset,
                    model,
                    trials=trials,
                    split=kind,
                    out=folder,
                    on_trial=None if quiet else lambda tuning: say(_progress(tuning, trials)),
                    on_wait=lambda: None if quiet else say(_WAITS),
                    parameters=parameters,
                    **options.only_given(seeds=seeds, on_step=on_step),
                    **settings,
                )
        except KeyboardInterrupt:
            say(
                "\nInterrupted. Finished trials are kept; to go on, run the same command with "
                f"--out {shlex.quote(str(folder))}"
            )
            raise typer.Exit(130) from None
    if report == "json":
        print_json({**asdict(tuning), "folder": str(folder), "best": asdict(tuning.best)})
    else:
        _print_table(tuning)
    if not quiet:
        say(_advice(tuning, data, given, parameters))


def _progress(tuning: "Tuning", count: int) -> str:
    trial = tuning.trials[-1]
    loss = "stopped early" if trial.log_loss is None else f"log loss {trial.log_loss:.4f}"
    best = f", best {tuning.best.log_loss:.4f}" if tuning.ranked else ""
    tried = "the usual parameters" if trial.number == 1 else _as_text(trial)
    return f"[{trial.number}/{count}] {loss}{best}; {trial.seconds:.0f} s; {tried}"


def _print_table(tuning: "Tuning") -> None:
    """Print the best trials, and the one with the usual parameters."""
    from hmnist.results.formatting import plain_table

    names = list(tuning.best.parameters)
    shown = [trial for rank, trial in enumerate(tuning.ranked) if rank < SHOWN or trial.number == 1]
    body = [
        [
            f"{trial.number} (usual)" if trial.number == 1 else str(trial.number),
            f"{trial.log_loss:.4f}",
            *(str(trial.parameters[name]) for name in names),
            f"{trial.seconds:.0f}",
        ]
        for trial in shown
    ]
    print_rich(plain_table(["trial", "log loss", *names, "s"], body))


def _advice(
    tuning: "Tuning", data: str | None, given: Mapping[str, Any], fixed: Mapping[str, Any]
) -> str:
    """Say how to train with the best parameters, and otherwise as the search did."""
    from hmnist.experiments.tuning import SETTINGS_FILE
    from hmnist.files import short_path

    best = tuning.best
    if best.number == 1:
        return "No trial was better than the usual parameters."
    words = ["hmnist", "train", tuning.model, *([data] if data else [])]
    for name, value in given.items():
        words += [f"--{name.replace('_', '-')}", value if isinstance(value, str) else _join(value)]
    for name, value in {**fixed, **best.parameters}.items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    settings = short_path(tuning.folder / SETTINGS_FILE)
    return (
        f"Trial {best.number} was chosen by its log loss on validation, which is optimistic. The "
        "test part tells what its parameters are worth:\n"
        f"  {shlex.join(words)}\n"
        f"hmnist benchmark takes the parameters from a copy of {settings} in the working folder, "
        "and all other options as they are named."
    )


def _join(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _as_text(trial: "Trial") -> str:
    return ", ".join(f"{name} {value}" for name, value in trial.parameters.items())
