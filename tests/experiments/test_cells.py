import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.experiments.cells import Cell, estimate_fit, estimate_seconds
from hmnist.experiments.grid import plan_benchmark
from hmnist.runs.folders import find_runs
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import open_run
from hmnist.splits.split import split


def test_a_finished_cell_needs_no_time(sample: LesionDataset, tmp_path: Path) -> None:
    cell = Cell(Recipe(model="cnn"), split(sample), tmp_path / "run")
    assert estimate_seconds(cell) == pytest.approx(240 * 280 / 7000, rel=0.2)
    cell.folder.mkdir()
    assert estimate_seconds(cell) == 0


@pytest.mark.parametrize(
    ("model", "parameters", "factor"),
    [("cnn", {"epochs": 12}, 0.5), ("mlp", {"epochs": 60, "networks": 1}, 1), ("cnn", {}, 1)],
)
def test_other_lengths_of_a_training_take_other_times(
    model: str, parameters: dict[str, int], factor: float
) -> None:
    usual = estimate_fit(Recipe(model=model), 7000)
    assert estimate_fit(Recipe(model=model, parameters=parameters), 7000) == factor * usual


def test_folds_are_counted_alike_in_the_name_of_the_folder(
    sample: LesionDataset, tmp_path: Path
) -> None:
    cells = plan_benchmark(sample, "logistic", tmp_path, folds=2)
    for cell, fold in zip(cells[:2], (1, 2), strict=True):
        assert str(cell).endswith(f"fold {fold} of 2")
        assert f"-fold{fold}-" in cell.folder.name


def test_parameters_are_set_by_model_and_change_the_key_of_an_ensemble(
    sample: LesionDataset, tmp_path: Path
) -> None:
    names = ["Logistic", "xgboost", "ensemble"]
    usual = plan_benchmark(sample, names, tmp_path)
    changed = plan_benchmark(sample, names, tmp_path, parameters={"logistic": {"max_iter": 3}})
    made = {cell.recipe.model: cell.recipe for cell in changed}
    assert made["logistic"].make().get_params()["max_iter"] == 3
    assert made["xgboost"].parameters == {}
    same = {cell.recipe.model for cell in usual} - {
        one.recipe.model
        for one, other in zip(usual, changed, strict=True)
        if one.folder != other.folder
    }
    assert same == {"xgboost", "majority"}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"cnn": {"epochs": 3}}, "cnn, which is not trained"),
        ({"cn": {"epochs": 3}}, "no model called 'cn'"),
        ({"logistic": {"epochs": 3}}, "logistic has no parameter 'epochs'"),
        ({"ensemble": {"members": ()}}, "ensemble, which is not trained"),
    ],
)
def test_parameters_that_cannot_be_set_are_refused(
    parameters: dict[str, dict[str, object]],
    said: str,
    sample: LesionDataset,
    tmp_path: Path,
) -> None:
    names = ["logistic", "mlp", "ensemble"]
    with pytest.raises(UsageError, match=said):
        plan_benchmark(sample, names, tmp_path, parameters=parameters)


def _workers(process: int) -> list[int]:
    """Return the processes that have this one among their ancestors and train something."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process and b"loky" in command and b"resource_tracker" not in command:
            found.append(int(entry.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_killed_process_is_a_failure_not_a_traceback(tmp_path: Path) -> None:
    words = [
        "benchmark", "sample", "--models", "logistic", "--seeds", "8", "--threads", "1",
        "--jobs", "2", "--features", "pixels", "--effort", "standard", "--out", "bench",
    ]  # fmt: skip
    script = "from hmnist.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=tmp_path,
        env={**os.environ, "HMNIST_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("[1/"):
            break
    deadline = time.monotonic() + 20
    while not (workers := _workers(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(workers[0], signal.SIGKILL)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1
    assert "ended from outside" in rest
    assert "Traceback" not in rest
    for folder in find_runs(tmp_path / "bench"):
        open_run(folder)
