"""How long it takes to read a pixel file: ``python benchmarks/reading.py [FILE]``.

Three ways are measured in turn, seven times: ``pandas.read_csv(dtype="uint8")``, the first
``hmnist.load`` of the file (with an empty cache) and the second (from the cache). Without FILE, a
file of 10,015 rows of random 28×28 RGB pixels is written to a temporary folder. Metadata beside the
file are read as well. The file is read once beforehand, so that it is in the system's memory for
all three. Prints Markdown.
"""

import argparse
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from hmnist.results.formatting import markdown_table
from hmnist.sources import load

ROWS, PIXELS, REPEATS = 10_015, 28 * 28 * 3, 7

PANDAS = 'pandas.read_csv(dtype="uint8")'

FIRST, SECOND = "hmnist.load, first", "hmnist.load, second"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="a pixel file")
    path = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        os.environ["HMNIST_CACHE"] = str(cache)
        measure(path or make_file(Path(folder)), cache)


def make_file(folder: Path) -> Path:
    """Write as many random pixels as the Kaggle file has."""
    rng = np.random.default_rng(0)
    path = folder / "random_28_28_RGB.csv"
    with path.open("w") as file:
        file.write(",".join([f"pixel{index:04d}" for index in range(PIXELS)] + ["label"]) + "\n")
        for _ in range(ROWS):
            row = [*rng.integers(0, 256, PIXELS).tolist(), int(rng.integers(7))]
            file.write(",".join(map(str, row)) + "\n")
    return path


def measure(path: Path, cache: Path) -> None:
    path.read_bytes()
    data = load(path)
    time.sleep(2.5)  # a file changed a moment ago is hashed at every reading
    times: dict[str, list[float]] = {name: [] for name in (PANDAS, FIRST, SECOND)}
    for _ in range(REPEATS):
        shutil.rmtree(cache, ignore_errors=True)
        times[PANDAS].append(seconds(lambda: pd.read_csv(path, dtype="uint8")))
        times[FIRST].append(seconds(lambda: load(path)))
        times[SECOND].append(seconds(lambda: load(path)))
    ratios = [first / pandas for first, pandas in zip(times[FIRST], times[PANDAS], strict=True)]
    print(f"{data!r}, {path.stat().st_size / 1e6:.1f} MB; {os.cpu_count()} cores,")
    print(f"Python {platform.python_version()}, pandas {pd.__version__}, numpy {np.__version__}\n")
    rows = [[name, spread(values, 3)] for name, values in times.items()]
    rows.append([f"{FIRST} / pandas, pair by pair", spread(ratios, 2)])
    print(markdown_table(["", f"seconds, median (least–most) of {REPEATS}"], rows))


def spread(values: list[float], digits: int) -> str:
    """Return median, least and most."""
    middle, least, most = (
        f"{value:.{digits}f}" for value in (median(values), min(values), max(values))
    )
    return f"{middle} ({least}–{most})"


def seconds(read: Callable[[], object]) -> float:
    started = time.perf_counter()
    read()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
