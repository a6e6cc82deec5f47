"""What helps the rare diagnoses: ``python benchmarks/rare.py FILE``.

Every model is trained with every method on the same folds by lesion: df and vasc as they are,
repeated, turned, interpolated (SMOTE) or weighted, and, for networks, with logits adjusted in the
loss. Two methods may be joined: ``random+logit-adjusted``. Correction for rarity comes after the
training, so every row is scored under two decisions: ``natural``, and ``balanced`` with a strength
fitted on validation. Differences to ``none`` are paired, with 95 % intervals over lesions; a star
marks p < .05, with the p-values of the whole output corrected together (Holm). Finished cells are
kept in the output folder, so that an interrupted run continues where it stopped. Prints Markdown.
"""

import argparse
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import hmnist
from hmnist.experiments.cells import Cell, estimate_seconds, run_cells
from hmnist.experiments.grid import folder_name
from hmnist.experiments.processes import Processes
from hmnist.oversampling.methods import METHODS
from hmnist.results.formatting import markdown_table
from hmnist.results.watching import Lines
from hmnist.scores.paired_tests import compare_on
from hmnist.scores.text import interval_text, score_text

ADJUSTED = "logit-adjusted"

BALANCED = "balanced_accuracy"

SURE = 0.05
"""The p-value below which a difference has a star."""

SCORES_BY_DECISION = {
    "natural": ("recall_df", "recall_vasc", BALANCED, "accuracy", "roc_auc_ovr", "log_loss"),
    "balanced": (BALANCED, "accuracy"),
}
"""The scores that the table shows; a difference to ``none`` follows each balanced accuracy."""

Key = tuple[str, str, str]
"""Model, method and decision."""

HEADER = (
    "method",
    *("df", "vasc", "balanced acc.", "to none", "accuracy", "AUC", "log loss"),
    *("corrected: balanced acc.", "to none", "accuracy"),
)


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    folds = hmnist.split_folds(data, arguments.folds, seed=arguments.seed)
    planned = dict(_plan_rows(arguments, folds))
    cells = [cell for row in planned.values() for cell in row]
    workers = Processes(arguments.jobs, arguments.threads)
    watcher = Lines()
    watcher.planned(cells, sum(map(estimate_seconds, cells)))
    runs = dict(run_cells(cells, workers, watcher))
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {arguments.threads} threads; "
        f"{data.name}, {len(folds)} folds, effort {arguments.effort}, seeds: {arguments.seeds}"
    )
    predictions = {
        (model, method, decision): [hmnist.decide_again(runs[cell], decision) for cell in row]
        for (model, method), row in planned.items()
        for decision in SCORES_BY_DECISION
    }
    differences = _differences_to_none(predictions)
    for model in dict.fromkeys(model for model, _ in planned):
        rows = [_row(*key, predictions, differences) for key in planned if key[0] == model]
        print(f"\n**{model}**\n\n{markdown_table(HEADER, rows)}", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file, or the word sample")
    parser.add_argument("--metadata")
    parser.add_argument("--models", default="cnn,xgboost,logistic")
    all_methods = f"none,random,augment,smote,weights,{ADJUSTED},random+{ADJUSTED}"
    parser.add_argument("--methods", default=all_methods)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=23, help="of folds and first models")
    parser.add_argument("--seeds", type=int, default=1)
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
    """Yield model and method of each row, and its cells: one for each seed and fold."""
    for model in arguments.models.split(","):
        for method in arguments.methods.split(","):
            recipe = _make_recipe(model, method, arguments)
            if recipe is not None:
                seeded = [
                    replace(recipe, seed=arguments.seed + number)
                    for number in range(arguments.seeds)
                ]
                cells = [
                    Cell(each, fold, arguments.out / folder_name(each, fold))
                    for each in seeded
                    for fold in folds
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


def _row(
    model: str,
    method: str,
    predictions: Mapping[Key, Sequence[hmnist.Predictions]],
    differences: Mapping[Key, str],
) -> list[str]:
    cells = [method]
    for decision, scores in SCORES_BY_DECISION.items():
        key = model, method, decision
        tested = predictions[key]
        means, intervals = hmnist.mean_scores(tested), hmnist.score_intervals(tested)
        for score in scores:
            cells.append(score_text(means[score]))
            if score == BALANCED:
                cells[-1] += f" {interval_text(*intervals[score])}"
                cells.append(differences.get(key, "–"))
    return cells


def _differences_to_none(predictions: Mapping[Key, Sequence[hmnist.Predictions]]) -> dict[Key, str]:
    """Return the difference in balanced accuracy between each method and no method."""
    texts = {key: " ".join(key) for key in predictions}
    pairs = {
        key: (texts[key], texts[none])
        for key in predictions
        if key != (none := (key[0], "none", key[2])) and none in predictions
    }
    tested = {texts[key]: each for key, each in predictions.items()}
    compared = compare_on(BALANCED, tested, list(pairs.values()))
    return {
        key: f"{compared[pair]}{'*' if compared[pair].p_value < SURE else ''}"
        for key, pair in pairs.items()
    }


if __name__ == "__main__":
    main()
