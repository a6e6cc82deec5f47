"""What limits a model: ``python benchmarks/limits.py FILE --runs FOLDER``.

FOLDER is the output folder of ``quality.py``. Three answers, as Markdown: what more lesions would
bring (the same folds with a part of the training lesions), which diagnoses are taken for which,
and whether age, sex and site know what the pixels do not. Runs that are missing are trained and
kept in FOLDER, so an interrupted run goes on where it was.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hmnist
from hmnist.experiments.training import run_cell
from hmnist.runs.recipe import Recipe

NAMES = ("accuracy", "balanced_accuracy", "roc_auc_ovr", "log_loss")
HEADER = "accuracy | balanced acc. | AUC | log loss |"


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    folds = hmnist.split_folds(data, 5)
    recipe = Recipe(
        arguments.model, arguments.oversample, effort=arguments.effort, threads=arguments.threads
    )
    full = _find(folds, recipe, arguments.runs)
    # A committee is composed, not trained: it has no learning curve of its own.
    if used := 0 if recipe.model == "ensemble" else arguments.folds_used:
        shares = [float(share) for share in arguments.fractions.split(",")]
        _print_curve(folds[:used], recipe, arguments.runs, full, shares)
    if not full:
        sys.exit(f"There is no run of {recipe.model} in {arguments.runs}: see quality.py.")
    tables = [run.predictions[run.predictions["part"] == "test"] for run in full.values()]
    answers = _pool([run.part("test") for run in full.values()])
    _print_errors(answers)
    if data.metadata is not None:
        _print_metadata(answers, data.metadata.iloc[pd.concat(tables)["row"]])


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file, or the word sample")
    parser.add_argument("--runs", type=Path, required=True, help="the --out of quality.py")
    parser.add_argument("--metadata")
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--oversample", default="random")
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fractions", default=".25,.5,.75")
    parser.add_argument("--folds-used", type=int, default=5, help="of the learning curve; 0: none")
    return parser.parse_args()


def _find(folds: Sequence[hmnist.Split], recipe: Recipe, folder: Path) -> dict[int, hmnist.Run]:
    """Return the finished runs of this recipe on whole folds, the latest of each."""
    number = {on.digest: fold for fold, on in enumerate(folds)}
    asked = ("model", "oversampling", "effort", "seed")
    found: dict[int, hmnist.Run] = {}
    for run in map(hmnist.open_run, hmnist.find_runs(folder)):
        facts, fold = run.manifest, number.get(run.manifest["split"]["digest"])
        same = all(facts["recipe"][name] == getattr(recipe, name) for name in asked)
        if fold is None or not same or facts["data"]["digest"] != folds[0].data.digest:
            continue
        if fold not in found or found[fold].manifest["written"] < facts["written"]:
            found[fold] = run
    return found


def _print_curve(
    folds: Sequence[hmnist.Split],
    recipe: Recipe,
    folder: Path,
    full: dict[int, hmnist.Run],
    shares: Sequence[float],
) -> None:
    """Train on growing parts of the lesions; missing runs on all of them are added to `full`."""
    for fold, on in enumerate(folds):
        full[fold] = full.get(fold) or _train(on, recipe, folder)
    cells, images = {}, []
    for share in sorted(shares):
        parts = [_thinned(on, share) for on in folds]
        images.append(np.mean([len(on.train_indices) for on in parts]))
        runs = [_train(on, recipe, folder / "curve") for on in parts]
        cells[f"{share:.0%}"] = [run.part("test") for run in runs]
    images.append(np.mean([len(on.train_indices) for on in folds]))
    cells["all"] = [full[fold].part("test") for fold in range(len(folds))]
    scores = np.array([_means(part) for part in cells.values()])
    print(f"## {recipe.model}: more lesions ({len(folds)} folds)\n")
    if any(full[fold].manifest["key"] != recipe.key(on) for fold, on in enumerate(folds)):
        print("The runs on all lesions were trained with other parameters than the others.\n")
    print(f"| lesions | training images | {HEADER}\n|---:|---:|---:|---:|---:|---:|")
    for name, count, row in zip(cells, images, scores, strict=True):
        print(f"| {name} | {count:,.0f} | {_numbers(row)} |")
    print(f"| per doubling | | {_numbers(np.polyfit(np.log2(images), scores, 1)[0], '+.3f')} |")
    half = min(shares, key=lambda share: abs(share - 0.5))
    print(f"| {half:.0%} to all | | {_gains(cells['all'], cells[f'{half:.0%}'])} |\n")


def _train(on: hmnist.Split, recipe: Recipe, folder: Path) -> hmnist.Run:
    """Train, or open what is there, under the name that a benchmark gives it."""
    name = f"{recipe.model}-{recipe.oversampling}-seed{recipe.seed}-fold{on.fold}-{recipe.key(on)}"
    run = run_cell(on, recipe, folder / name)
    print(f"{name}: accuracy {run.scores['accuracy']:.3f}", file=sys.stderr, flush=True)
    return run


def _thinned(on: hmnist.Split, share: float) -> hmnist.Split:
    """Keep a share of each diagnosis' training lesions; smaller shares are parts of larger."""
    if on.train.lesion_ids is None:
        raise hmnist.UsageError("A learning curve by lesion needs to know the lesions.")
    lesions, first = np.unique(on.train.lesion_ids, return_index=True)
    diagnoses = on.train.labels[first]
    random = np.random.default_rng([on.seed or 0, on.fold or 0])
    kept = []
    for label in np.unique(diagnoses):
        members = random.permutation(lesions[diagnoses == label])
        kept.append(members[: int(np.ceil(share * len(members)))])
    return replace(
        on, train_indices=on.train_indices[np.isin(on.train.lesion_ids, np.concatenate(kept))]
    )


