"""How good the models are: ``python benchmarks/quality.py FILE``.

Grouped, stratified cross-validation over a file: whole lesions are assigned to folds, a tenth of
the images validates within each, and every fold is tested once. Finished cells are kept in the
output folder, so that an interrupted run continues where it stopped. Prints Markdown.
"""

import argparse
import platform
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence

import hmnist
from hmnist.decisions.decision import KINDS
from hmnist.results.formatting import markdown_table
from hmnist.results.rows import WITH_PATIENTS
from hmnist.scores.reliability import pooled_calibration_error
from hmnist.scores.text import interval_text, score_text

DECISION_SCORES = {
    "balanced_accuracy": "balanced acc.",
    "accuracy": "accuracy",
    "sensitivity_malignant": "sensitivity",
    "specificity_malignant": "specificity",
}
"""The scores that a decision changes, with their headings."""

SPREAD_SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced acc.",
    "roc_auc_ovr": "AUC",
}
"""The scores whose spread is told, with their headings."""

RunsByRow = Mapping[str, Sequence[hmnist.Run]]


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    watcher = _RunCollector()
    table = hmnist.benchmark(
        data,
        arguments.models.split(","),
        folds=arguments.folds or None,
        seed=arguments.seed,
        seeds=arguments.seeds,
        patients=arguments.patients,
        oversample=arguments.oversample.split(","),
        decide=arguments.decide,
        effort=arguments.effort,
        threads=arguments.threads,
        out=arguments.out,
        watcher=watcher,
    )
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {arguments.threads} threads\n"
    )
    print(table.to_markdown())
    print(_spread_table(watcher.runs), end="\n\n")
    print(_calibration_table(watcher.runs), end="\n\n")
    print(_decision_table(watcher.runs), end="\n\n")
    print("\n\n".join(_describe_differences(watcher.runs)))
    print(f"\nSplit by image instead: {hmnist.split(data, 'image').proof()}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file, or the word sample")
    parser.add_argument("--metadata")
    parser.add_argument("--models", default="cnn,mlp,xgboost,hist-gbdt,logistic,ensemble")
    parser.add_argument("--folds", type=int, default=5, help="0 for a single split")
    parser.add_argument("--seed", type=int, default=23, help="of folds and first models")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--patients", default="no", help="no, yes, or both")
    parser.add_argument("--oversample", default="random")
    parser.add_argument("--decide", default="natural")
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", default="hmnist-runs/quality")
    return parser.parse_args()


def _spread_table(runs_by_row: RunsByRow) -> str:
    """Return how much another training, and other folds, change the scores of a model.

    The variance between the seeds of a fold, averaged over the folds, is that of the training; the
    folds differ by what is left of the variance of their means (a one-way analysis of variance).
    """
    rows = []
    for name, runs in runs_by_row.items():
        cells = []
        for score in SPREAD_SCORES:
            by_fold = defaultdict(list)
            for run in runs:
                by_fold[run.manifest.split.fold].append(run.scores[score])
            seeds = min(map(len, by_fold.values()))
            if seeds < 2 or len(by_fold) < 2:
                cells += ["–", "–"]
                continue
            training = statistics.fmean(map(statistics.variance, by_fold.values()))
            between = statistics.variance(map(statistics.fmean, by_fold.values()))
            folds = max(0.0, between - training / seeds)
            cells += [score_text(training**0.5), score_text(folds**0.5)]
        rows.append([name, *cells])
    headings = [
        f"{heading}: {cause}"
        for heading in SPREAD_SCORES.values()
        for cause in ("training", "folds")
    ]
    return markdown_table(["standard deviation of", *headings], rows)


def _calibration_table(runs_by_row: RunsByRow) -> str:
    """Return the expected calibration errors, fold by fold and with their images together."""
    rows = []
    for name, runs in runs_by_row.items():
        by_seed = defaultdict(list)
        for run in runs:
            by_seed[run.manifest.recipe.seed].append(run.part("test"))
        pooled = statistics.fmean(map(pooled_calibration_error, by_seed.values()))
        mean = statistics.fmean(run.scores["calibration_error"] for run in runs)
        rows.append([name, score_text(mean), score_text(pooled)])
    return markdown_table(["model", "ECE, mean of folds", "ECE, folds pooled"], rows)


def _decision_table(runs_by_row: RunsByRow) -> str:
    """Return the scores of the same probabilities under each decision."""
    rows = []
    for name, runs in runs_by_row.items():
        for kind in KINDS:
            predictions = [hmnist.decide_again(run, kind) for run in runs]
            means = hmnist.mean_scores(predictions)
            low, high = hmnist.score_intervals(predictions)["balanced_accuracy"]
            balanced, *others = (score_text(means[score]) for score in DECISION_SCORES)
            rows.append([name, kind, f"{balanced} {interval_text(low, high)}", *others])
    return markdown_table(["model", "decision", *DECISION_SCORES.values()], rows)


def _describe_differences(runs_by_row: RunsByRow) -> list[str]:
    """Compare the models pair by pair, in sentences."""
    if len(runs_by_row) < 2:
        return []
    predictions = {name: [run.part("test") for run in runs] for name, runs in runs_by_row.items()}
    return hmnist.compare_predictions(predictions).sentences()


class _RunCollector(hmnist.Watcher):
    """Prints a line per finished cell, and keeps the runs by model and oversampling."""

    def __init__(self) -> None:
        self.runs: dict[str, list[hmnist.Run]] = defaultdict(list)

    def finished(self, cell: object, run: hmnist.Run) -> None:
        """Print the scores of the cell, and keep its run."""
        del cell
        manifest, scores = run.manifest, run.scores
        if not manifest.recipe.entry.baseline:
            patients = WITH_PATIENTS if manifest.recipe.patients else ""
            row = f"{manifest.model}{patients} ({manifest.recipe.oversample})"
            self.runs[row].append(run)
        print(
            f"{run.folder.name}: balanced accuracy {score_text(scores['balanced_accuracy'])}, "
            f"accuracy {score_text(scores['accuracy'])}, AUC {score_text(scores['roc_auc_ovr'])}, "
            f"{manifest.fit_seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )


if __name__ == "__main__":
    main()
