"""What shared lesions are worth to good models: ``python benchmarks/shared_lesions.py FILE``.

A random fifth of the images is tested, as in notebooks that split by image. The models are
trained twice with each seed: on lesions that are not tested, and with some of these training images
replaced by other images of the tested lesions, as many as a random split leaves there. The test
images, the number of training images of each diagnosis and that of their lesions stay the same.
Differences are paired, with 95 % intervals over lesions and trainings; a star marks p < .05, with
all p-values of the output corrected together (Holm). Finished cells are kept in the output folder,
so that an interrupted run continues where it stopped. Prints Markdown.
"""

import argparse
import platform
from dataclasses import replace
from pathlib import Path

import hmnist
from hmnist.experiments.cells import Cell, estimate_seconds, run_cells
from hmnist.experiments.grid import folder_name
from hmnist.experiments.processes import Processes
from hmnist.results.formatting import markdown_table
from hmnist.results.watching import Lines
from hmnist.scores.comparison import Difference, correct_together
from hmnist.scores.paired_differences import compare_pairs
from hmnist.scores.text import score_text
from hmnist.splits.leak_steps import CLEAN, STEPS, isolate_leaks

PROTOCOL = "published:skin-pamper"
"""Its test part is random, by image; a fifth of all images is taken from it."""

SHARED = STEPS["HM101"]

SCORES = {"accuracy": "accuracy", "balanced_accuracy": "balanced acc.", "roc_auc_ovr": "AUC"}
"""The scores that are compared, with their headings."""


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    isolated = isolate_leaks(hmnist.split(data, PROTOCOL, seed=arguments.seed))
    # Only the parts are those of the protocol: the models are trained as they always are.
    steps = {name: replace(isolated[name], protocol=None, kind=name) for name in (CLEAN, SHARED)}
    planned = {
        (model, name): [
            _make_cell(model, steps[name], arguments, seed)
            for seed in range(arguments.seed, arguments.seed + arguments.seeds)
        ]
        for model in arguments.models.split(",")
        for name in steps
    }
    cells = [cell for of_model in planned.values() for cell in of_model]
    watcher = Lines()
    watcher.planned(cells, sum(map(estimate_seconds, cells)))
    runs = dict(run_cells(cells, Processes(arguments.jobs, arguments.threads), watcher))
    sizes = " / ".join(f"{len(rows):,}" for rows in steps[SHARED].indices.values())
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {arguments.threads} threads; "
        f"{data.name}, {sizes} images train / validate / test, {arguments.seeds} seeds, effort "
        f"{arguments.effort}\n\n{steps[SHARED].proof()}\n"
    )
    tested = {
        key: [runs[cell].part("test") for cell in of_model] for key, of_model in planned.items()
    }
    print(_table(tested))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file whose metadata tell the lesions")
    parser.add_argument("--metadata")
    parser.add_argument("--models", default="logistic,xgboost,mlp,cnn")
    parser.add_argument("--seed", type=int, default=23, help="of the split and first models")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--effort", default="quick")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default="hmnist-runs/shared-lesions")
    return parser.parse_args()


def _make_cell(model: str, part: hmnist.Split, arguments: argparse.Namespace, seed: int) -> Cell:
    recipe = hmnist.Recipe(
        model=model, seed=seed, effort=arguments.effort, threads=arguments.threads
    ).resolved_for(part)
    return Cell(recipe, part, arguments.out / folder_name(recipe, part))


def _table(tested: dict[tuple[str, str], list[hmnist.Predictions]]) -> str:
    models = dict.fromkeys(model for model, _ in tested)
    differences: dict[tuple[str, str], Difference] = {}
    for model in models:
        kinds = {name: tested[model, name] for name in (SHARED, CLEAN)}
        [of_model] = compare_pairs(kinds, [(SHARED, CLEAN)], list(SCORES)).values()
        differences |= {(model, score): each for score, each in of_model.items()}
    corrected = correct_together(list(differences.values()))
    differences = dict(zip(differences, corrected, strict=True))
    body = []
    for model in models:
        means = [hmnist.mean_scores(tested[model, name]) for name in (CLEAN, SHARED)]
        cells = [
            text
            for score in SCORES
            for text in (
                *(score_text(mean[score]) for mean in means),
                differences[model, score].marked(),
            )
        ]
        body.append([model, *cells])
    headings = [
        heading
        for title in SCORES.values()
        for heading in (f"{title}: clean", "shared", "difference")
    ]
    return markdown_table(["model", *headings], body)


if __name__ == "__main__":
    main()
