"""How time and memory grow with the number of images: ``python benchmarks/scaling.py``.

For each number of rows, a synthetic pixel file is written; it is read, divided and oversampled, and
models are fitted on its training part, with features that an earlier step has computed, and predict
10,000 test images. Each step runs in a fresh process. *Seconds* are those of the step itself,
without imports and without opening the data. *Peak* is the largest resident memory of the whole
process (``getrusage``, ``ru_maxrss``), with libraries and with those pages of mapped files that it
holds at that time. The exponent is the slope of the logarithms against those of the rows: 1 is
proportional, 0 constant.

Each result is kept in the folder ``--out``, so that an interrupted script goes on where it stopped;
so are the pixel files (9 GB for a million rows) and the cache. Prints Markdown.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import hmnist
from hmnist.features.store import keep_results
from hmnist.models.inputs import FeatureExtractor
from hmnist.results.formatting import markdown_table
from hmnist.sources.sample import write_sample

MODELS: dict[str, dict[str, Any]] = {
    "logistic": {"max_iter": 10},
    "xgboost": {"n_estimators": 5, "linear_start": True},
    "mlp": {"epochs": 2, "effort": "quick"},
    "cnn": {"epochs": 1, "effort": "quick"},
}
"""The models that are fitted, with the parameters that make them quick."""

PREDICTED = 10_000  # images

Work = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS), metavar="STEP")
    parser.add_argument("--out", type=Path, default=Path("hmnist-scaling"))
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)  # one step, in its own process
    arguments = parser.parse_args()
    out = arguments.out.absolute()
    if arguments.run:
        step, rows = arguments.run
        print(json.dumps(measure(step, rows, out)))
        return
    results: dict[str, list[dict[str, float]]] = {step: [] for step in arguments.steps}
    for rows in arguments.rows:
        for step in arguments.steps:
            results[step].append(result(step, rows, out))
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores\n")
    for measured, digits in (("seconds", 1), ("peak_mb", 0)):
        print_table(measured, digits, arguments.rows, results)


def result(step: str, rows: int, out: Path) -> dict[str, float]:
    """Measure a step in a process of its own, or return what was measured before."""
    kept = out / str(rows) / f"{step}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, __file__, "--out", str(out), "--run", step, str(rows)]
        environment = {**os.environ, "HMNIST_CACHE": str(kept.parent / "cache")}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        kept.write_bytes(done.stdout.splitlines()[-1])
        print(f"{rows:,} {step}: {kept.read_text()}", file=sys.stderr, flush=True)
    measured: dict[str, float] = json.loads(kept.read_text())
    return measured


def measure(step: str, rows: str, out: Path) -> dict[str, float]:
    """Prepare and run a step in this process."""
    work = STEPS[step](out / rows)
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak_mb": peak / (1e6 if sys.platform == "darwin" else 1e3)}


def print_table(
    measured: str, digits: int, rows: list[int], results: dict[str, list[dict[str, float]]]
) -> None:
    lines = []
    for step, of_step in results.items():
        values = [each[measured] for each in of_step]
        cells = [f"{value:,.{digits}f}" for value in values]
        if len(rows) > 1:
            cells.append(f"{np.polyfit(np.log(rows), np.log(values), 1)[0]:.2f}")
        lines.append([step, *cells])
    header = [measured.replace("_mb", " MB"), *(f"{number:,} rows" for number in rows)]
    print(markdown_table([*header, "exponent"][: len(lines[0])], lines), end="\n\n")


# Each function prepares a step in a folder, whose name is the number of rows, and returns what is
# measured.


def prepare_sample(folder: Path) -> Work:
    for old in folder.glob("*.csv"):
        old.unlink()
    return partial(write_sample, folder / "sample.csv", int(folder.name))


def prepare_first_read(folder: Path) -> Work:
    shutil.rmtree(folder / "cache", ignore_errors=True)
    time.sleep(2.5)  # a file changed a moment ago is hashed at every reading
    return partial(load, folder)


def prepare_second_read(folder: Path) -> Work:
    return partial(load, folder)


def prepare_split(folder: Path) -> Work:
    data = load(folder)
    return lambda: (data.digest, hmnist.split(data).train.digest)


def prepare_oversample(folder: Path) -> Work:
    training = hmnist.split(load(folder)).train
    return lambda: hmnist.oversample(training, "random").apply(training)


def prepare_features(folder: Path) -> Work:
    images = hmnist.split(load(folder)).train.images

    def extract() -> None:
        with keep_results():  # the models open them
            FeatureExtractor("lesion").fit_transform(images, seed=0)

    return extract


def prepare_fit(name: str, folder: Path) -> Work:
    training = hmnist.split(load(folder)).train
    model = make(name)

    def fit() -> None:
        with keep_results():
            model.fit(training.images, training.labels)
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
        model.save_state(folder / name)

    return fit


def prepare_predict(name: str, folder: Path) -> Work:
    images = hmnist.split(load(folder)).test.images
    repeated = images[np.arange(PREDICTED) % len(images)]
    model = make(name)
    model.load_state(folder / name)
    return partial(model.predict_proba, repeated)


def load(folder: Path) -> hmnist.LesionDataset:
    return hmnist.load(folder / "sample.csv")


def make(name: str) -> Any:
    return hmnist.make_model(name, random_state=0, **MODELS[name])


STEPS: dict[str, Callable[[Path], Work]] = {
    "sample": prepare_sample,
    "first-read": prepare_first_read,
    "second-read": prepare_second_read,
    "split": prepare_split,
    "oversample": prepare_oversample,
    "features": prepare_features,
    **{f"fit-{name}": partial(prepare_fit, name) for name in MODELS},
    **{f"predict-{name}": partial(prepare_predict, name) for name in MODELS},
}
"""The steps, in the order in which they need each other's files."""


if __name__ == "__main__":
    main()
