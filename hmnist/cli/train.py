"""``hmnist train``."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from hmnist.cli import options
from hmnist.cli.forwarding import with_settings
from hmnist.cli.inputs import load_data, split_kind, suited, warn_of_unknown_lesions
from hmnist.cli.output import say
from hmnist.cli.parameters import Set, read_parameters
from hmnist.cli.unused import tell_unused
from hmnist.runs.folders import run_folder
from hmnist.runs.recipe import Recipe

# Its own option: a cluster that hmnist.toml names for benchmarks is not for single models.
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        show_default=False,
        help="The scheduler of a Dask cluster, all of whose workers train one xgboost together, "
        "each on a share of the images.",
    ),
]

Out = Annotated[
    Path | None,
    options.out(
        "The run folder; an older run in it is replaced. To go on with an interrupted training, "
        "name it again.",
        "hmnist-runs/<time>-MODEL",
    ),
]


TRAINING_SHARE = 0.7
"""The usual share of the images that train, for the estimate of the time."""


@with_settings()
def train(
    model: options.ModelName,
    data: options.TrainingData = None,
    metadata: options.Metadata = None,
    split: options.SplitBy = None,
    split_file: options.SplitFile = None,
    *,
    set: Set = None,  # noqa: A002 - the option's name
    scheduler: Scheduler = None,
    out: Out = None,
    report: options.Report = "table",
    quiet: options.Quiet = False,
    **settings: Any,
) -> None:
    """Train one model into a run folder, and score it."""
    parameters = read_parameters(set, [model], quiet=quiet).get(model, {})
    Recipe(model=model, parameters=parameters, **settings)  # refuses what does not fit
    tell_unused(settings, [model], quiet=quiet)
    dataset = load_data(data, metadata, quiet=quiet)
    warn_of_unknown_lesions(dataset, quiet=quiet)
    from hmnist.cli.output import print_evaluation
    from hmnist.cli.watching import watch_training
    from hmnist.experiments.cells import estimate_fit
    from hmnist.experiments.train import train as train_model
    from hmnist.results.evaluation import evaluate_run

    settings = suited(settings, [model], dataset, quiet=quiet)
    kind = split_kind(split, split_file)
    recipe = Recipe(model=model, parameters=parameters, **settings)
    seconds = estimate_fit(recipe, round(TRAINING_SHARE * len(dataset)))
    with run_folder(out, f"-{model}") as folder:
        try:
            with watch_training(model, seconds, quiet=quiet) as on_step:
                run = train_model(
                    dataset,
                    model,
                    split=kind,
                    out=folder,
                    on_step=on_step,
                    on_note=None if quiet else lambda sentence: say(f"{model}: {sentence}."),
                    parameters=parameters,
                    dask=scheduler,
                    **settings,
                )
        except KeyboardInterrupt:
            say(
                "\nInterrupted. Networks go on at their last epoch, other models begin again: run "
                f"the same command with --out {shlex.quote(str(folder))}"
            )
            raise typer.Exit(130) from None
    print_evaluation(evaluate_run(run), report)
    if not quiet:
        say(f"Run: {folder}")
