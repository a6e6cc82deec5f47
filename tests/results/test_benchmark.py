import inspect
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler

from hmnist.dataset import LesionDataset
from hmnist.errors import TrustError, UsageError
from hmnist.experiments.cells import Cell, Watcher
from hmnist.experiments.grid import plan_benchmark
from hmnist.models.logistic import Logistic
from hmnist.models.registry import COMPARED
from hmnist.results.benchmark import benchmark
from hmnist.results.table import Table
from hmnist.runs.folders import find_runs
from hmnist.runs.run import Run, open_run
from hmnist.scores.intervals import score_intervals
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.splits.split import split

SHORT = {"xgboost": {"n_estimators": 3, "linear_start": False}}
"""Few trees, without the linear model before them, which takes most of the time."""


def _scores(table: Table) -> list[Any]:
    return [(row.model, row.scores) for row in table.rows]


class Diary(Watcher):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        self.lines.append(f"planned {len(cells)}")

    def started(self, cell: Cell) -> None:
        self.lines.append(f"started {cell.recipe.model}")

    def step(self, cell: Cell, done: float, total: float) -> None:
        self.lines.append(f"step {done:g}/{total:g}")

    def finished(self, cell: Cell, run: Run) -> None:
        self.lines.append(f"finished {cell.recipe.model}")


def test_published_systems_take_part_only_by_name() -> None:
    assert inspect.signature(benchmark).parameters["models"].default == COMPARED
    assert "lenet" not in COMPARED


def test_rows_are_means_over_seeds_with_spread(sample: LesionDataset, tmp_path: Path) -> None:
    table = benchmark(
        sample,
        ["xgboost"],
        seeds=3,
        parameters=SHORT,
        features="pixels",
        effort="quick",
        threads=1,
        out=tmp_path,
        split="lesion",
    )
    row = next(row for row in table.rows if row.model == "xgboost")
    runs = [open_run(path) for path in find_runs(tmp_path) if "xgboost" in path.name]
    assert row.seeds == len(runs) == 3
    for name in SCORE_NAMES:
        values = [run.scores[name] for run in runs]
        if not np.isnan(values).any():
            assert row.scores[name].mean == pytest.approx(np.mean(values))
            assert row.scores[name].std == pytest.approx(np.std(values, ddof=1))
    intervals = score_intervals([run.part("test") for run in runs])
    assert (row.scores["accuracy"].low, row.scores["accuracy"].high) == pytest.approx(
        intervals["accuracy"]
    )


def test_the_majority_model_stands_last_in_every_table(
    sample: LesionDataset, tmp_path: Path
) -> None:
    table = benchmark(
        sample, ["logistic"], features="pixels", effort="quick", threads=1, out=tmp_path
    )
    assert [row.model for row in table.rows] == ["logistic", "majority"]
    assert table.rows[-1].scores["balanced_accuracy"].mean == pytest.approx(1 / 7)


