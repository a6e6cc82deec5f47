import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.experiments import processes
from hmnist.experiments.cells import Cell, Watcher, run_cells
from hmnist.experiments.grid import plan_benchmark
from hmnist.experiments.processes import Processes, share_cores
from hmnist.experiments.stored import store_data
from hmnist.experiments.training import train_cell
from hmnist.experiments.work import make_work
from hmnist.models import training_state
from hmnist.runs.run import Run


class Diary(Watcher):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def started(self, cell: Cell) -> None:
        self.lines.append(f"started {cell.recipe.model}")

    def step(self, cell: Cell, done: float, total: float) -> None:
        self.lines.append(f"step {done:g} of {total:g}")

    def finished(self, cell: Cell, run: Run) -> None:
        self.lines.append(f"finished {cell.recipe.model}")

    def noted(self, sentence: str) -> None:
        self.lines.append(sentence)


def _plan(data: LesionDataset, models: Sequence[str], folder: Path, seeds: int = 1) -> list[Cell]:
    return plan_benchmark(
        data, models, folder, seeds=seeds, features="pixels", effort="quick", threads=1
    )


def test_two_jobs_rather_than_two_threads() -> None:
    assert share_cores(None, None, cores=2) == (2, 1)
    assert share_cores(None, 2, cores=2) == (1, 2)


def test_jobs_share_the_cores() -> None:
    assert share_cores(1, None, cores=8) == (1, 8)
    assert share_cores(3, None, cores=8) == (3, 2)
    assert share_cores(9, None, cores=8) == (9, 1)
    assert share_cores(4, 8, cores=8) == (4, 8)
    for jobs, threads in ((0, 1), (1, 0), (1, "2"), (1.5, 1)):
        with pytest.raises(UsageError, match="expected a whole number from 1"):
            share_cores(jobs, threads, cores=8)  # type: ignore[arg-type] # as in a notebook


def test_networks_run_in_a_process_that_is_renewed(
    sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    start = processes.CellProcess._start

    def counted(process: processes.CellProcess) -> None:
        start(process)
        started.append(process._process.pid)

    monkeypatch.setattr(processes.CellProcess, "_start", counted)
    monkeypatch.setattr(processes, "NETWORKS_PER_PROCESS", 1)
    cells = _plan(sample, ["lenet"], tmp_path, seeds=2)
    diary = Diary()
    finished = dict(run_cells(cells, Processes(1, 1), diary))
    assert len(set(started)) == 2
    assert set(finished) == set(cells)
    assert not any(run.manifest.side_by_side for run in finished.values())
    here = train_cell(cells[0].split, cells[0].recipe, tmp_path / "here")
    assert here.scores == finished[cells[0]].scores
    assert diary.lines[:4] == 2 * ["started majority", "finished majority"]
    epochs = [f"step {epoch} of 4" for epoch in (1, 2, 3, 4)]
    assert diary.lines[4:] == 2 * ["started lenet", *epochs, "finished lenet"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_training_goes_on_and_says_so(
    jobs: int, sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_state, "EVERY_SECONDS", 0)
    [cell, baseline] = _plan(sample, ["lenet"], tmp_path)

    def interrupt(done: float, total: float) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_cell(cell.split, cell.recipe, cell.folder, interrupt)
    undisturbed = train_cell(cell.split, cell.recipe, tmp_path / "undisturbed")
    diary = Diary()
    finished = dict(run_cells([cell, baseline], Processes(jobs, 1), diary))
    assert f"{cell}: resumed at epoch 2 of 4." in diary.lines
    assert "step 1 of 4" not in diary.lines
    for name in ("predictions.csv", "history.csv"):
        assert (finished[cell].folder / name).read_bytes() == (
            undisturbed.folder / name
        ).read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_finished_cells_need_no_process(
    sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = _plan(sample, ["logistic"], tmp_path)
    first = {cell.folder: run for cell, run in run_cells(cells, Processes(1, 1), Watcher())}
    monkeypatch.delattr(processes.CellProcess, "_start")
    again = {cell.folder: run for cell, run in run_cells(cells, Processes(2, 1), Watcher())}
    assert {path: run.scores for path, run in again.items()} == {
        path: run.scores for path, run in first.items()
    }


def test_an_error_of_a_process_is_raised_here(sample: LesionDataset, tmp_path: Path) -> None:
    cells = _plan(sample, ["logistic"], tmp_path)
    for cell in cells:
        cell.folder.mkdir(parents=True)
        (cell.folder / "mine.txt").write_text("no run")
    with pytest.raises(UsageError, match="is not a run folder"):
        list(run_cells(cells, Processes(2, 1), Watcher()))


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import hmnist\n"
        "print('begun')\n"
        "table = hmnist.benchmark(hmnist.load_sample(rows=200), ['logistic'], features='pixels',\n"
        "    effort='quick', threads=1, jobs=2, out='out')\n"
        "print([row.model for row in table.rows])\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.stdout.splitlines() == ["begun", "['logistic', 'majority']"], done.stderr


def test_a_sampler_of_a_notebook_reaches_the_processes(
    sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class of the main module, which the processes do not have."""

    class Same:
        def fit_resample(self, rows: Any, labels: Any) -> tuple[Any, Any]:
            return rows, labels

    Same.__module__, Same.__qualname__ = "__main__", "Same"
    monkeypatch.setattr(sys.modules["__main__"], "Same", Same, raising=False)
    cells = plan_benchmark(
        sample, ["logistic"], tmp_path, oversample=Same(), features="pixels", effort="quick",
        threads=1,
    )  # fmt: skip
    assert len(list(run_cells(cells, Processes(2, 1), Watcher()))) == len(cells)


def test_models_may_come_from_an_iterator(sample: LesionDataset, tmp_path: Path) -> None:
    cells = plan_benchmark(sample, iter(["logistic", "xgboost"]), tmp_path, threads=1)  # type: ignore[arg-type]  # no Sequence
    assert [cell.recipe.model for cell in cells] == ["logistic", "xgboost", "majority"]
    with pytest.raises(UsageError, match="No model is named"):
        plan_benchmark(sample, [], tmp_path, threads=1)


def test_a_process_that_ended_while_it_was_idle_is_started_again(
    sample: LesionDataset, tmp_path: Path
) -> None:
    [cell] = _plan(sample, ["majority"], tmp_path)
    work = make_work(cell, store_data(sample), side_by_side=False)
    process = processes.CellProcess()
    try:
        for _ in range(2):
            process.begin(work)
            while process.receive() is not None:
                pass
            process._process.terminate()
            process._process.join()
    finally:
        process.end()
