"""Cells on a real Dask cluster: a scheduler and workers, processes of their own, on loopback."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError, WorkError
from hmnist.experiments import cluster, crew
from hmnist.experiments.cells import Cell, Watcher
from hmnist.files import cache_folder
from hmnist.results.benchmark import benchmark
from hmnist.results.table import Table
from hmnist.runs.folders import find_runs
from hmnist.runs.run import Run, open_run
from tests.experiments.conftest import Loopback

HIDE = """
import os, sys

def hide(event, arguments):
    if event in {"open", "os.mkdir", "os.rename"} and isinstance(arguments[0], str):
        if arguments[0].startswith(tuple(os.environ["HIDDEN"].split(os.pathsep))):
            raise FileNotFoundError(arguments[0])

sys.addaudithook(hide)
"""
"""Makes a worker blind for what lies in some folders, as if it ran on another machine."""

BUSY = """
import random, sys, threading

def draw():
    while True:
        random.random()

if "dask" in sys.orig_argv:
    threading.Thread(target=draw, daemon=True).start()
"""
"""Lets a thread of a worker draw from Python's random generator, as Dask's own threads may."""

OTHER_VERSION = "import hmnist; hmnist.__version__ = '0.0.1'"


OPTIONS: dict[str, Any] = {"features": "pixels", "effort": "quick", "threads": 1}


@pytest.fixture(scope="module")
def local(sample: LesionDataset, tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Return the table that this machine makes by itself."""
    models = ["logistic", "xgboost", "ensemble"]
    return benchmark(sample, models, seeds=2, out=tmp_path_factory.mktemp("local"), **OPTIONS)


class Diary(Watcher):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def started(self, cell: Cell) -> None:
        self.lines.append(f"started {cell}")

    def step(self, cell: Cell, done: float, total: float) -> None:
        self.lines.append(f"step {cell}")

    def finished(self, cell: Cell, run: Run) -> None:
        self.lines.append(f"finished {cell}")

    def noted(self, sentence: str) -> None:
        self.notes.append(sentence)


def _scores(table: Table) -> list[Any]:
    return [(row.model, row.scores) for row in table.rows]


def _on(loopback: Loopback, data: LesionDataset, out: Path, watcher: Watcher) -> Table:
    return benchmark(
        data,
        ["logistic", "xgboost", "ensemble"],
        seeds=2,
        dask=loopback.address,
        out=out,
        watcher=watcher,
        **OPTIONS,
    )


def test_the_table_is_that_of_one_machine(
    shared: Loopback, local: Table, sample: LesionDataset, tmp_path: Path
) -> None:
    diary = Diary()
    table = _on(shared, sample, tmp_path, diary)
    assert _scores(table) == _scores(local)
    assert table.settings.devices == local.settings.devices
    runs = [open_run(folder) for folder in find_runs(tmp_path)]
    assert len(runs) == 8
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    cells = [line.partition(" ")[2] for line in diary.lines if line.startswith("started")]
    assert sorted(cells) == sorted(
        line.partition(" ")[2] for line in diary.lines if line.startswith("finished")
    )
    assert "step xgboost, oversampling random, seed 1" in diary.lines
    assert not diary.notes


def test_threads_are_those_of_the_smallest_worker(
    shared: Loopback, sample: LesionDataset, tmp_path: Path
) -> None:
    table = benchmark(sample, ["majority"], dask=shared.address, out=tmp_path)
    assert table.settings.threads == 1


def test_a_network_is_that_of_one_machine_whatever_the_worker_does_besides(
    loopback: Loopback, sample: LesionDataset, tmp_path: Path
) -> None:
    loopback.start_worker(startup=BUSY)
    options = {**OPTIONS, "models": ["lenet"], "seeds": 1}
    here = benchmark(sample, out=tmp_path / "here", **options)
    there = benchmark(sample, out=tmp_path / "there", dask=loopback.address, **options)
    assert _scores(here) == _scores(there)


def test_an_error_of_a_cell_is_raised_here(
    shared: Loopback, sample: LesionDataset, tmp_path: Path
) -> None:
    class Blocker(Diary):
        def started(self, cell: Cell) -> None:
            cell.folder.mkdir()
            (cell.folder / "mine.txt").write_text("no run")

    with pytest.raises(UsageError, match="is not a run folder"):
        _on(shared, sample, tmp_path, Blocker())


class Killer(Diary):
    """Kills the worker that trains an xgboost when its first step arrives, and only the first.

    It may leave the worker, and kill its process that trains.
    """

    def __init__(self, loopback: Loopback, *, process: bool = False) -> None:
        super().__init__()
        self._loopback = loopback
        self._process = process
        self.killed = ""

    def step(self, cell: Cell, done: float, total: float) -> None:
        if self.killed or cell.recipe.model != "xgboost":
            return
        with Client(self._loopback.address, set_as_default=False) as client:
            for address, keys in client.processing().items():
                if any(str(key).startswith(cell.folder.name) for key in keys):
                    self.killed = str(cell)
                    worker = client.run(os.getpid, workers=[address])[address]
                    os.kill(_training_of(worker) if self._process else worker, signal.SIGKILL)