def test_a_second_benchmark_trains_nothing_and_says_the_same(
    sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = benchmark(
        sample, ["logistic"], features="pixels", effort="quick", threads=1, out=tmp_path
    )

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(Logistic, "fit", refuse)
    again = benchmark(
        sample, ["logistic"], features="pixels", effort="quick", threads=1, out=tmp_path
    )
    assert again.to_dict() == first.to_dict()
    assert json.loads((tmp_path / "table.json").read_text()) == again.to_dict()


def test_processes_give_the_same_scores(sample: LesionDataset, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "features": "pixels",
        "effort": "quick",
        "threads": 1,
        "seeds": 2,
        "parameters": SHORT,
    }
    models = ["logistic", "xgboost", "ensemble"]
    alone = benchmark(sample, models, out=tmp_path / "one", **options)
    side_by_side = benchmark(sample, models, jobs=2, out=tmp_path / "two", **options)
    assert _scores(alone) == _scores(side_by_side)
    assert side_by_side.settings.side_by_side
    assert not alone.settings.side_by_side


def test_oversampling_methods_are_compared_in_one_table(
    sample: LesionDataset, tmp_path: Path
) -> None:
    table = benchmark(
        sample,
        ["logistic"],
        oversample=["none", "random", "smote"],
        features="pixels",
        effort="quick",
        threads=1,
        out=tmp_path,
    )
    assert sorted(row.oversampling for row in table.rows) == ["none", "none", "random", "smote"]


def test_a_sampler_of_ones_own_is_a_method_of_its_own(
    sample: LesionDataset, tmp_path: Path
) -> None:
    """It goes through worker processes, and its finished runs are opened again."""
    samplers = [RandomUnderSampler(replacement=True), RandomOverSampler()]
    options: dict[str, Any] = {"features": "pixels", "effort": "quick", "out": tmp_path, "jobs": 2}
    table = benchmark(sample, ["logistic"], oversample=samplers, threads=1, **options)
    texts = {"RandomUnderSampler(replacement=True)", "RandomOverSampler()"}
    assert {row.oversampling for row in table.rows} == {*texts, "none"}
    for text in texts:
        assert f"{text} (training part only)" in table.to_markdown()
    runs = {run.manifest.recipe.oversample: run for run in map(open_run, find_runs(tmp_path))}
    assert runs.keys() == {*texts, "none"}
    assert runs["RandomOverSampler()"].folder.name.startswith("logistic-RandomOverSampler-seed0-")
    again = benchmark(sample, ["logistic"], oversample=samplers, threads=1, **options)
    assert again.rows == table.rows


def test_an_ensemble_needs_no_training(sample: LesionDataset, tmp_path: Path) -> None:
    models = ["logistic", "xgboost", "ensemble"]
    table = benchmark(
        sample,
        models,
        features="pixels",
        effort="quick",
        threads=1,
        seeds=2,
        parameters=SHORT,
        out=tmp_path,
    )
    rows = {row.model: row for row in table.rows}
    assert rows["ensemble"].fit_seconds == 0
    assert rows["ensemble"].seeds == 2
    weights = [
        member.weight
        for run in map(open_run, find_runs(tmp_path))
        for member in run.manifest.members
    ]
    assert rows["ensemble"].members == pytest.approx(
        {"logistic": np.mean(weights[::2]), "xgboost": np.mean(weights[1::2])}
    )
    for cost in ("parameters", "model_bytes"):
        total = sum(getattr(rows[name], cost) for name in ("logistic", "xgboost"))
        assert getattr(rows["ensemble"], cost) == pytest.approx(total, abs=2)
    for folder in find_runs(tmp_path):
        run = open_run(folder)
        if run.members:
            seed = run.manifest.recipe.seed
            assert {member.manifest.recipe.seed for member in run.members} == {seed}
            assert [member.manifest.model for member in run.members] == models[:2]


def test_a_reopened_ensemble_predicts_the_same(sample: LesionDataset, tmp_path: Path) -> None:
    benchmark(
        sample,
        ["logistic", "xgboost", "ensemble"],
        features="pixels",
        effort="quick",
        threads=1,
        parameters=SHORT,
        out=tmp_path,
    )
    [folder] = [path for path in find_runs(tmp_path) if path.name.startswith("ensemble")]
    run = open_run(folder)
    with pytest.warns(UserWarning, match="synthetic"):
        probabilities = run.predict_proba(split(sample).test.images)
    np.testing.assert_array_equal(probabilities, run.part("test").probabilities)
    [member] = [path for path in find_runs(tmp_path) if path.name.startswith("xgboost")]
    member.rename(tmp_path / "elsewhere")
    with pytest.raises(TrustError, match="does not have the run xgboost"):
        _ = open_run(folder).members


def test_an_ensemble_needs_no_validation(sample: LesionDataset, tmp_path: Path) -> None:
    rows = "".join(f"{row},{'test' if row % 5 == 0 else 'train'}\n" for row in range(len(sample)))
    (tmp_path / "split.csv").write_text(f"row,part\n{rows}")
    table = benchmark(
        sample,
        ["logistic", "xgboost", "ensemble"],
        split=tmp_path / "split.csv",
        features="pixels",
        effort="quick",
        threads=1,
        parameters=SHORT,
        out=tmp_path / "out",
    )
    assert len(table.rows) == 4


def test_an_ensemble_follows_a_member_that_was_trained_again(
    sample: LesionDataset, tmp_path: Path
) -> None:
    options: dict[str, Any] = {
        "models": ["logistic", "xgboost", "ensemble"],
        "features": "pixels",
        "effort": "quick",
        "threads": 1,
        "parameters": SHORT,
        "out": tmp_path,
    }
    first = benchmark(sample, **options)
    [member] = [path for path in find_runs(tmp_path) if path.name.startswith("logistic")]
    (member / "predictions.csv").write_text("damaged")
    assert _scores(benchmark(sample, **options)) == _scores(first)


def test_an_ensemble_of_one_is_refused(sample: LesionDataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two models or more"):
        benchmark(sample, ["logistic", "ensemble", "majority"], out=tmp_path)


def test_each_fold_is_tested_once(sample: LesionDataset, tmp_path: Path) -> None:
    table = benchmark(sample, ["majority"], folds=3, threads=1, out=tmp_path)
    runs = [open_run(path) for path in find_runs(tmp_path)]
    rows = np.concatenate([run.predictions["test"].rows for run in runs])
    assert sorted(rows) == list(range(len(sample)))
    assert table.split.folds == 3
    assert table.rows[0].scores["accuracy"].std is not None


def test_a_watcher_is_told(sample: LesionDataset, tmp_path: Path) -> None:
    diary = Diary()
    benchmark(
        sample,
        ["xgboost"],
        features="pixels",
        effort="quick",
        threads=1,
        parameters={"xgboost": {"n_estimators": 3}},
        out=tmp_path,
        watcher=diary,
    )
    assert diary.lines[0] == "planned 2"
    assert diary.lines[1:4] == ["started majority", "finished majority", "started xgboost"]
    assert re.fullmatch(r"step [\d.]+/253", diary.lines[4])  # the linear start counts 250
    assert diary.lines[-1] == "finished xgboost"


@pytest.mark.parametrize(
    "options",
    [
        {"models": ["resnet"]},
        {"models": ["logistic"], "oversample": "adasyn"},
        {"models": ["logistic"], "effort": "maximal"},
        {"models": ["logistic"], "decide": "lucky"},
        {"models": ["logistic"], "features": "wavelets"},
        {"models": ["logistic"], "rare": ["wart"]},
        {"models": ["logistic"], "patients": "perhaps"},
        {"models": ["logistic", "lenet"], "patients": "yes"},
        {"models": ["logistic", "lenet", "ensemble"], "patients": "both"},
        {"models": ["logistic"], "seeds": 0},
        {"models": ["logistic"], "seed": None},
        {"models": ["logistic"], "seed": 1.5},
        {"models": ["logistic"], "threads": 0},
        {"models": ["logistic"], "threads": "2"},
        {"models": ["logistic"], "folds": 1},
        {"models": ["logistic"], "folds": 0},
        {"models": ["logistic"], "folds": 5, "split": "image"},
        {"models": ["logistic"], "split": "chance"},
        {"models": ["logistic"], "decide": "sensitive", "sensitivity": 90},
    ],
)
def test_a_wrong_name_is_refused_before_any_work(
    options: dict[str, Any], sample: LesionDataset, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        benchmark(sample, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_models_are_compared_with_patient_data_and_without(
    sample: LesionDataset, tmp_path: Path
) -> None:
    models = ["logistic", "xgboost", "ensemble"]
    parameters = {"xgboost": {"n_estimators": 20, "linear_start": False}}
    options: dict[str, Any] = {
        "features": "pixels",
        "effort": "quick",
        "threads": 1,
        "parameters": parameters,
    }
    table = benchmark(sample, models, patients="both", out=tmp_path, **options)
    rows = {(row.model, row.patients): row for row in table.rows}
    assert set(rows) == {("majority", False)} | {
        (name, patients) for name in models for patients in (False, True)
    }
    for name in models:
        assert rows[name, False].scores != rows[name, True].scores
    for run in map(open_run, find_runs(tmp_path)):
        assert {member.uses_patients for member in run.members} <= {run.uses_patients}
        if run.members:
            assert len(run.members) == 2
            images, patients = sample.images[:9], sample.patients
            assert patients is not None
            given = patients[:9] if run.uses_patients else None
            with pytest.warns(UserWarning, match="synthetic"):
                probabilities = run.predict_proba(images, given)
            assert probabilities.shape == (9, 7)
    # In processes of their own, which get the data from the disk, scores are the same.
    there = benchmark(sample, models, patients="yes", jobs=2, out=tmp_path / "jobs", **options)
    for row in there.rows:
        assert row.scores == rows[row.model, row.patients].scores


def test_published_systems_have_one_row(sample: LesionDataset, tmp_path: Path) -> None:
    cells = plan_benchmark(sample, ["logistic", "lenet"], tmp_path, patients="both")
    assert [(cell.recipe.model, cell.recipe.patients) for cell in cells] == [
        ("logistic", False), ("lenet", False), ("logistic", True), ("majority", False),
    ]  # fmt: skip
    names = [cell.folder.name for cell in cells]
    assert len(set(names)) == 4
    assert names[2].startswith("logistic-random-patients-seed0")
    assert "with patient data" in str(cells[2])


def test_data_without_patients_are_refused_before_any_work(
    sample: LesionDataset, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"HAM10000_metadata\.csv"):
        benchmark(replace(sample, metadata=None), patients="both", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
