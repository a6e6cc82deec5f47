"""How long a newcomer waits: ``python benchmarks/first_minute.py``.

``hmnist benchmark`` runs without data, in an empty folder and with an empty cache, several times.
Measured are the seconds until a model's line appears, and until the table is printed. Beside each,
a fresh process imports TensorFlow, which tells how fast the machine is at that time. Prints
Markdown.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hmnist.results.formatting import markdown_table

BENCHMARK = "from hmnist.cli import main; main()"
IMPORT = "import tensorflow"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    seconds: dict[str, list[float]] = {}
    for _ in range(repeats):
        for name, value in measure().items():
            seconds.setdefault(name, []).append(value)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    rows = [
        [name, f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"]
        for name, values in seconds.items()
    ]
    print(markdown_table(["", f"seconds, median (least–most) of {repeats}"], rows))


def measure() -> dict[str, float]:
    """Return the seconds until each line appears."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORT], check=True, capture_output=True)
    seconds = {IMPORT: time.perf_counter() - start}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "HMNIST_CACHE": str(Path(folder) / "cache")}
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", BENCHMARK, "benchmark"],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.match(r"\[\d+/\d+\] ([\w-]+)", line):
                seconds[found[1]] = time.perf_counter() - start
        if process.wait():
            raise SystemExit("The benchmark failed.")
        seconds["the table"] = time.perf_counter() - start
    return seconds


if __name__ == "__main__":
    main()
