"""How long predictions take: ``python benchmarks/prediction.py [RUN…]``.

Without RUN, small models are trained on the synthetic sample; their networks have as many weights
as those of a whole training, which is what the time depends on. Trees may be fewer and smaller, so
that runs of real data tell more about them.

The first table is about many images in a process that has predicted before; beside each
repetition a matrix product of TensorFlow is measured, which tells how fast the processor is at that
time. The second is about one photograph and a fresh process, ``hmnist predict``: with LiteRT,
without, and with an export of the run. Processor seconds are those of all threads together, and
depend less on other work on the machine. Prints Markdown.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

import hmnist
from hmnist.arrays import Pixels
from hmnist.hardware import use_threads
from hmnist.models.litert import LITERT_FILE, LiteNetworks, find_litert
from hmnist.models.network_model import NetworkModel
from hmnist.results.formatting import markdown_table
from hmnist.runs.run import Run

MODELS = {
    "cnn quick": ("cnn", "quick", {"epochs": 1}),
    "cnn standard": ("cnn", "standard", {"epochs": 1}),
    "cnn on pixels": ("cnn", "standard", {"epochs": 1, "perceptrons": 0}),
    "mlp": ("mlp", "standard", {"epochs": 1}),
    "logistic": ("logistic", "standard", {}),
    "xgboost": ("xgboost", "standard", {}),
}
"""Model, effort and parameters."""

SIDE, PRODUCTS = 2048, 4  # of the matrices, and how often they are multiplied

PREDICT = "from hmnist.cli import main; main()"

WITHOUT_LITERT = "from hmnist.runs import few_images; few_images.find_litert = lambda _: None; "


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="run folders")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    threads = f"{arguments.threads} threads, {arguments.repeats} repetitions"
    print(f"Python {platform.python_version()}, {platform.machine()}, {threads}\n")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        runs = {path.name: hmnist.open_run(path) for path in arguments.runs}
        runs = runs or {name: _train(name, folder, arguments.threads) for name in MODELS}
        images = _draw_images(arguments.images)
        _print_many(runs, images, arguments.repeats)
        _print_single(runs, folder, arguments.repeats)


def _train(name: str, folder: Path, threads: int) -> Run:
    model, effort, parameters = MODELS[name]
    data = hmnist.load_sample(rows=400)
    out = folder / name.replace(" ", "-")
    return hmnist.train(data, model, effort=effort, threads=threads, out=out, parameters=parameters)


def _draw_images(count: int) -> Pixels:
    images = hmnist.load_sample(rows=400).images
    return images[np.arange(count) % len(images)]


def _print_many(runs: dict[str, Run], images: Pixels, repeats: int) -> None:
    rows = []
    for name, run in runs.items():
        ways: dict[str, Callable[[Pixels], object]] = {
            "TensorFlow" if isinstance(run.model, NetworkModel) else "": run.model.predict_proba
        }
        if (path := find_litert(run.model_folder)) is not None and _reads_images(path):
            ways["LiteRT"] = LiteNetworks(path)
        for way, predict in ways.items():
            rows.append([f"{name} {way}".strip(), *_measure_many(predict, images, repeats)])
    header = ["model", "wall s", "processor s", "wall s × matrix product, TFLOP"]
    print(f"{len(images):,} images, median (least–most):\n\n{markdown_table(header, rows)}\n")


def _reads_images(path: Path) -> bool:
    return len(LiteNetworks(path).input_shape) == 3


def _measure_many(predict: Callable[[Pixels], object], images: Pixels, repeats: int) -> list[str]:
    predict(images[:256])
    measured = []
    for _ in range(repeats):
        before = _matrix_speed()
        wall, processor = _seconds(lambda: predict(images))
        speed = (before + _matrix_speed()) / 2
        measured.append((wall, processor, wall * speed / 1e12))
    return [_spread(values) for values in zip(*measured, strict=True)]


def _matrix_speed() -> float:
    """Return the floating-point operations per second of a float32 matrix product."""
    matrix = tf.ones((SIDE, SIDE))
    wall, _ = _seconds(lambda: _multiply(matrix))
    return PRODUCTS * 2 * SIDE**3 / wall


def _multiply(matrix: tf.Tensor) -> None:
    for _ in range(PRODUCTS):
        product = tf.matmul(matrix, matrix)
    product.numpy()  # TensorFlow may still compute until its numbers are asked for


def _print_single(runs: dict[str, Run], folder: Path, repeats: int) -> None:
    photograph = folder / "photograph.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (450, 600, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(photograph)
    rows = []
    for name, run in runs.items():
        for way, (code, opened) in _find_ways(run, folder / "exports" / name).items():
            command = [sys.executable, "-c", code, "predict", str(opened), str(photograph)]
            measured = [_process_seconds(command) for _ in range(repeats + 1)][1:]
            spreads = [_spread(values) for values in zip(*measured, strict=True)]
            rows.append([f"{name} {way}".strip(), *spreads])
    header = ["model", "wall s", "processor s"]
    print(
        f"one photograph, a fresh process, median (least–most):\n\n{markdown_table(header, rows)}"
    )


def _find_ways(run: Run, exports: Path) -> dict[str, tuple[str, Path]]:
    """Return the ways to predict with a run: the code, and the folder that it opens."""
    if not (run.model_folder / LITERT_FILE).is_file():
        return {"": (PREDICT, run.folder)}
    ways = {
        "LiteRT": (PREDICT, run.folder),
        "TensorFlow": (WITHOUT_LITERT + PREDICT, run.folder),
        "exported for LiteRT": (PREDICT, hmnist.export_run(run, out=exports / "litert").folder),
    }
    if isinstance(run.model, NetworkModel) and run.model.is_traceable:
        folder = hmnist.export_run(run, "onnx", exports / "onnx").folder
        ways["exported for ONNX"] = (PREDICT, folder)
    return ways


def _process_seconds(command: list[str]) -> tuple[float, float]:
    """Return wall-clock seconds of a process and its processor seconds."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - start, os.times()
    worked = after.children_user + after.children_system
    return wall, worked - before.children_user - before.children_system


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall-clock and processor seconds."""
    started, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - worked


def _spread(values: tuple[float, ...]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


if __name__ == "__main__":
    main()
