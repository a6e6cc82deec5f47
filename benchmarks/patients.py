"""What age, sex and site are worth: ``python benchmarks/patients.py FILE``.

Every model is trained without and with patient data, on the same folds by lesion and with the same
seeds. The models that were trained with them are also asked about the same test images without
them. Differences to the models trained without are paired, with 95 % intervals over lesions and
trainings; a star marks p < .05, with the p-values of a model's table corrected together (Holm).
Finished cells are kept in the output folder, so that an interrupted run continues where it stopped.
Prints Markdown.
"""

import argparse
import platform
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import hmnist
from hmnist.experiments.cells import Cell, estimate_seconds, run_cells
from hmnist.experiments.grid import folder_name
from hmnist.experiments.processes import Processes
from hmnist.features.store import keep_results
from hmnist.hardware import use_threads
from hmnist.results.formatting import markdown_table
from hmnist.results.watching import Lines
from hmnist.scores.comparison import Difference, correct_together
from hmnist.scores.paired_differences import compare_pairs
from hmnist.scores.text import score_text

WITHOUT, WITH, HIDDEN = "without", "with", "with, but not told"

SCORES = {
    "accuracy": "accuracy",
    "roc_auc_ovr": "AUC",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    **{f"recall_{code}": f"recall of {code}" for code in hmnist.CODES},
}
"""The scores of a table, with their names in it; the AUC of each diagnosis follows."""

RESAMPLES = 2000

Kinds = Mapping[str, Sequence[hmnist.Predictions]]


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    folds = hmnist.split_folds(data, arguments.folds, seed=arguments.seed)
    models = arguments.models.split(",")
    cells = [
        _make_cell(model, fold, arguments, patients=patients, seed=seed)
        for model in models
        for fold in folds
        for seed in range(arguments.seed, arguments.seed + arguments.seeds)
        for patients in (False, True)
    ]
    workers = Processes(arguments.jobs, arguments.threads)
    watcher = Lines()
    watcher.planned(cells, sum(map(estimate_seconds, cells)))
    runs = dict(run_cells(cells, workers, watcher))
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {arguments.threads} threads; "
        f"{data.name}, {len(folds)} folds, {arguments.seeds} seeds, effort {arguments.effort}"
    )
    use_threads(arguments.threads)
    for model in models:
        own = [(cell, runs[cell]) for cell in cells if cell.recipe.model == model]
        kinds = {
            WITHOUT: [run.part("test") for cell, run in own if not cell.recipe.patients],
            WITH: [run.part("test") for cell, run in own if cell.recipe.patients],
            HIDDEN: [_ask_without(cell, run) for cell, run in own if cell.recipe.patients],
        }
        print(f"\n**{model}**\n\n{_table(kinds)}", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file, or the word sample")
    parser.add_argument("--metadata")
    parser.add_argument("--models", default="mlp,logistic")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=23, help="of folds and first models")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default="hmnist-runs/patients")
    return parser.parse_args()


def _make_cell(
    model: str, fold: hmnist.Split, arguments: argparse.Namespace, *, patients: bool, seed: int
) -> Cell:
    recipe = hmnist.Recipe(
        model=model,
        patients=patients,
        seed=seed,
        effort=arguments.effort,
        threads=arguments.threads,
    ).resolved_for(fold)
    return Cell(recipe, fold, arguments.out / folder_name(recipe, fold))


def _ask_without(cell: Cell, run: hmnist.Run) -> hmnist.Predictions:
    """Return what a run predicts for its test images if it is not told the patient data."""
    told = run.part("test")
    with warnings.catch_warnings(), keep_results():
        warnings.simplefilter("ignore", hmnist.SampleWarning)
        probabilities = run.predict_proba(cell.split.test.images)
    predicted = run.decision.decide(probabilities)
    return hmnist.Predictions(told.labels, probabilities, predicted, told.lesions, told.fold)


def _table(kinds: Kinds) -> str:
    means, differences = [], []
    for label, scores in ((None, SCORES), *((label, ["roc_auc_ovr"]) for label in range(7))):
        of_kinds = kinds if label is None else _against_rest(kinds, label)
        of_kind = [hmnist.mean_scores(predictions) for predictions in of_kinds.values()]
        means += [[score_text(mean[score]) for mean in of_kind] for score in scores]
        differences += _compare(of_kinds, list(scores))
    corrected = iter(correct_together(differences))
    names = [*SCORES.values(), *(f"AUC of {code}" for code in hmnist.CODES)]
    body = [
        [name, without, told, next(corrected).marked(), untold, next(corrected).marked()]
        for name, (without, told, untold) in zip(names, means, strict=True)
    ]
    return markdown_table(["score", WITHOUT, WITH, "difference", HIDDEN, "difference"], body)


def _compare(kinds: Kinds, scores: Sequence[str]) -> list[Difference]:
    """Return two differences of each score to the models that were trained without patient data."""
    pairs = [(WITH, WITHOUT), (HIDDEN, WITHOUT)]
    compared = compare_pairs(kinds, pairs, scores, resamples=RESAMPLES)
    return [compared[pair][score] for score in scores for pair in pairs]


def _against_rest(kinds: Kinds, label: int) -> Kinds:
    return {
        kind: [_one_against_rest(each, label) for each in predictions]
        for kind, predictions in kinds.items()
    }


def _one_against_rest(predictions: hmnist.Predictions, label: int) -> hmnist.Predictions:
    """Return predictions of two diagnoses, the `label` and all others together.

    Their mean AUC is that of the label, since both have the same.
    """
    rest = (label + 1) % len(hmnist.CODES)
    labels = np.where(predictions.labels == label, label, rest)
    probabilities = np.zeros_like(predictions.probabilities)
    probabilities[:, label] = predictions.probabilities[:, label].clip(0, 1)
    probabilities[:, rest] = 1 - probabilities[:, label]
    predicted = np.where(predictions.predicted == label, label, rest)
    return hmnist.Predictions(
        labels, probabilities, predicted, predictions.lesions, predictions.fold
    )


if __name__ == "__main__":
    main()
