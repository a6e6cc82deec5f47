"""What limits a model: ``python benchmarks/limits.py FILE --runs FOLDER``.

FOLDER is the output folder of ``quality.py``. Two questions: what more lesions would bring (the
same folds with a part of the training lesions), and which diagnoses are confused with which. With
``--photographs PHOTOGRAPHS`` there is a single question: what more pixels would bring (the same
folds at other sizes). Missing runs are trained and kept in FOLDER, so that an interrupted run
continues where it stopped. Prints Markdown.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

import hmnist
from hmnist.experiments.grid import folder_name
from hmnist.experiments.training import train_cell
from hmnist.results.formatting import markdown_table
from hmnist.scores.intervals import bootstrap_models, interval
from hmnist.scores.report import confusion_matrix
from hmnist.scores.text import interval_text, score_text, signed_text
from hmnist.sources.metadata import METADATA_FILE
from hmnist.sources.photographs import from_images

SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced acc.",
    "roc_auc_ovr": "AUC",
    "log_loss": "log loss",
}
"""The scores that are shown, with their headings."""


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    folds = hmnist.split_folds(data, 5, seed=arguments.seed)
    recipe = hmnist.Recipe(
        model=arguments.model,
        oversample=arguments.oversample,
        seed=arguments.seed,
        effort=arguments.effort,
        threads=arguments.threads,
    )
    if arguments.photographs is not None:
        _print_resolution(folds[: arguments.folds_used], recipe, arguments)
        return
    runs_by_fold = _find_runs(folds, recipe, arguments.runs)
    # An ensemble is composed, not trained: it has no learning curve of its own.
    if used := 0 if recipe.entry.composed else arguments.folds_used:
        shares = [float(share) for share in arguments.fractions.split(",")]
        _print_curve(folds[:used], recipe, arguments.runs, runs_by_fold, shares)
    if not runs_by_fold:
        sys.exit(f"There is no run of {recipe.model} in {arguments.runs}: see quality.py.")
    predictions = _pool([run.part("test") for run in runs_by_fold.values()])
    _print_errors(predictions)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file, or the word sample")
    parser.add_argument("--runs", type=Path, required=True, help="the --out of quality.py")
    parser.add_argument("--metadata")
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--oversample", default="random")
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--seed", type=int, default=23, help="as in quality.py")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fractions", default=".25,.5,.75")
    parser.add_argument("--folds-used", type=int, default=5, help="of the learning curve; 0: none")
    parser.add_argument("--photographs", type=Path, help="the photographs that FILE was made from")
    parser.add_argument("--sizes", default="28,56,112", help="in pixels; the first is the baseline")
    parser.add_argument("--models", default="logistic,mlp,xgboost,cnn", help="with --photographs")
    return parser.parse_args()


def _find_runs(
    folds: Sequence[hmnist.Split], recipe: hmnist.Recipe, folder: Path
) -> dict[int, hmnist.Run]:
    """Return the finished runs of this recipe on whole folds, the latest of each."""
    fold_of_split = {split.digest: fold for fold, split in enumerate(folds)}
    settings = ("model", "oversample", "decide", "patients", "effort", "seed")
    runs: dict[int, hmnist.Run] = {}
    finished = hmnist.find_runs(folder) if folder.is_dir() else []
    for run in map(hmnist.open_run, finished):
        manifest, fold = run.manifest, fold_of_split.get(run.manifest.split.digest)
        same = all(getattr(manifest.recipe, name) == getattr(recipe, name) for name in settings)
        if fold is None or not same or manifest.data.digest != folds[0].data.digest:
            continue
        if fold not in runs or runs[fold].manifest.written < manifest.written:
            runs[fold] = run
    return runs


def _print_curve(
    folds: Sequence[hmnist.Split],
    recipe: hmnist.Recipe,
    folder: Path,
    runs_by_fold: dict[int, hmnist.Run],
    shares: Sequence[float],
) -> None:
    """Train on growing shares of the lesions; add missing runs on all of them to the runs."""
    for fold, split in enumerate(folds):
        if fold not in runs_by_fold:
            runs_by_fold[fold] = _train(split, recipe, folder)
    images: list[float] = []
    predictions: dict[str, list[hmnist.Predictions]] = {}
    parameters = runs_by_fold[0].manifest.parameters
    is_alike = True
    for share in sorted(shares):
        splits = [_keep_lesions(split, share) for split in folds]
        images.append(_mean_size(splits))
        runs = [_train(split, recipe, folder / "curve") for split in splits]
        is_alike &= all(run.manifest.parameters == parameters for run in runs)
        predictions[f"{share:.0%}"] = [run.part("test") for run in runs]
    images.append(_mean_size(folds))
    predictions["all"] = [runs_by_fold[fold].part("test") for fold in range(len(folds))]
    scores = np.array([_means(tested) for tested in predictions.values()])
    print(f"## {recipe.model}: more lesions ({len(folds)} folds)\n")
    if not is_alike:
        print("The runs on all lesions were trained with other parameters than the others.\n")
    rows = [
        [name, f"{count:,.0f}", *map(score_text, means)]
        for name, count, means in zip(predictions, images, scores, strict=True)
    ]
    half = f"{min(shares, key=lambda share: abs(share - 0.5)):.0%}"
    rows += [
        ["per doubling", "", *_slopes(images, predictions)],
        [f"{half} to all", "", *_differences(predictions["all"], predictions[half])],
    ]
    print(markdown_table(["lesions", "training images", *SCORES.values()], rows), end="\n\n")


def _mean_size(splits: Sequence[hmnist.Split]) -> float:
    return float(np.mean([len(split.train_indices) for split in splits]))


def _slopes(
    images: Sequence[float], predictions: Mapping[str, Sequence[hmnist.Predictions]]
) -> list[str]:
    """Return the slope of each score with its 95 % interval: all points on the same resamples."""
    resampled, doublings, cells = bootstrap_models(predictions, SCORES), np.log2(images), []
    for score in SCORES:
        means = [hmnist.mean_scores(tested)[score] for tested in predictions.values()]
        drawn = np.array([resampled[name][score] for name in predictions])
        slope, slopes = (np.polyfit(doublings, values, 1)[0] for values in (means, drawn))
        cells.append(f"{signed_text(slope)} {interval_text(*interval(slopes), signed=True)}")
    return cells


def _train(split: hmnist.Split, recipe: hmnist.Recipe, folder: Path) -> hmnist.Run:
    """Train, or open the finished run."""
    name = folder_name(recipe, split)
    run = train_cell(split, recipe, folder / name)
    print(f"{name}: accuracy {score_text(run.scores['accuracy'])}", file=sys.stderr, flush=True)
    return run


def _print_resolution(
    folds: Sequence[hmnist.Split], recipe: hmnist.Recipe, arguments: argparse.Namespace
) -> None:
    """Train each model at each size on the same lesions, and compare with the first size."""
    splits_by_size = {
        size: _resize(folds, size, arguments) for size in map(int, arguments.sizes.split(","))
    }
    print(f"## More pixels ({len(folds)} folds, {recipe.oversample}, effort {recipe.effort})\n")
    rows = []
    for model in arguments.models.split(","):
        baseline: list[hmnist.Predictions] = []
        for size, splits in splits_by_size.items():
            sized = replace(recipe, model=model)
            runs = [_train(split, sized, arguments.runs / f"{size}x{size}") for split in splits]
            predictions = [run.part("test") for run in runs]
            seconds = f"{np.mean([run.manifest.fit_seconds for run in runs]):.0f}"
            rows.append(
                [f"{model} at {size}×{size}", seconds, *map(score_text, _means(predictions))]
            )
            if baseline:
                rows.append(["minus the first size", "", *_differences(predictions, baseline)])
            baseline = baseline or predictions
    print(markdown_table(["model", "seconds to fit", *SCORES.values()], rows))


def _resize(
    folds: Sequence[hmnist.Split], size: int, arguments: argparse.Namespace
) -> list[hmnist.Split]:
    """Return the same folds of images of another size, made from the photographs once."""
    file = arguments.runs / f"hmnist_{size}_{size}_RGB.csv"
    if not file.exists():
        beside = Path(arguments.file).with_name(METADATA_FILE)
        metadata = arguments.metadata or beside
        file.parent.mkdir(parents=True, exist_ok=True)
        from_images(arguments.photographs, metadata, file, size=(size, size))
    data = hmnist.load(file)
    if not np.array_equal(data.labels, folds[0].data.labels):
        sys.exit(f"{file} holds other images than {arguments.file}.")
    return [replace(split, data=data) for split in folds]


def _keep_lesions(split: hmnist.Split, share: float) -> hmnist.Split:
    """Keep a share of the training lesions of each diagnosis; larger shares contain smaller."""
    if split.train.lesion_ids is None:
        raise hmnist.UsageError("A learning curve by lesion needs to know the lesions.")
    lesions, first = np.unique(split.train.lesion_ids, return_index=True)
    diagnoses = split.train.labels[first]
    rng = np.random.default_rng([split.seed or 0, split.fold or 0])
    kept = []
    for label in np.unique(diagnoses):
        shuffled = rng.permutation(lesions[diagnoses == label])
        kept.append(shuffled[: int(np.ceil(share * len(shuffled)))])
    rows = np.isin(split.train.lesion_ids, np.concatenate(kept))
    return replace(split, train_indices=split.train_indices[rows])


def _pool(predictions: Sequence[hmnist.Predictions]) -> hmnist.Predictions:
    """Put the test parts of the folds together: every image once."""
    fields = ("labels", "probabilities", "predicted", "lesions")
    pooled: Any = {
        name: np.concatenate([getattr(tested, name) for tested in predictions]) for name in fields
    }
    return hmnist.Predictions(**pooled)


def _print_errors(predictions: hmnist.Predictions) -> None:
    counts = confusion_matrix(predictions)
    print(f"## Errors by diagnosis ({len(predictions.labels):,} test images)\n")
    rows = [
        [code, *(f"{share:.1f}" for share in 100 * row / max(1, row.sum())), f"{row.sum():,}"]
        for code, row in zip(hmnist.CODES, counts, strict=True)
    ]
    print(markdown_table(["true, % predicted", *hmnist.CODES, "images"], rows))
    total = counts.sum() - counts.trace()
    pairs = [
        (counts[first, second] + counts[second, first], first, second)
        for second, first in combinations(range(len(hmnist.CODES)), 2)
    ]
    rows = []
    for both, first, second in sorted(pairs, reverse=True)[:6]:
        codes = hmnist.CODES[first], hmnist.CODES[second]
        directions = (
            f"{codes[0]} → {codes[1]} {counts[first, second]}, "
            f"{codes[1]} → {codes[0]} {counts[second, first]}"
        )
        rows.append([", ".join(codes), f"{both / total:.1%}", directions])
    header = ["pair", f"share of the {total:,} errors", "images, true → predicted"]
    print(f"\n{markdown_table(header, rows)}")


def _means(predictions: Sequence[hmnist.Predictions]) -> list[float]:
    means = hmnist.mean_scores(predictions)
    return [means[score] for score in SCORES]


def _differences(
    better: Sequence[hmnist.Predictions], worse: Sequence[hmnist.Predictions]
) -> list[str]:
    """Return the paired differences with their 95 % intervals over lesions, as table cells."""
    [pair] = hmnist.compare_predictions({"better": better, "worse": worse}).pairs
    return [str(pair.scores[score]) for score in SCORES]


if __name__ == "__main__":
    main()
