import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hmnist.dataset import LesionDataset
from hmnist.experiments.cells import Cell, estimate_seconds
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import find_runs, open_run
from hmnist.splits.split import split


def test_a_finished_cell_needs_no_time(sample: LesionDataset, tmp_path: Path) -> None:
    cell = Cell(Recipe(model="cnn"), split(sample), tmp_path / "run")
    assert estimate_seconds(cell) == pytest.approx(240 * 280 / 7000, rel=0.2)
    cell.folder.mkdir()
    assert estimate_seconds(cell) == 0


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
