"""What helps the rare diagnoses: ``python benchmarks/rare.py FILE``.

Every model is trained with every method on the same folds by lesion: df and vasc as they are,
repeated, turned, interpolated (SMOTE) or weighted, and, for networks, with logits adjusted in the
loss. Two methods may be joined: ``random+logit-adjusted``. Correction for rarity comes after the
training, so every row is scored under two decisions: ``natural``, and ``balanced`` with a strength
fitted on validation. Differences to ``none`` are paired, with 95 % intervals over lesions. Finished
cells are kept in the output folder, so that an interrupted run continues where it stopped. Prints
Markdown.
"""

import argparse
import platform
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import hmnist
from hmnist.experiments.cells import Cell, estimate_seconds, run_cells
from hmnist.experiments.grid import folder_name
from hmnist.experiments.processes import Processes
from hmnist.oversampling.methods import METHODS
from hmnist.results.formatting import markdown_table
from hmnist.results.watching import Lines
from hmnist.scores.text import interval_text, score_text

ADJUSTED = "logit-adjusted"

BALANCED = "balanced_accuracy"

SCORES_BY_DECISION = {
    "natural": ("recall_df", "recall_vasc", BALANCED, "accuracy", "roc_auc_ovr", "log_loss"),
    "balanced": (BALANCED, "accuracy"),
}
"""The scores that the table shows; a difference to ``none`` follows each balanced accuracy."""

HEADER = (
    "method",
    *("df", "vasc", "balanced acc.", "to none", "accuracy", "AUC", "log loss"),
    *("corrected: balanced acc.", "to none", "accuracy"),
)


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    folds = hmnist.split_folds(data, arguments.folds, seed=0)
    rows = dict(_plan_rows(arguments, folds))
    cells = [cell for row in rows.values() for cell in row]
    workers = Processes(arguments.jobs, arguments.threads)
    watcher = Lines()
    watcher.planned(cells, sum(map(estimate_seconds, cells)))
    runs = dict(run_cells(cells, workers, watcher))
    runs_by_model: dict[str, dict[str, list[hmnist.Run]]] = defaultdict(dict)
    for (model, method), row in rows.items():
        runs_by_model[model][method] = [runs[cell] for cell in row]
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {arguments.threads} threads; "
        f"{data.name}, {len(folds)} folds, effort {arguments.effort}, one seed"
    )
    for model, runs_by_method in runs_by_model.items():
        print(f"\n**{model}**\n\n{_table(runs_by_method)}", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file, or the word sample")
    parser.add_argument("--metadata")
    parser.add_argument("--models", default="cnn,xgboost,logistic")
    all_methods = f"none,random,augment,smote,weights,{ADJUSTED},random+{ADJUSTED}"
    parser.add_argument("--methods", default=all_methods)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--effort", default="quick")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default="hmnist-runs/rare")
    arguments = parser.parse_args()
    for method in arguments.methods.split(","):
        if method.removesuffix(f"+{ADJUSTED}") not in {*METHODS, ADJUSTED}:
            parser.error(f"there is no method called {method!r}")
    return arguments


def _plan_rows(
    arguments: argparse.Namespace, folds: Sequence[hmnist.Split]
) -> Iterator[tuple[tuple[str, str], list[Cell]]]:
    """Yield model and method of each row, and its cells, one for each fold."""
    for model in arguments.models.split(","):
        for method in arguments.methods.split(","):
            recipe = _make_recipe(model, method, arguments)
            if recipe is not None:
                cells = [
                    Cell(recipe, fold, arguments.out / folder_name(recipe, fold)) for fold in folds
                ]
                yield (model, method), cells


def _make_recipe(model: str, method: str, arguments: argparse.Namespace) -> hmnist.Recipe | None:
    """Return how to train; None for adjusted logits of a model that has none."""
    adjustment = {"logit_adjustment": 1.0} if method.endswith(ADJUSTED) else {}
    if adjustment.keys() - hmnist.make_model(model).get_params():
        return None
    return hmnist.Recipe(
        model=model,
        oversample=method.removesuffix(ADJUSTED).removesuffix("+") or "none",
        effort=arguments.effort,
        threads=arguments.threads,
        parameters=adjustment,
    )


def _table(runs_by_method: Mapping[str, Sequence[hmnist.Run]]) -> str:
    rows = {method: [method] for method in runs_by_method}
    for decision, scores in SCORES_BY_DECISION.items():
        predictions = {
            method: [hmnist.decide_again(run, decision) for run in runs]
            for method, runs in runs_by_method.items()
        }
        differences = _differences_to_none(predictions)
        for method, tested in predictions.items():
            means, intervals = hmnist.mean_scores(tested), hmnist.score_intervals(tested)
            for score in scores:
                rows[method].append(score_text(means[score]))
                if score == BALANCED:
                    low, high = intervals[score]
                    rows[method][-1] += f" {interval_text(low, high)}"
                    rows[method].append(differences.get(method, "–"))
    return markdown_table(HEADER, list(rows.values()))


def _differences_to_none(
    predictions: Mapping[str, Sequence[hmnist.Predictions]],
) -> dict[str, str]:
    """Return the difference in balanced accuracy between each method and no method."""
    methods = [method for method in predictions if method != "none"]
    if "none" not in predictions or not methods:
        return {}
    # ``none`` stands last, so that it is subtracted from the others.
    ordered = {method: predictions[method] for method in (*methods, "none")}
    differences = {
        pair.first: pair.scores[BALANCED]
        for pair in hmnist.compare_predictions(ordered).pairs
        if pair.second == "none"
    }
    return {method: str(result) for method, result in differences.items()}


if __name__ == "__main__":
    main()
