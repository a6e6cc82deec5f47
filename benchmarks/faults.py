"""Kill a benchmark again and again: ``python benchmarks/faults.py --kills 100``.

A small benchmark of the synthetic sample is killed (SIGKILL) at random moments and started again at
once, until it ends by itself; then the next one begins, until there were so many kills. Every
second benchmark has two worker processes. Looked at are: processes that live on two seconds after
the kill, finished cells that are trained again, files that are left over, and the scores of the
table, which have to be those of an undisturbed benchmark. Prints Markdown; the exit code is 1 if
something was found.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import hmnist
from hmnist.results.formatting import markdown_table

# The state of networks is kept after every epoch here, so that a kill meets it often.
SCRIPT = (
    "from hmnist.models import training_state; training_state.EVERY_SECONDS = 0; "
    "from hmnist.cli import main; main()"
)

WORDS = (
    *("--models", "logistic,lenet,ensemble", "--seeds", "2", "--effort", "quick"),
    *("--features", "pixels", "--threads", "1", "--quiet"),
    *("--set", "lenet.epochs=8", "--set", "logistic.max_iter=20", "--format", "json"),
)

GRACE = 2.0
"""Seconds in which every process has to end after a kill."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = try_faults(Path(folder), arguments.kills, np.random.default_rng(arguments.seed))
    header = ["SIGKILL at a random moment", "times"]
    rows = [[name, f"{count:,}"] for name, count in found.items()]
    print(markdown_table(header, rows))
    sys.exit(any(found[name] for name in FAULTS))


COUNTS = ("kills", "while a network was trained", "benchmarks that ended")
"""What is counted beside."""

FAULTS = (
    "processes alive after 2 s",
    "finished cells trained again",
    "files left over",
    "other scores than undisturbed",
    "benchmarks that failed",
)
"""What must not happen."""


def try_faults(
    folder: Path, kills: int, rng: np.random.Generator, data: str = "sample"
) -> dict[str, int]:
    """Kill benchmarks of some data so many times; return how often each thing was found."""
    found = dict.fromkeys((*COUNTS, *FAULTS), 0)
    began = time.monotonic()
    expected = _scores(_start(data, folder / "undisturbed", jobs=1).communicate()[0])
    seconds = time.monotonic() - began
    while found["kills"] < kills and not found["benchmarks that failed"]:
        number = found["benchmarks that ended"]
        jobs = 1 + number % 2
        before, began = found["kills"], time.monotonic()
        _try_benchmark(data, folder / str(number), jobs, expected, seconds, kills, rng, found)
        if found["kills"] == before:  # it ended before its moment came: draw earlier ones
            seconds = time.monotonic() - began
        print(found, file=sys.stderr, flush=True)
    return found


def _try_benchmark(  # noqa: PLR0917 - what one benchmark is compared with
    data: str,
    out: Path,
    jobs: int,
    scores: Any,
    seconds: float,
    kills: int,
    rng: np.random.Generator,
    found: dict[str, int],
) -> None:
    finished: dict[str, int] = {}
    while True:
        process = _start(data, out, jobs)
        text = ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            wait = rng.uniform(0, seconds) if found["kills"] < kills else None
            text = process.communicate(timeout=wait)[0]
        ended = process.returncode is not None
        if not ended:
            found["while a network was trained"] += any(out.glob(".hmnist-work-lenet*/*/*"))
            process.kill()
            process.communicate()
            found["kills"] += 1
            found[FAULTS[0]] += len(_wait_for_end(process.pid))
        now = {path.parent.name: path.stat().st_mtime_ns for path in out.glob("*/manifest.json")}
        found[FAULTS[1]] += sum(now.get(name) != written for name, written in finished.items())
        finished = now
        if ended:
            found["benchmarks that ended"] += 1
            found[FAULTS[2]] += len(list(out.glob(".*")))
            found[FAULTS[3]] += process.returncode == 0 and _scores(text) != scores
            found[FAULTS[4]] += process.returncode != 0
            shutil.rmtree(out)
            return


def _start(data: str, out: Path, jobs: int) -> "subprocess.Popen[str]":
    """Start the benchmark in a session of its own, by which its processes are known."""
    out.parent.mkdir(parents=True, exist_ok=True)
    words = ("benchmark", data, *WORDS, "--jobs", str(jobs), "--out", str(out))
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def _scores(text: str) -> dict[str, Any]:
    rows = json.loads(text)["rows"]
    return {row["model"]: {name: row[name] for name in hmnist.SCORE_NAMES} for row in rows}


def _wait_for_end(session: int) -> Sequence[int]:
    """Return the processes of a session that are still alive when the grace is over."""
    until = time.monotonic() + GRACE
    while (alive := _processes_of(session)) and time.monotonic() < until:
        time.sleep(0.05)
    return alive


def _processes_of(session: int) -> list[int]:
    alive = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, of_session, *_ = status.read_text().rpartition(")")[2].split()
            if int(of_session) == session and state != "Z":
                alive.append(int(status.parent.name))
    return alive


if __name__ == "__main__":
    main()