def _training_of(worker: int) -> int:
    """Return the process of a worker that trains."""
    threads = Path(f"/proc/{worker}/task").iterdir()
    children = [pid for thread in threads for pid in (thread / "children").read_text().split()]
    [pid] = [
        pid
        for pid in children
        if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return int(pid)


@pytest.mark.parametrize("process", [False, True], ids=["worker", "process"])
def test_a_killed_worker_or_process_loses_only_its_cell(
    loopback: Loopback, local: Table, sample: LesionDataset, tmp_path: Path, *, process: bool
) -> None:
    for _ in range(2):
        loopback.start_worker()
    killer = Killer(loopback, process=process)
    table = _on(loopback, sample, tmp_path, killer)
    assert _scores(table) == _scores(local)
    assert killer.killed.startswith("xgboost")
    [note] = killer.notes
    assert note.endswith(f"was lost. It begins again: {killer.killed}.")
    begun = [line for line in killer.lines if line.startswith("started")]
    assert len(begun) == 8 + 1
    assert begun.count(f"started {killer.killed}") == 2


def test_a_cell_that_takes_its_workers_with_it_is_named(
    loopback: Loopback, sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "LOSSES", 1)
    loopback.start_worker()
    killer = Killer(loopback)
    with pytest.raises(WorkError, match=r"^xgboost.* was lost 1 times in training"):
        _on(loopback, sample, tmp_path, killer)


def test_workers_that_see_nothing_receive_data_and_send_runs_back(
    loopback: Loopback, local: Table, sample: LesionDataset, tmp_path: Path
) -> None:
    hidden = os.pathsep.join([str(cache_folder()), str(tmp_path)])
    for _ in range(2):
        loopback.start_worker(startup=HIDE, HIDDEN=hidden)
    table = _on(loopback, sample, tmp_path / "out", Diary())
    assert _scores(table) == _scores(local)
    [folder] = (loopback.folder / "cache" / "datasets").iterdir()
    assert (folder / "images.npy").is_file()
    # Its own features, and no part of what was received.
    kept = {path.name for path in (loopback.folder / "cache").iterdir()}
    assert kept == {"datasets", "features"}


def test_a_cluster_that_loses_its_last_worker_keeps_what_is_finished(
    loopback: Loopback, sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "WORKER_SECONDS", 15)
    worker = loopback.start_worker()

    class Ender(Diary):
        def finished(self, cell: Cell, run: Run) -> None:
            monkeypatch.setattr(crew, "WORKER_SECONDS", 2)
            worker.kill()

    with pytest.raises(WorkError, match="No worker of the Dask cluster is left") as caught:
        _on(loopback, sample, tmp_path, Ender())
    assert "--out" in caught.value.hint
    assert find_runs(tmp_path)
    for folder in find_runs(tmp_path):
        open_run(folder)


def test_a_scheduler_that_is_gone_is_a_failure_not_a_traceback(
    loopback: Loopback, sample: LesionDataset, tmp_path: Path
) -> None:
    loopback.start_worker()

    class Ender(Diary):
        def finished(self, cell: Cell, run: Run) -> None:
            loopback.processes[0].kill()

    with pytest.raises(WorkError, match="does not answer any more"):
        _on(loopback, sample, tmp_path, Ender())


def test_a_worker_of_another_version_takes_no_part(
    loopback: Loopback, sample: LesionDataset, tmp_path: Path
) -> None:
    loopback.start_worker(startup=OTHER_VERSION)
    with pytest.raises(UsageError, match=r"has hmnist 0\.0\.1, and takes no part"):
        benchmark(sample, ["majority"], dask=loopback.address, out=tmp_path, **OPTIONS)


def test_a_scheduler_without_workers_is_named(
    loopback: Loopback, sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 0.2)
    with pytest.raises(WorkError, match="has no workers") as caught:
        benchmark(sample, ["majority"], dask=loopback.address, out=tmp_path, **OPTIONS)
    assert f"dask worker {loopback.address}" in caught.value.hint


@pytest.mark.parametrize("address", ["nonsense", "nonsense://x", "tcp://localhost", "tcp://a:b"])
def test_what_is_no_address_is_refused(address: str, sample: LesionDataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"'{address}' is not an address of a Dask scheduler"):
        benchmark(sample, ["majority"], dask=address, out=tmp_path)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1"])
def test_an_address_without_a_scheduler_is_named(
    address: str, sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "SCHEDULER_SECONDS", 0.5)
    with pytest.raises(UsageError, match=f"No Dask scheduler answers at {address}"):
        benchmark(sample, ["majority"], dask=address, out=tmp_path / "out", **OPTIONS)
    assert not (tmp_path / "out").exists()


def test_dask_that_is_not_installed_is_named(
    sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        benchmark(sample, ["majority"], dask="tcp://127.0.0.1:1", out=tmp_path, **OPTIONS)
    assert "hmnist[dask]" in caught.value.hint
