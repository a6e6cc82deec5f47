"""What hmnist does under load: ``python benchmarks/load.py``.

Three parts: `hmnist predict` on pixel files of more and more rows, 50 calls of `hmnist predict` at
once on one run, and a benchmark of 200 cells, a third of them networks. Memory is resident memory:
the peak of a process, or the sum over a benchmark's processes when a cell is finished. All data are
generated. Prints Markdown; the exit code is 1 if an answer is wrong or missing.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import hmnist
from hmnist.experiments.cells import Cell, Watcher
from hmnist.results.formatting import markdown_table
from hmnist.runs.run import Run
from hmnist.sources.sample import write_sample

SAMPLE_ROWS = 2_500
"""The rows of the sample, which a large file repeats."""

PREDICT = (
    "import resource, sys; from hmnist.cli import main\n"
    "try: main()\n"
    "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
)


class Memory(Watcher):
    """Notes the memory of this process and its children, in MB, when a cell of a model ends."""

    def __init__(self) -> None:
        self.of_model: defaultdict[str, list[float]] = defaultdict(list)

    def finished(self, cell: Cell, run: Run) -> None:  # noqa: ARG002 - as watchers are called
        """Note it."""
        memory = sum(_resident(process) for process in _family(os.getpid()))
        self.of_model[cell.recipe.model].append(memory)
        print(f"{cell}: {memory:.0f} MB", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--cells", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["HMNIST_CACHE"] = str(folder / "cache")
        pixels, _ = write_sample(folder / "sample.csv", SAMPLE_ROWS)
        data = hmnist.load(pixels)
        run = hmnist.train(data, "logistic", features="pixels", out=folder / "run")
        right = [
            _predict_many(folder, run, arguments.rows),
            _predict_at_once(pixels, run, arguments.calls),
            _train_many(data, folder / "benchmark", arguments.cells),
        ]
    sys.exit(not all(right))


def _predict_many(folder: Path, run: Run, counts: list[int]) -> bool:
    """Predict files that repeat the sample; every repetition has the same predictions."""
    rows, is_right = [], True
    header, *lines = (folder / "sample.csv").read_bytes().splitlines(keepends=True)
    for count in counts:
        large, answers = folder / "large.csv", folder / "answers.csv"
        with large.open("wb") as file:
            file.write(header)
            for start in range(0, count, len(lines)):
                file.writelines(lines[: count - start])
        began = time.monotonic()
        called = subprocess.run(
            [*_command(run), str(large), "--out", str(answers)],
            stderr=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        seconds, peak = time.monotonic() - began, int(called.stderr.split()[-1]) / 1024
        differing = _count_differing(answers, count)
        is_right &= differing == 0
        rows.append([f"{count:,}", f"{seconds:.0f}", f"{peak:,.0f}", f"{differing:,}"])
        large.unlink()
    _print(["rows", "seconds", "peak MB", "wrong or missing predictions"], rows)
    return is_right


def _count_differing(answers: Path, count: int) -> int:
    """Count rows that do not have the predictions of the same image in the first repetition."""
    first: list[str] = []
    missing = count
    with answers.open(encoding="utf-8") as file:
        next(file)
        for number, line in enumerate(file):
            _, row, answer = line.split(",", 2)
            if number < SAMPLE_ROWS:
                first.append(answer)
            missing -= int(row) == number and answer == first[number % SAMPLE_ROWS]
    return missing


def _predict_at_once(pixels: Path, run: Run, calls: int) -> bool:
    """Predict the sample in so many processes at once; all print the same."""
    command = [*_command(run), str(pixels)]
    expected = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    began = time.monotonic()
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(calls)
    ]
    answers = [process.communicate()[0] for process in processes]
    seconds = time.monotonic() - began
    wrong = sum(answer != expected for answer in answers)
    failed = sum(process.returncode != 0 for process in processes)
    _print(
        ["calls at once", "seconds", "failed", "other answers"],
        [[str(calls), f"{seconds:.0f}", str(failed), str(wrong)]],
    )
    return not wrong and not failed


def _train_many(data: hmnist.LesionDataset, out: Path, cells: int) -> bool:
    """Train many small models in one benchmark, with the baseline; note the memory after each."""
    memory, seeds = Memory(), -(-cells // 3)
    table = hmnist.benchmark(
        data,
        ["logistic", "lenet"],
        seeds=seeds,
        features="pixels",
        effort="quick",
        parameters={"lenet": {"epochs": 1}, "logistic": {"max_iter": 20}},
        out=out,
        watcher=memory,
    )
    rows = []
    for model, of_cell in memory.of_model.items():
        tenth, last = of_cell[min(9, seeds - 1)], of_cell[-1]
        counts = [f"{value:,.0f}" for value in (len(of_cell), tenth, last, max(of_cell))]
        rows.append([model, *counts, f"{last / tenth:.2f}"])
    header = [
        "cells of",
        "number",
        "MB after the tenth",
        "after the last",
        "most MB",
        "last / tenth",
    ]
    _print(header, rows)
    return all(len(of_cell) == seeds for of_cell in memory.of_model.values()) and all(
        row.seeds == seeds for row in table.rows
    )


def _command(run: Run) -> list[str]:
    return [sys.executable, "-c", PREDICT, "predict", str(run.folder), "--quiet"]


def _family(process: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield process
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                yield from _family(int(child))


def _resident(process: int) -> float:
    """Return the resident memory of a process in MB, 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def _print(header: list[str], rows: list[list[str]]) -> None:
    print(markdown_table(header, rows), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
