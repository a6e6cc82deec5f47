"""How long hand-made features take: ``python benchmarks/features.py [FILE]``.

Filters and codebooks are fitted once on all images, then the images are described several times, at
one thread and at two in turn, after one run that is not counted. Without FILE, the images are the
generated sample. Seconds are per 1,000 images; processor seconds are those of all threads together
and suffer less from other work on the machine.
"""

import argparse
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

import hmnist
from hmnist.features.lesion import LesionFeatures

GROUPS = {
    " patch ": "patch filters",
    " code ": "codebook of colours",
    " lesion ": "shape",
    " asymmetry ": "shape",
    " gradient ": "texture",
    " pattern ": "texture",
    " spectrum ": "texture",
}


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
    times: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    features.transform(images[:256])
    for _ in range(repeats):
        for threads, found in times.items():
            features.set_params(n_jobs=threads)
            found.append(_seconds(lambda: features.transform(images)))
    print(f"\nseconds per 1,000 images, median (least–most) of {repeats}:\n")
    print("| threads | wall clock | processor |\n|---:|---:|---:|")
    for threads, found in times.items():
        cells = []
        for values in zip(*found, strict=True):
            scaled = sorted(value / len(images) * 1000 for value in values)
            cells.append(f"{statistics.median(scaled):.2f} ({scaled[0]:.2f}–{scaled[-1]:.2f})")
        print(f"| {threads} | {' | '.join(cells)} |")


def _print_groups(features: LesionFeatures) -> None:
    counts = Counter(_group(name) for name in features.get_feature_names_out())
    print("\n| group | columns |\n|---|---:|")
    for group, count in counts.items():
        print(f"| {group} | {count:,} |")
    print(f"| all | {features.n_features_out:,} |")


def _group(name: str) -> str:
    found = (group for mark, group in GROUPS.items() if mark in name)
    return next(found, "colour")


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall-clock and processor seconds."""
    started, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - worked


if __name__ == "__main__":
    main()
