"""``hmnist benchmark``."""

from datetime import datetime
from pathlib import Path

from hmnist.cli import options
from hmnist.cli.output import check_format, print_table

__all__ = ["benchmark"]


def benchmark(
    data: options.Data = None,
    metadata: options.Metadata = None,
    models: options.Models = "cnn,mlp,xgboost,hist-gbdt,logistic,ensemble",
    split: options.SplitBy = None,
    split_file: options.SplitFile = None,
    folds: options.Folds = None,
    oversample: options.Oversample = "random",
    rare: options.Rare = "df,vasc",
    rare_to: options.RareTo = None,
    decide: options.Decide = "natural",
    sensitivity: options.Sensitivity = 0.9,
    features: options.Features = "lesion",
    weights: options.Weights = "none",
    effort: options.Effort = None,
    seed: options.Seed = 0,
    seeds: options.Seeds = 1,
    jobs: options.Jobs = 1,
    threads: options.Threads = None,
    sort: options.Sort = "balanced_accuracy",
    out: options.Out = None,
    format: options.Format = "table",  # noqa: A002 - the option's name
    quiet: options.Quiet = False,
) -> None:
    """Compare models on lesions that none of them has seen."""
    from hmnist.results.table import FORMATS

    check_format(format, FORMATS)
    dataset = options.load_data(data, metadata, quiet=quiet)
    from hmnist.cli.watching import watch_runs
    from hmnist.experiments import grid

    folder = out or Path("hmnist-runs") / f"{datetime.now():%Y%m%d-%H%M%S}"
    with watch_runs(folder, quiet=quiet) as watcher:
        table = grid.benchmark(
            dataset,
            options.names(models),
            by=options.split_kind(split, split_file),
            folds=folds,
            seed=seed,
            seeds=seeds,
            oversampling=options.names(oversample),
            rare=options.names(rare),
            rare_to=rare_to,
            decision=decide,
            sensitivity=sensitivity,
            features=features,
            weights=weights,
            effort=options.effort_for(dataset, effort),
            jobs=jobs,
            threads=threads,
            sort=sort,
            out=folder,
            watcher=watcher,
        )
    print_table(table, format)
    if not quiet:
        options.say(f"Runs and table: {folder}")
