"""``hmnist train``."""

from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.output import check_format, print_evaluation

__all__ = ["train"]

Epochs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        show_default=False,
        help="How often a network sees its training images. [default: as --effort says]",
    ),
]


def train(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="What to train: hmnist models.")],
    data: options.Data = None,
    metadata: options.Metadata = None,
    split: options.SplitBy = None,
    split_file: options.SplitFile = None,
    oversample: options.Oversample = "random",
    rare: options.Rare = "df,vasc",
    rare_to: options.RareTo = None,
    decide: options.Decide = "natural",
    sensitivity: options.Sensitivity = 0.9,
    features: options.Features = "lesion",
    weights: options.Weights = "none",
    effort: options.Effort = None,
    epochs: Epochs = None,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    out: options.Out = None,
    report: options.Report = "table",
    quiet: options.Quiet = False,
) -> None:
    """Train one model into a run folder and score it on its test part."""
    check_format(report, ("table", "json"))
    from hmnist.models.registry import find_model

    find_model(model)
    dataset = options.load_data(data, metadata, quiet=quiet)
    from hmnist.cli.watching import watch_steps
    from hmnist.experiments.training import train as train_model
    from hmnist.results.evaluation import evaluate_run

    try:
        with watch_steps(model, quiet=quiet) as on_step:
            run = train_model(
                dataset,
                model,
                by=options.split_kind(split, split_file),
                oversampling=oversample,
                rare=tuple(options.names(rare)),
                rare_to=rare_to,
                decision=decide,
                sensitivity=sensitivity,
                features=features,
                weights=weights,
                effort=options.effort_for(dataset, effort),
                seed=seed,
                threads=threads,
                out=out,
                on_step=on_step,
                **({} if epochs is None else {"epochs": epochs}),
            )
    except KeyboardInterrupt:
        options.say("\nInterrupted. Nothing was written; the same command begins anew.")
        raise typer.Exit(130) from None
    print_evaluation(evaluate_run(run), report)
    if not quiet:
        options.say(f"Run: {run.folder}")
