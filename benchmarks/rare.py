"""What helps the rare diagnoses: ``python benchmarks/rare.py FILE``.

Every model is trained with every method on the same folds, dealt by lesion: df and vasc left as
they are, repeated, turned, interpolated, weighed, and, for networks, with logits adjusted in the
loss; two may be joined (``random+logit-adjusted``). Prior correction comes after training, so
every row is decided twice: by the largest probability, and corrected for rarity with a strength
fitted on validation (``balanced``). Differences to ``none`` are paired, with 95 % intervals over
lesions. Finished cells are kept in the output folder, so an interrupted run goes on where it was.
"""

import argparse
import platform
import sys
from collections import defaultdict
from pathlib import Path

import hmnist
from hmnist.experiments.cells import Cell, run_cells
from hmnist.oversampling import METHODS
from hmnist.runs.recipe import Recipe

ADJUSTED = "logit-adjusted"

BALANCED = "balanced_accuracy"

DECIDED = {
    "natural": ("recall_df", "recall_vasc", BALANCED, "accuracy", "roc_auc_ovr", "log_loss"),
    "balanced": (BALANCED, "accuracy"),
}
"""What the table shows of each decision; the difference to none stands beside balanced accuracy."""

HEAD = (
    "| method | df | vasc | balanced acc. | to none | accuracy | AUC | log loss | corrected: "
    f"balanced acc. | to none | accuracy |\n|---|{10 * '---:|'}"
)


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    folds = hmnist.split_folds(data, arguments.folds, seed=0)
    planned = [
        (model, method, Cell(recipe, on, arguments.out / _folder_name(recipe, on)))
        for model in arguments.models.split(",")
        for method in arguments.methods.split(",")
        if (recipe := _recipe(model, method, arguments)) is not None
        for on in folds
    ]
    found: dict[int, hmnist.Run] = {}
    cells = [cell for *_, cell in planned]
    for place, run in run_cells(cells, arguments.jobs, hmnist.Watcher()):
        found[place] = run
        print(f"{len(found)} of {len(cells)}: {run.folder.name}", file=sys.stderr, flush=True)
    runs: dict[str, dict[str, list[hmnist.Run]]] = defaultdict(lambda: defaultdict(list))
    for place, (model, method, _) in enumerate(planned):
        runs[model][method].append(found[place])
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {arguments.threads} threads; "
        f"{data.name}, {len(folds)} folds, effort {arguments.effort}, one seed"
    )
    for model, methods in runs.items():
        print(f"\n**{model}**\n\n{_table(methods)}", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file, or the word sample")
    parser.add_argument("--metadata")
    parser.add_argument("--models", default="cnn,xgboost,logistic")
    everything = f"none,random,augment,smote,weights,{ADJUSTED},random+{ADJUSTED}"
    parser.add_argument("--methods", default=everything)
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


def _recipe(model: str, method: str, arguments: argparse.Namespace) -> Recipe | None:
    """Return how to train; None for adjusted logits of a model that has none."""
    oversampling = method.removesuffix(ADJUSTED).removesuffix("+") or "none"
    adjustment = {"logit_adjustment": 1.0} if method.endswith(ADJUSTED) else {}
    if adjustment.keys() - hmnist.make_model(model).get_params():
        return None
    effort, threads = arguments.effort, arguments.threads
    return Recipe(model, oversampling, effort=effort, threads=threads, parameters=adjustment)


def _folder_name(recipe: Recipe, on: hmnist.Split) -> str:
    """Return what `hmnist.benchmark` calls the folder: its finished cells can be put here."""
    return f"{recipe.model}-{recipe.oversampling}-seed0-fold{on.fold}-{recipe.key(on)}"


def _table(methods: dict[str, list[hmnist.Run]]) -> str:
    rows = {name: [name] for name in methods}
    for kind, shown in DECIDED.items():
        answers = {
            name: [hmnist.decide_anew(run, kind) for run in runs] for name, runs in methods.items()
        }
        differences = _differences(answers)
        for name, cells in answers.items():
            means, intervals = hmnist.mean_scores(cells), hmnist.score_intervals(cells)
            for score in shown:
                rows[name].append(f"{means[score]:.3f}")
                if score == BALANCED:
                    low, high = intervals[score]
                    rows[name][-1] += f" [{low:.3f}, {high:.3f}]"
                    rows[name].append(differences.get(name, "–"))
    return "\n".join([HEAD, *(f"| {' | '.join(row)} |" for row in rows.values())])


def _differences(answers: dict[str, list[hmnist.Predictions]]) -> dict[str, str]:
    """Return how far each method's balanced accuracy is from that of no method."""
    others = [name for name in answers if name != "none"]
    if "none" not in answers or not others:
        return {}
    # None stands last, so that it is what is subtracted.
    pairs = hmnist.compare_predictions({name: answers[name] for name in (*others, "none")}).pairs
    found = {pair.first: pair.scores[BALANCED] for pair in pairs if pair.second == "none"}
    return {
        name: f"{one.difference:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
        for name, one in found.items()
    }


if __name__ == "__main__":
    main()
