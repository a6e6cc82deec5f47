"""Sound files of every kind, as small as they can be: what is damaged afterwards."""

import dataclasses
import gzip
from collections.abc import Container
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import hmnist
from hmnist.sources.writing import format_rows

MODELS: dict[str, dict[str, Any]] = {
    "logistic": {"max_iter": 5},
    "hist-gbdt": {"max_iter": 3},
    "xgboost": {"n_estimators": 3},
    "mlp": {"epochs": 2, "widths": (4,), "networks": 1},
    "cnn": {"epochs": 1, "widths": (4, 6), "perceptrons": 1, "distillation": 0.0},
}
"""The models, and the parameters that make them small."""

EXPORTS = {"litert": ("mlp", "litert"), "onnx": ("mlp", "onnx"), "litert-parts": ("cnn", "litert")}
"""The exports, each with its model and its format."""

SETTINGS = """\
effort = "quick"
seed = 3
threads = 1
decide = "natural"
oversample = "random"
rare = ["df", "vasc"]
rare_to = 9
split = "image"
metadata = "none"
patients = "no"
features = "pixels"
sensitivity = 0.8
device = "cpu"
seeds = 2
jobs = 1
sort = "accuracy"
models = ["majority"]
"""


def make_bases(folder: Path, names: Container[str]) -> None:
    """Write a folder of sound files of each name; those of data take no time, and come always."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (28, 4, 4, 3), np.uint8), np.arange(28) % 7
    for base in ("pixels", "pixels-gz", "cache", "npz", "tables", "settings"):
        (folder / base).mkdir()
    columns = [*(f"pixel{number:04d}" for number in range(48)), "label"]
    text = ",".join(columns).encode() + b"\n" + format_rows(images, labels)
    for base in ("pixels", "cache", "tables", "settings"):
        (folder / base / "pixels.csv").write_bytes(text)
    (folder / "pixels-gz" / "pixels.csv.gz").write_bytes(gzip.compress(text, mtime=0))
    (folder / "settings" / "hmnist.toml").write_text(SETTINGS)
    _fill_cache(folder / "cache")
    parts = {"train": slice(0, 14), "val": slice(14, 21), "test": slice(21, 28)}
    arrays: dict[str, Any] = {}
    for part, rows in parts.items():
        arrays |= {f"{part}_images": images[rows], f"{part}_labels": labels[rows, None]}
    np.savez(folder / "npz" / "derma.npz", **arrays)
    _write_tables(folder / "tables", labels)
    _write_photographs(folder / "photographs", rng)
    _train(folder, names)


def _fill_cache(folder: Path) -> None:
    from benchmarks.fuzzing.kinds import use_cache

    use_cache(folder)
    for entry in (folder / "cache" / "pixels").glob("*.pixels"):
        other = entry.with_name("0" * 32 + ".pixels")  # the same name every time
        entry.rename(other)
        for note in other.parent.glob("*.seen"):
            note.write_text(note.read_text().replace(entry.name, other.name))


def _write_tables(folder: Path, labels: "np.typing.NDArray[np.int64]") -> None:
    lines = ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
    for row, label in enumerate(labels.tolist()):
        age = "" if row == 5 else str(20 + row) + ".0"
        lines.append(f"HAM_{row},ISIC_{row},{hmnist.CODES[label]},histo,{age},male,back")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    parts = ["train"] * 14 + ["val"] * 7 + ["test"] * 7
    lines = [f"ISIC_{row},{part}" for row, part in enumerate(parts)]
    (folder / "split.csv").write_text("\n".join(["image_id,part", *lines]) + "\n")


def _write_photographs(folder: Path, rng: np.random.Generator) -> None:
    (folder / "images").mkdir(parents=True)
    lines = ["lesion_id,image_id,dx"]
    for row, code in enumerate(hmnist.CODES):
        image = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        image.save(folder / "images" / f"ISIC_{row}.{'jpg' if row % 2 else 'png'}")
        lines.append(f"HAM_{row},ISIC_{row},{code}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")


def small_sample() -> hmnist.LesionDataset:
    """Return generated lesions of 8×8 pixels, enough of which validate to know unlike images."""
    data = hmnist.load_sample(rows=200)
    return dataclasses.replace(data, images=data.images[:, 2:26:3, 2:26:3].copy())


def _train(folder: Path, names: Container[str]) -> None:
    data = small_sample()
    of_model = {
        model: {model, *(export for export, (of, _) in EXPORTS.items() if of == model)}
        for model in MODELS
    }
    settings: Any = {"effort": "quick", "threads": 1}
    for model, parameters in MODELS.items():
        if any(name in names for name in of_model[model]):
            features = "lesion" if model == "logistic" else "pixels"
            out = folder / model
            hmnist.train(data, model, parameters=parameters, features=features, out=out, **settings)
    for export, (model, form) in EXPORTS.items():
        if export in names:
            hmnist.export_run(hmnist.open_run(folder / model), form, folder / export)
    if "benchmark" in names:
        models = ["logistic", "xgboost"]
        hmnist.benchmark(
            data,
            [*models, "ensemble"],
            parameters={model: MODELS[model] for model in models},
            features="pixels",
            out=folder / "benchmark",
            **settings,
        )