def _pool(cells: Sequence[hmnist.Predictions]) -> hmnist.Predictions:
    """Put the folds' test parts together: every image once, answered by who had not seen it."""
    names = ("labels", "probabilities", "predicted", "lesions")
    pooled: Any = {name: np.concatenate([getattr(cell, name) for cell in cells]) for name in names}
    return hmnist.Predictions(**pooled)


def _print_errors(answers: hmnist.Predictions) -> None:
    counts = np.zeros((7, 7), int)
    np.add.at(counts, (answers.labels, answers.predicted), 1)
    print(f"## Errors by diagnosis ({len(answers.labels):,} test images)\n")
    print(f"| true, % decided | {' | '.join(hmnist.CODES)} | images |\n|---|{'---:|' * 8}")
    for code, row in zip(hmnist.CODES, counts, strict=True):
        shares = _numbers(100 * row / max(1, row.sum()), ".1f")
        print(f"| {code} | {shares} | {row.sum():,} |")
    errors = counts - np.diag(np.diag(counts))
    pairs = [(errors[i, j] + errors[j, i], i, j) for i in range(7) for j in range(i)]
    print(f"\n| pair | share of the {errors.sum():,} errors | images, true → decided |")
    print("|---|---:|---|")
    for both, i, j in sorted(pairs, reverse=True)[:6]:
        one, other = hmnist.CODES[i], hmnist.CODES[j]
        ways = f"{one} → {other} {errors[i, j]}, {other} → {one} {errors[j, i]}"
        print(f"| {one}, {other} | {both / errors.sum():.1%} | {ways} |")


def _print_metadata(answers: hmnist.Predictions, known: pd.DataFrame) -> None:
    """Ask whether age, sex and site add to the probabilities; dx_type would give it away."""
    logs = pd.DataFrame(np.log(answers.probabilities.clip(1e-6)), columns=list(hmnist.CODES))
    known = known.reset_index(drop=True)
    words = pd.get_dummies(known[["sex", "localization"]], dtype=float)
    age = known["age"].fillna(known["age"].mean())
    missing = known["age"].isna().astype(float).rename("age is missing")
    alone = _stacked(logs, answers)
    both = _stacked(pd.concat([logs, age, missing, words], axis=1), answers)
    print(f"\n## Age, sex and site\n\n| | {HEADER}\n|---|---:|---:|---:|---:|")
    print(f"| the model itself | {_numbers(_means([answers]))} |")
    print(f"| regression on its log-probabilities | {_numbers(_means([alone]))} |")
    print(f"| and on age, sex, site | {_numbers(_means([both]))} |")
    print(f"| what these add | {_gains([both], [alone])} |")


def _stacked(table: pd.DataFrame, answers: hmnist.Predictions) -> hmnist.Predictions:
    """Return a logistic regression's answers for lesions that it was not fitted on."""
    probabilities = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cholesky")),
        table,
        answers.labels,
        groups=answers.lesions,
        cv=StratifiedGroupKFold(5, shuffle=True, random_state=0),
        method="predict_proba",
    )
    return replace(answers, probabilities=probabilities, predicted=probabilities.argmax(1))


def _means(cells: Sequence[hmnist.Predictions]) -> list[float]:
    scores = hmnist.mean_scores(cells)
    return [scores[name] for name in NAMES]


def _gains(better: Sequence[hmnist.Predictions], worse: Sequence[hmnist.Predictions]) -> str:
    """Return the paired differences with their 95 % intervals over lesions, as table cells."""
    scores = hmnist.compare_predictions({"better": better, "worse": worse}).pairs[0].scores
    found = [scores[name] for name in NAMES]
    return " | ".join(f"{x.difference:+.3f} [{x.low:+.3f}, {x.high:+.3f}]" for x in found)


def _numbers(values: Iterable[float], kind: str = ".3f") -> str:
    return " | ".join(format(value, kind) for value in values)


if __name__ == "__main__":
    main()
