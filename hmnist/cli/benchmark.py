"""``hmnist benchmark``."""

from pathlib import Path
from typing import Annotated, Any

from hmnist.cli import options
from hmnist.cli.forwarding import with_settings
from hmnist.cli.inputs import load_data, split_kind, suited, warn_of_unknown_lesions
from hmnist.cli.names import named, split_names
from hmnist.cli.output import print_result, say
from hmnist.cli.parameters import Set, read_parameters
from hmnist.cli.unused import tell_unused
from hmnist.runs.recipe import Recipe

Out = Annotated[
    Path | None,
    options.out(
        "Where runs and table go; to go on with a benchmark, name its folder.",
        "hmnist-runs/<time>",
    ),
]

OPTIONS = {
    **options.RECIPE_OPTIONS,
    "oversample": options.setting(
        "oversample",
        "METHOD,…",
        f"{options.OVERSAMPLING}. Several are compared.",
        **named("oversampling method", several=True),
    ),
    "patients": options.setting(
        "patients",
        "no|yes|both",
        f"{options.PATIENTS}, or both, compared.",
        "no",
        **named("choice of patient data"),
    ),
}
"""The options of a recipe, of which a benchmark takes several choices."""


@with_settings(OPTIONS)
def benchmark(
    data: options.TrainingData = None,
    metadata: options.Metadata = None,
    models: options.Models = None,
    split: options.SplitBy = None,
    split_file: options.SplitFile = None,
    folds: options.Folds = None,
    *,
    seeds: options.Seeds = None,
    jobs: options.Jobs = None,
    dask: options.Dask = None,
    set: Set = None,  # noqa: A002 - the option's name
    sort: options.Sort = None,
    out: Out = None,
    format: options.Format = None,  # noqa: A002 - the option's name
    quiet: options.Quiet = False,
    **settings: Any,
) -> None:
    """Compare models on lesions that none of them has seen."""
    from hmnist.models.registry import COMPARED

    names = list(COMPARED) if models is None else split_names(models)
    parameters = read_parameters(set, names, quiet=quiet)
    # A benchmark takes several of these two.
    single = {name: settings[name] for name in settings if name not in {"oversample", "patients"}}
    Recipe(model=names[0], **single)  # refuses what does not fit
    tell_unused(options.only_given(jobs=jobs, dask=dask) | settings, names, quiet=quiet)
    dataset = load_data(data, metadata, quiet=quiet)
    warn_of_unknown_lesions(dataset, quiet=quiet)
    from hmnist.cli.watching import watch_cells
    from hmnist.results.benchmark import benchmark as run_benchmark
    from hmnist.runs.folders import runs_folder

    settings = suited(settings, names, dataset, quiet=quiet)
    if "oversample" in settings:
        settings["oversample"] = split_names(settings["oversample"])
    given = options.only_given(seeds=seeds, jobs=jobs, dask=dask, folds=folds, sort=sort)
    given["split"] = split_kind(split, split_file)
    with runs_folder(out) as folder, watch_cells(folder, quiet=quiet) as watcher:
        given |= {"parameters": parameters, "out": folder, "watcher": watcher}
        table = run_benchmark(dataset, names, **given, **settings)
    print_result(table, format or "table")
    if not quiet:
        say(f"Runs and table: {folder}")
