"""How long the features take: ``python benchmarks/features.py [FILE]``.

Filters and codebooks are fitted once on all images. Then the features of the images are computed
several times, with one thread and with two in turn, after one run that is not counted. Without
FILE, the images are the synthetic sample. Seconds are per 1,000 images; processor seconds are those
of all threads together, and depend less on other work on the machine. The last column compares
them with those of a matrix product of numpy on one thread, measured just before each run: it
depends least on the machine. Prints Markdown.
"""

import argparse
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

import hmnist
from hmnist.features.lesion import LesionFeatures
from hmnist.results.formatting import markdown_table

_SIDE = 1024

GROUPS = {
    " patch ": "patch filters",
    " code ": "codebook of colours",
    " lesion ": "shape",
    " asymmetry ": "shape",
    " gradient ": "texture",
    " pattern ": "texture",
    " spectrum ": "texture",
}
"""Groups of features by a part of their names; all other features are colours."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", default="sample", help="a pixel file")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    data = hmnist.load(arguments.file)
    features = LesionFeatures()
    wall, processor = _seconds(lambda: features.fit(data.images))
    print(f"{data!r}\nPython {platform.python_version()}, numpy {np.__version__}")
    print(f"fit: {wall:.2f} s, processor {processor:.2f} s")
    _print_times(features, data.images, arguments.repeats)
    _print_groups(features)


def _print_times(features: LesionFeatures, images: np.ndarray, repeats: int) -> None:
    times: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}
    features.transform(images[:256])
    for _ in range(repeats):
        for threads, measured in times.items():
            features.set_params(n_jobs=threads)
            product = _product_seconds()
            wall, processor = _seconds(lambda: features.transform(images))
            measured.append((wall, processor, processor / product))
    rows = []
    for threads, measured in times.items():
        rows.append([str(threads)])
        for values in zip(*measured, strict=True):
            scaled = sorted(value / len(images) * 1000 for value in values)
            rows[-1].append(f"{statistics.median(scaled):.2f} ({scaled[0]:.2f}–{scaled[-1]:.2f})")
    print(f"\nper 1,000 images, median (least–most) of {repeats}: seconds, and products of two")
    print(f"float32 matrices of {_SIDE}×{_SIDE}\n")
    print(markdown_table(["threads", "wall clock", "processor", "matrix products"], rows))


def _print_groups(features: LesionFeatures) -> None:
    counts = Counter(_group(name) for name in features.get_feature_names_out())
    rows = [[group, f"{count:,}"] for group, count in counts.items()]
    rows.append(["all", f"{features.n_features_out:,}"])
    print(f"\n{markdown_table(['group', 'columns'], rows)}")


def _group(name: str) -> str:
    return next((group for mark, group in GROUPS.items() if mark in name), "colour")


def _product_seconds() -> float:
    """Return the processor seconds of one matrix product."""
    matrix = np.ones((_SIDE, _SIDE), np.float32)
    with threadpool_limits(1):
        return min(_seconds(lambda: matrix @ matrix)[1] for _ in range(20))


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall-clock and processor seconds."""
    started, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - worked


if __name__ == "__main__":
    main()
