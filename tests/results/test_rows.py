from pathlib import Path

import pytest

from hmnist.dataset import LesionDataset
from hmnist.experiments.training import run_cell
from hmnist.results.rows import make_row, make_table
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.splits.folds import split_folds
from hmnist.splits.split import split


def test_one_run_has_no_spread(run: Run) -> None:
    row = make_row([run])
    assert all(row[name]["std"] is None for name in SCORE_NAMES)
    assert row["accuracy"]["mean"] == pytest.approx(run.scores["accuracy"])
    assert row["model_bytes"] == sum(
        path.stat().st_size for path in (run.folder / "model").iterdir()
    )
    assert row["parameters"] == run.model.parameter_count


def test_folds_of_one_seed_give_the_spread(sample: LesionDataset, tmp_path: Path) -> None:
    runs = [
        run_cell(on, Recipe("majority", threads=1), tmp_path / f"fold{on.fold}")
        for on in split_folds(sample, 2)
    ]
    row = make_row(runs)
    values = [run.scores["accuracy"] for run in runs]
    assert row["accuracy"]["std"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert row["seeds"] == 1


def test_the_table_carries_the_proof(run: Run, sample: LesionDataset) -> None:
    table = make_table([make_row([run])], split(sample), threads=1, runs=[run])
    assert table.split["proof"].startswith("No lesion stands in two parts")
    assert table.data["digest"] == sample.digest
    assert table.settings["device"] == "CPU"
