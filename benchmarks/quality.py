"""How good the models are: ``python benchmarks/quality.py FILE``.

Grouped, stratified cross-validation over a file: whole lesions are dealt into folds, a tenth of
the images validates within each, and every fold is tested once. Finished cells are kept in the
output folder, so an interrupted run goes on where it was.
"""

import argparse
import platform
import statistics
import sys
from collections import defaultdict

import hmnist
from hmnist.scores.reliability import pooled_calibration_error


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    watcher = _Lines()
    table = hmnist.benchmark(
        data,
        arguments.models.split(","),
        folds=arguments.folds or None,
        seeds=arguments.seeds,
        oversampling=arguments.oversample.split(","),
        decision=arguments.decide,
        effort=arguments.effort,
        threads=arguments.threads,
        out=arguments.out,
        watcher=watcher,
    )
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {arguments.threads} threads\n"
    )
    print(table.to_markdown())
    print(_calibration(watcher.runs))
    print(_decided(watcher.runs))
    print("\n".join(_differences(watcher.runs)))
    print(f"\nDealt by image instead: {hmnist.split(data, 'image').proof()}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file, or the word sample")
    parser.add_argument("--metadata")
    parser.add_argument("--models", default="cnn,mlp,xgboost,hist-gbdt,logistic")
    parser.add_argument("--folds", type=int, default=5, help="0 for a single split")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--oversample", default="random")
    parser.add_argument("--decide", default="natural")
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", default="hmnist-runs/quality")
    return parser.parse_args()


def _calibration(runs: dict[str, list[hmnist.Run]]) -> str:
    """Return the expected calibration errors, fold by fold and with their images together."""
    lines = ["| model | ECE, mean of folds | ECE, folds pooled |", "|---|---:|---:|"]
    for model, members in runs.items():
        by_seed = defaultdict(list)
        for run in members:
            by_seed[run.manifest["recipe"]["seed"]].append(run.part("test"))
        pooled = statistics.fmean(map(pooled_calibration_error, by_seed.values()))
        mean = statistics.fmean(run.scores["calibration_error"] for run in members)
        lines.append(f"| {model} | {mean:.3f} | {pooled:.3f} |")
    return "\n".join(lines) + "\n"


def _decided(runs: dict[str, list[hmnist.Run]]) -> str:
    """Return what the other decisions make of the same probabilities, as Markdown."""
    lines = [
        "| model | decision | balanced acc. | accuracy | sensitivity | specificity |",
        "|---|---|---:|---:|---:|---:|",
    ]
    names = ("balanced_accuracy", "accuracy", "sensitivity_malignant", "specificity_malignant")
    for model, members in runs.items():
        for kind in ("natural", "balanced", "sensitive"):
            cells = [hmnist.decide_anew(run, kind) for run in members]
            means, intervals = hmnist.mean_scores(cells), hmnist.score_intervals(cells)
            low, high = intervals["balanced_accuracy"]
            found = [f"{means[name]:.3f}" for name in names]
            found[0] += f" [{low:.3f}, {high:.3f}]"
            lines.append(f"| {model} | {kind} | {' | '.join(found)} |")
    return "\n".join(lines) + "\n"


def _differences(runs: dict[str, list[hmnist.Run]]) -> list[str]:
    """Compare the models of a benchmark folder pair by pair, in words."""
    if len(runs) < 2:
        return []
    answers = {name: [run.part("test") for run in members] for name, members in runs.items()}
    return hmnist.compare_predictions(answers).sentences()


class _Lines(hmnist.Watcher):
    """Print a line per finished cell, and keep the runs by model and oversampling."""

    def __init__(self) -> None:
        self.runs: dict[str, list[hmnist.Run]] = defaultdict(list)

    def finished(self, cell: object, run: hmnist.Run, table: hmnist.Table) -> None:
        """Print how the cell did, and keep its run."""
        del cell, table
        if run.manifest["model"] != "majority":
            name = f"{run.manifest['model']} ({run.manifest['recipe']['oversampling']})"
            self.runs[name].append(run)
        scores = run.scores
        print(
            f"{run.folder.name}: balanced accuracy {scores['balanced_accuracy']:.3f}, accuracy "
            f"{scores['accuracy']:.3f}, AUC {scores['roc_auc_ovr']:.3f}, "
            f"{run.manifest['fit_seconds']:.0f} s",
            file=sys.stderr,
            flush=True,
        )


if __name__ == "__main__":
    main()
