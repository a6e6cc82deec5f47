"""Is a change of a model progress or noise: ``python benchmarks/search.py FILE --try JSON``.

Every configuration is trained with the same seeds on the same folds by lesion as the reference: the
model as it is. JSON is an object with what the configuration changes, parameters of the model or
settings of a recipe: ``'{"widths": [64, 192, 192], "oversample": "none"}'``. Differences to the
reference are paired, pooled over seeds and folds, with 95 % intervals over lesions. A change is
*kept* if it improves log loss or AUC with an interval that excludes zero, and if none of accuracy,
balanced accuracy, AUC and log loss is worse with such an interval. Finished cells are kept in the
output folder, so that an interrupted run continues where it stopped. Prints Markdown.

What is chosen on these folds must be shown on others: ``quality.py`` divides the lesions with
another seed.
"""

import argparse
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hmnist
from hmnist.experiments.cells import Cell, estimate_seconds, run_cells
from hmnist.experiments.grid import folder_name
from hmnist.experiments.processes import Processes
from hmnist.results.formatting import markdown_table
from hmnist.results.watching import Lines
from hmnist.runs.recipe import Settings

REFERENCE = "as it is"

Tested = Mapping[str, Sequence[hmnist.Predictions]]
"""The predictions of each configuration's runs."""

COLUMNS = {
    "accuracy": ("natural", "accuracy", 1),
    "balanced acc.": ("natural", "balanced_accuracy", 1),
    "AUC": ("natural", "roc_auc_ovr", 1),
    "log loss": ("natural", "log_loss", -1),
    "balanced acc., corrected": ("balanced", "balanced_accuracy", 1),
    "accuracy, corrected": ("balanced", "accuracy", 1),
}
"""Decision and score of each column, and 1 if more is better, -1 if less is."""

PROGRESS = ("AUC", "log loss")
"""A configuration is kept only if one of these improves."""

GUARDED = ("accuracy", "balanced acc.", *PROGRESS)
"""A configuration is not kept if one of these is worse."""


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    folds = hmnist.split_folds(data, arguments.folds, seed=arguments.fold_seed)
    folds = folds[: arguments.folds_used]
    cells = {
        name: _plan(settings, folds, arguments)
        for name, settings in {REFERENCE: {}, **arguments.configurations}.items()
    }
    runs = _train([cell for row in cells.values() for cell in row], arguments)
    runs_by_name = {name: [runs[cell.folder] for cell in row] for name, row in cells.items()}
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {arguments.threads} threads; "
        f"{data.name}, {arguments.model}, effort {arguments.effort}, {len(folds)} of "
        f"{arguments.folds} folds (seed {arguments.fold_seed}), {arguments.seeds} seeds\n"
    )
    tested = {kind: _decide(runs_by_name, kind) for kind in ("natural", "balanced")}
    print(_scores_table(runs_by_name, tested), end="\n\n")
    print(_differences_table(tested))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file, or the word sample")
    parser.add_argument("--metadata")
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--try", dest="tried", action="append", default=[], metavar="JSON")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--folds-used", type=int, default=3)
    parser.add_argument("--fold-seed", type=int, default=11)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("hmnist-runs/search"))
    arguments = parser.parse_args()
    try:
        arguments.configurations = dict(map(_read_settings, arguments.tried))
    except (ValueError, AttributeError) as error:
        parser.error(f"--try takes a JSON object: {error}")
    return arguments


def _read_settings(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a configuration, and its settings."""
    settings: dict[str, Any] = json.loads(text)
    name = ", ".join(f"{key} {json.dumps(value)}" for key, value in settings.items())
    return name.replace('"', ""), settings


def _plan(
    settings: Mapping[str, Any], folds: Sequence[hmnist.Split], arguments: argparse.Namespace
) -> list[Cell]:
    """Return the cells of a configuration: one for each seed and fold."""
    common = {name: value for name, value in settings.items() if name in Settings.__annotations__}
    recipes = [
        hmnist.Recipe(
            model=arguments.model,
            seed=seed,
            parameters={name: settings[name] for name in settings.keys() - common},
            **{"effort": arguments.effort, "threads": arguments.threads, **common},
        ).resolved_for(folds[0])
        for seed in range(arguments.seeds)
    ]
    return [
        Cell(recipe, fold, arguments.out / folder_name(recipe, fold))
        for recipe in recipes
        for fold in folds
    ]


def _train(cells: Sequence[Cell], arguments: argparse.Namespace) -> dict[Path, hmnist.Run]:
    """Train every cell once, and return the runs by their folders."""
    different = list({cell.folder: cell for cell in cells}.values())
    workers = Processes(arguments.jobs, arguments.threads)
    watcher = Lines()
    watcher.planned(different, sum(map(estimate_seconds, different)))
    return {cell.folder: run for cell, run in run_cells(different, workers, watcher)}


def _decide(runs_by_name: Mapping[str, Sequence[hmnist.Run]], decision: str) -> Tested:
    return {
        name: [hmnist.decide_again(run, decision) for run in runs]
        for name, runs in runs_by_name.items()
    }


def _scores_table(
    runs_by_name: Mapping[str, Sequence[hmnist.Run]], tested: Mapping[str, Tested]
) -> str:
    """Return the mean scores of each configuration, and the seconds of a fit."""
    rows = []
    for name, runs in runs_by_name.items():
        means = {kind: hmnist.mean_scores(tested[kind][name]) for kind in tested}
        scores = [f"{means[kind][score]:.4f}" for kind, score, _ in COLUMNS.values()]
        seconds = sum(run.manifest.fit_seconds for run in runs) / len(runs)
        rows.append([name, *scores, f"{seconds:.0f}"])
    return markdown_table(["configuration", *COLUMNS, "fit s"], rows)


def _differences_table(tested: Mapping[str, Tested]) -> str:
    """Return each configuration's differences to the reference, and whether it is kept."""
    rows = []
    for name in [name for name in tested["natural"] if name != REFERENCE]:
        pairs = {
            kind: hmnist.compare_predictions({name: of[name], REFERENCE: of[REFERENCE]}).pairs[0]
            for kind, of in tested.items()
        }
        differences = {
            column: pairs[kind].scores[score] for column, (kind, score, _) in COLUMNS.items()
        }
        texts = [
            f"{each.difference:+.4f} [{each.low:+.4f}, {each.high:+.4f}]"
            for each in differences.values()
        ]
        better = {column: _direction(differences[column], COLUMNS[column][2]) for column in GUARDED}
        kept = any(better[column] > 0 for column in PROGRESS) and min(better.values()) >= 0
        rows.append([name, *texts, "kept" if kept else "–"])
    return markdown_table(["difference", *COLUMNS, ""], rows)


def _direction(difference: Any, sign: int) -> int:
    """Return 1 if a configuration is better with an interval that excludes zero, -1 if worse."""
    if difference.low <= 0 <= difference.high:
        return 0
    return sign if difference.low > 0 else -sign


if __name__ == "__main__":
    main()
