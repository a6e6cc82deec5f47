"""How long it takes to read a pixel file: ``python benchmarks/reading.py [FILE]``.

Three ways are measured in turn, several times: ``pandas.read_csv(dtype="uint8")``, the first
``hmnist.load`` of the file (with an empty cache) and the second (from the cache). Without FILE, a
file of random 28×28 RGB pixels is written to a temporary folder, with as many rows as the Kaggle
file or ``--rows``. Metadata beside the file are read as well. The file is read once beforehand, so
that it is in the system's memory for all three. *Peak* is the largest resident memory of a whole
process that reads the file in one way (``getrusage``, ``ru_maxrss``). Prints Markdown.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from hmnist.results.formatting import markdown_table
from hmnist.sources import load
from hmnist.sources.writing import format_rows, write_pixel_file

PIXELS = 28 * 28 * 3

PANDAS = 'pandas.read_csv(dtype="uint8")'

FIRST, SECOND = "hmnist.load, first", "hmnist.load, second"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="a pixel file")
    parser.add_argument("--rows", type=int, default=10_015, help="rows of random pixels")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        os.environ["HMNIST_CACHE"] = str(cache)
        path = arguments.file or make_file(Path(folder), arguments.rows)
        measure(path, cache, arguments.repeats)


def make_file(folder: Path, rows: int) -> Path:
    """Write random pixels and labels."""
    rng = np.random.default_rng(0)
    path = folder / "random_28_28_RGB.csv"
    with write_pixel_file(path, PIXELS) as file:
        for start in range(0, rows, 1000):
            count = min(1000, rows - start)
            images = rng.integers(0, 256, (count, PIXELS), dtype=np.uint8)
            file.write(format_rows(images, rng.integers(7, size=count)))
    return path


def measure(path: Path, cache: Path, repeats: int) -> None:
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass
    time.sleep(2.5)  # a file changed a moment ago is hashed at every reading
    # Before this process grows: a new process counts the memory of the one that starts it.
    peaks = {name: peak_megabytes(name, path) for name in (PANDAS, FIRST, SECOND)}
    times: dict[str, list[float]] = {name: [] for name in (PANDAS, FIRST, SECOND)}
    for _ in range(repeats):
        shutil.rmtree(cache, ignore_errors=True)
        times[PANDAS].append(seconds(lambda: pd.read_csv(path, dtype="uint8")))
        times[FIRST].append(seconds(lambda: load(path)))
        times[SECOND].append(seconds(lambda: load(path)))
    ratios = [first / pandas for first, pandas in zip(times[FIRST], times[PANDAS], strict=True)]
    print(f"{load(path)!r}, {path.stat().st_size / 1e6:.1f} MB; {os.cpu_count()} cores,")
    print(f"Python {platform.python_version()}, pandas {pd.__version__}, numpy {np.__version__}\n")
    rows = [[name, spread(values, 3), f"{peaks[name]:,.0f}"] for name, values in times.items()]
    rows.append([f"{FIRST} / pandas, pair by pair", spread(ratios, 2), ""])
    header = ["", f"seconds, median (least–most) of {repeats}", "peak MB"]
    print(markdown_table(header, rows))


def peak_megabytes(name: str, path: Path) -> float:
    """Read a file in a process of its own; return the largest resident memory."""
    read = (
        f"import pandas; pandas.read_csv({str(path)!r}, dtype='uint8')"
        if name == PANDAS
        else f"import hmnist; hmnist.load({str(path)!r})"
    )
    tell = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-c", f"{read}; {tell}"], check=True, capture_output=True, text=True
    )
    return int(done.stdout) / (1e6 if sys.platform == "darwin" else 1e3)


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
