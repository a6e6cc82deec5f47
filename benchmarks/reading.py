"""How long it takes to read a pixel file: ``python benchmarks/reading.py [FILE]``.

Three readings take turns, seven times: a bare ``pandas.read_csv(dtype="uint8")``, the first
``hmnist.load`` of the file (with an empty cache) and the second (from the cache). Without FILE, a
file of 10,015 rows of 28×28 RGB pixels is made up in a temporary folder. Metadata beside the file
is read, too. The file is read once beforehand, so that all find it in the system's memory.
"""

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from hmnist.sources import load

ROWS, PIXELS, REPEATS = 10_015, 28 * 28 * 3, 7


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        os.environ["HMNIST_CACHE"] = str(cache)
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else make_file(Path(folder))
        measure(path, cache)


def make_file(folder: Path) -> Path:
    """Write as many random pixels as the Kaggle file has."""
    random = np.random.default_rng(0)
    path = folder / "random_28_28_RGB.csv"
    with path.open("w") as file:
        file.write(",".join([f"pixel{index:04d}" for index in range(PIXELS)] + ["label"]) + "\n")
        for _ in range(ROWS):
            row = [*random.integers(0, 256, PIXELS).tolist(), int(random.integers(7))]
            file.write(",".join(map(str, row)) + "\n")
    return path


def measure(path: Path, cache: Path) -> None:
    path.read_bytes()
    data = load(path)
    time.sleep(2.5)  # a file changed a moment ago is hashed at every reading
    pandas, first, second = [], [], []
    for _ in range(REPEATS):
        shutil.rmtree(cache, ignore_errors=True)
        pandas.append(seconds(lambda: pd.read_csv(path, dtype="uint8")))
        first.append(seconds(lambda: load(path)))
        second.append(seconds(lambda: load(path)))
    print(f"{data!r}, {path.stat().st_size / 1e6:.1f} MB; {os.cpu_count()} cores,")
    print(f"Python {platform.python_version()}, pandas {pd.__version__}, numpy {np.__version__}")
    print(f"seconds, median (least–most) of {REPEATS}:")
    for name, times in (
        ('pandas.read_csv(dtype="uint8")', pandas),
        ("hmnist.load, first", first),
        ("hmnist.load, second", second),
    ):
        print(f"  {name:32}{median(times):.3f} ({min(times):.3f}–{max(times):.3f})")
    ratios = [one / other for one, other in zip(first, pandas, strict=True)]
    print(
        f"first / pandas, pair by pair: {median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
    )


def seconds(read: Callable[[], object]) -> float:
    started = time.perf_counter()
    read()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
