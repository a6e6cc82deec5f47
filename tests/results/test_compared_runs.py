import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import DataMissingError, UsageError
from hmnist.experiments.train import train
from hmnist.results.benchmark import benchmark
from hmnist.results.compared_runs import compare_runs, find_rows
from hmnist.runs.run import Run


def test_runs_on_one_split_are_compared(run: Run, sample: LesionDataset, tmp_path: Path) -> None:
    majority = train(sample, "majority", threads=1, out=tmp_path / "majority")
    [pair] = compare_runs([run, majority]).pairs
    assert (pair.first, pair.second) == ("logistic", "majority")
    for name, result in pair.scores.items():
        expected = run.scores[name] - majority.scores[name]
        assert result.difference == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(("change", "what"), [("seed", "split"), ("data", "data")])
def test_runs_on_other_images_are_not(
    change: str, what: str, run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    data = sample.take(np.arange(300)) if change == "data" else sample
    other = train(data, "majority", seed=int(change == "seed"), threads=1, out=tmp_path / "other")
    with pytest.raises(UsageError, match=f"their {what} differs"):
        compare_runs([run, other])


def test_one_run_is_no_comparison(run: Run) -> None:
    with pytest.raises(UsageError, match="at least two"):
        compare_runs([run])


def test_one_folder_is_not_read_letter_by_letter(run: Run) -> None:
    wrong: Any = str(run.folder)
    with pytest.raises(UsageError, match=f"Expected a Run, not '{run.folder}'"):
        compare_runs(wrong)
    [[opened]] = find_rows(run.folder)
    assert opened.folder == run.folder
    only: Any = run
    with pytest.raises(UsageError, match="at least two"):
        compare_runs(only)


def test_a_run_named_twice_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="named twice"):
        compare_runs([run, run])


def test_rows_of_a_benchmark_are_pooled_and_compared(sample: LesionDataset, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "features": "pixels",
        "effort": "quick",
        "threads": 1,
        "parameters": {"xgboost": {"n_estimators": 3, "linear_start": False}},
    }
    models = ["logistic", "xgboost"]
    table = benchmark(sample, models, folds=2, seeds=2, out=tmp_path, **options)
    rows = find_rows([tmp_path])
    # The best first; four runs each: two seeds on two folds.
    assert [row[0].manifest.model for row in rows] == [row.model for row in table.rows]
    assert [len(row) for row in rows] == [4, 4, 4]
    comparison = compare_runs(rows)
    assert len(comparison.pairs) == 3
    assert table.ranking is not None
    best, second = table.rows[:2]
    assert second.difference is not None
    pair = comparison.pairs[0]
    assert (pair.first, pair.second) == (table.ranking.best, second.model)
    assert -pair.scores["balanced_accuracy"].difference == second.difference.difference
    means = [row.scores["balanced_accuracy"].mean or 0 for row in (second, best)]
    assert second.difference.difference == pytest.approx(means[0] - means[1])
    # The folds of one seed, named one by one, are one row as well.
    named = [run.folder for row in rows for run in row if run.manifest.recipe.seed == 0]
    assert [len(row) for row in find_rows(named)] == [2, 2, 2]
    with pytest.raises(UsageError, match="their split differs"):
        compare_runs(find_rows([named[0], *named[2:4]]))


def test_runs_of_one_model_are_told_apart_by_their_settings(
    sample: LesionDataset, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"features": "pixels", "effort": "quick", "threads": 1}
    for method in ("none", "random"):
        out = tmp_path / method
        train(sample, "logistic", oversample=method, out=out, **options)
    [pair] = compare_runs(find_rows([tmp_path])).pairs
    assert {pair.first, pair.second} == {
        "logistic (oversample none)",
        "logistic (oversample random)",
    }
    train(sample, "logistic", oversample="none", seed=0, out=tmp_path / "again", **options)
    assert [len(row) for row in find_rows([tmp_path])] == [1, 1]
    newest = {row[0].folder.name for row in find_rows([tmp_path])}
    assert newest <= {"again", "none", "random"}


def test_runs_and_benchmarks_may_lie_in_the_home_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(run.folder, tmp_path / "many" / "run")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("~/many", "~/many/run"):
        assert [[found.manifest for found in row] for row in find_rows([name])] == [[run.manifest]]


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError):
        find_rows([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="not a run folder"):
        find_rows([tmp_path])
