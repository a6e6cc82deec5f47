"""What a command does when it is ended, or when the system has no more of something."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from hmnist.runs.folders import find_runs
from hmnist.runs.run import open_run
from hmnist.sources.sample import write_sample

SCRIPT = "from hmnist.cli import main; main()"

posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")


def start(folder: Path, *words: str, before: str = "") -> "subprocess.Popen[str]":
    """Start a command that answers to Ctrl-C, also where the tests themselves do not."""
    default = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "for kind in (signal.SIGTERM, signal.SIGHUP): signal.signal(kind, signal.SIG_DFL)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", default + before + SCRIPT, *words],
        cwd=folder,
        env={**os.environ, "HMNIST_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listed.stdout.split()]


def is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


BENCHMARK = (
    "benchmark", "pixels.csv", "--models", "logistic,hist-gbdt,xgboost", "--seeds", "3",
    "--effort", "quick", "--set", "logistic.max_iter=5", "--set", "hist-gbdt.max_iter=3000",
    "--threads", "1", "--jobs", "2", "--features", "pixels", "--out", "bench",
)  # fmt: skip


def wait_for_a_run(process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("[2/"):  # the baseline is the first, and workers are at work
            return
    pytest.fail("It ended too early.")


@posix
@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_workers_end_with_the_process_that_started_them(kind: int, tmp_path: Path) -> None:
    write_sample(tmp_path / "pixels.csv", rows=300)
    process = start(tmp_path, *BENCHMARK)
    wait_for_a_run(process)
    workers = children(process.pid)
    assert workers
    process.send_signal(kind)
    _, rest = process.communicate(timeout=300)
    if kind == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert "--out bench" in rest
    for _ in range(300):
        if not any(map(is_alive, workers)):
            break
        subprocess.run(["sleep", "0.1"], check=True)
    assert not any(map(is_alive, workers))
    for path in find_runs(tmp_path / "bench"):
        open_run(path)


@posix
def test_two_benchmarks_in_one_folder_train_each_cell_once(tmp_path: Path) -> None:
    write_sample(tmp_path / "pixels.csv", rows=300)
    words = (
        "benchmark", "pixels.csv", "--models", "logistic,xgboost", "--seeds", "2", "--threads", "1",
        "--features", "pixels", "--effort", "quick", "--jobs", "1", "--out", "bench",
        "--format", "csv",
    )  # fmt: skip
    both = [start(tmp_path, *words) for _ in range(2)]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]  # times of training, too: they are of the same runs
    assert sorted(path.name for path in (tmp_path / "bench").glob(".*")) == []


@posix
@pytest.mark.parametrize("words", [["models"], ["data", "info", "sample"], ["--help"]])
def test_a_full_disk_behind_stdout_is_one_sentence(words: Sequence[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *words],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@posix
def test_a_reader_that_has_seen_enough_ends_it_silently(tmp_path: Path) -> None:
    process = start(tmp_path, "models")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) in {0, 1}
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()


@posix
def test_ctrl_c_while_libraries_are_loaded(tmp_path: Path) -> None:
    before = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'hmnist.cli.commands': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    process = start(tmp_path, "models", before=before)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")


@posix
@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM"])
def test_an_interrupt_is_not_lost_in_a_callback(kind: str, tmp_path: Path) -> None:
    # Python prints what a callback of a weak reference raises, and goes on.
    before = (
        "import os, signal, sys, weakref\n"
        "class Thing: pass\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'hmnist.results.benchmark':\n"
        f"            end = lambda _: os.kill(os.getpid(), signal.{kind})\n"
        "            thing = Thing()\n"
        "            reference = weakref.ref(thing, end)\n"
        "            del thing\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    words = ("benchmark", "sample", "--models", "logistic", "--quiet", "--out", "bench")
    process = start(tmp_path, *words, before=before)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert "Exception ignored" not in err
    assert "Traceback" not in err


@posix
def test_few_files_are_one_sentence(tmp_path: Path) -> None:
    before = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))\n"
    process = start(tmp_path, "benchmark", "sample", "--models", "logistic", before=before)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Error: " in err
    assert "Traceback" not in err
