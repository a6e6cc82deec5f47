"""How good the models are: ``python benchmarks/quality.py FILE``.

Grouped, stratified cross-validation over a file: whole lesions are dealt into folds, a tenth of
the images validates within each, and every fold is tested once. Finished cells are kept in the
output folder, so an interrupted run goes on where it was.
"""

import argparse
import platform
import sys
from collections import defaultdict
from pathlib import Path

import hmnist


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
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
        watcher=_Lines(),
    )
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {arguments.threads} threads\n"
    )
    print(table.to_markdown())
    print("\n".join(_differences(Path(arguments.out))))


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


def _differences(folder: Path) -> list[str]:
    """Compare the models of a benchmark folder pair by pair, in words."""
    answers = defaultdict(list)
    for path in hmnist.find_runs(folder):
        run = hmnist.open_run(path)
        if run.manifest["model"] != "majority":
            name = f"{run.manifest['model']} ({run.manifest['recipe']['oversampling']})"
            answers[name].append(run.part("test"))
    if len(answers) < 2:
        return []
    return hmnist.compare_predictions(answers).sentences()


class _Lines(hmnist.Watcher):
    """Print a line per finished cell."""

    def finished(self, cell: object, run: hmnist.Run, table: hmnist.Table) -> None:
        """Print how the cell did."""
        del cell, table
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
