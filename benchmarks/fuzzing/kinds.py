"""The kinds of files that are damaged, and what a user does with each of them.

Each function is given a folder with one damaged file, and returns the answers that have to be those
of the sound folder where nobody made digests right again. It raises `WrongAnswerError` for answers
that are wrong by themselves; what else it raises is judged by `benchmarks.fuzzing.cases`.
"""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

import hmnist
from benchmarks.fuzzing.readers import read_archive, read_pixels, read_table
from hmnist.arrays import Array

IMAGES = 3

Answers = dict[str, Array]


class WrongAnswerError(Exception):
    """What came out of a damaged file is wrong, and nothing said so."""


@dataclass(frozen=True)
class Kind:
    """A kind of files.

    Attributes
    ----------
    base : str
        The folder with a sound file of this kind (`benchmarks.fuzzing.bases`).
    damaged : str
        A pattern: which files of the folder are damaged.
    use : callable
        What a user does in a folder; returns the answers.
    share : float
        How many cases there are of it, as a multiple of the others.
    signed : bool or None
        Whether a damaged file may say something else than the sound one: it has no digest, or a
        digest that was made right again. None: in half of the cases.
    """

    base: str
    damaged: str
    use: Callable[[Path], Answers]
    share: float = 1.0
    signed: bool | None = None


def require(is_right: object, problem: str) -> None:
    """Raise a WrongAnswerError with a sentence if something is not right."""
    if not is_right:
        raise WrongAnswerError(problem)


def use_pixels(folder: Path, *, name: str = "pixels.csv") -> Answers:
    """Load a pixel file: the values are those that a slow reader finds."""
    data = hmnist.load(folder / name, metadata=False)
    try:
        expected = read_pixels(folder / name)
    except Exception as error:
        raise WrongAnswerError(f"it was read, and a slow reader says: {error}") from error
    found = np.column_stack([data.images.reshape(len(data), -1), data.labels])
    require(np.array_equal(found, expected), "other pixels or labels than a slow reader's")
    return {}


def use_cache(folder: Path) -> Answers:
    """Load a pixel file that has a damaged entry in the cache."""
    with (
        patch.dict("os.environ", {"HMNIST_CACHE": str(folder / "cache")}),
        patch("hmnist.sources.cache.SMALLEST_FILE", 0),
        patch("hmnist.sources.cache.SETTLED", -(10**18)),  # the notes count at once
    ):
        return use_pixels(folder)


def use_archive(folder: Path) -> Answers:
    """Load a MedMNIST file: images and labels are those that a slow reader finds."""
    data = hmnist.load(folder / "derma.npz")
    try:
        arrays = read_archive(folder / "derma.npz")
        images = np.concatenate([arrays[f"{part}_images"] for part in ("train", "val", "test")])
        labels = np.concatenate(
            [arrays[f"{part}_labels"].reshape(-1) for part in ("train", "val", "test")]
        )
    except Exception as error:
        raise WrongAnswerError(f"it was read, and a slow reader says: {error}") from error
    require(np.array_equal(data.images, images.reshape(data.images.shape)), "other images")
    in_kaggle_order = np.array([0, 1, 2, 3, 6, 4, 5])[labels.astype(int)]
    require(np.array_equal(data.labels, in_kaggle_order), "other labels")
    return {}


def use_metadata(folder: Path) -> Answers:
    """Load a pixel file with its metadata: ids, diagnoses and ages are those of the file."""
    path = folder / "metadata.csv"
    data = hmnist.load(folder / "pixels.csv", metadata=path)
    try:
        names, rows = read_table(path)
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        ages = [float(age) if age.strip() else np.nan for age in columns.get("age", [])]
    except Exception as error:
        raise WrongAnswerError(f"it was read, and a slow reader says: {error}") from error
    if data.metadata is None or data.lesion_ids is None:
        raise WrongAnswerError("it was read, and has neither metadata nor lesions")
    require(data.lesion_ids.tolist() == columns["lesion_id"], "other lesions")
    require([hmnist.CODES[label] for label in data.labels] == columns["dx"], "other diagnoses")
    require(data.metadata["image_id"].tolist() == columns["image_id"], "other image ids")
    if ages:
        found = data.metadata["age"].to_numpy()
        require(np.array_equal(found, ages, equal_nan=True), "other ages")
    return {}


def use_split_file(folder: Path) -> Answers:
    """Split by the user's own file: the parts are those of the file."""
    path = folder / "split.csv"
    data = hmnist.load(folder / "pixels.csv", metadata=folder / "metadata.csv")
    split = hmnist.split(data, by=path)
    names, rows = read_table(path)
    by_id = "image_id" in names
    image, part = names.index("image_id" if by_id else "row"), names.index("part")
    known = [str(name) for name in (data.image_ids if by_id else range(len(data)))]  # type: ignore[union-attr]  # they are known
    expected: dict[str, set[int]] = {"train": set(), "validation": set(), "test": set()}
    for row in rows:
        name = row[part].strip()
        expected["validation" if name == "val" else name].add(known.index(row[image].strip()))
    found = {name: set(indices.tolist()) for name, indices in split.indices.items()}
    require(found == expected, "other parts")
    return {}


def use_photographs(folder: Path) -> Answers:
    """Make a pixel file of photographs: all but the damaged one are as Pillow shrinks them."""
    from hmnist.sources.images import load_images

    file, _ = hmnist.from_images(
        folder / "images", folder / "metadata.csv", folder / "made_8_8_RGB.csv", size=(8, 8), jobs=1
    )
    names, rows = read_table(folder / "metadata.csv")
    ids = [row[names.index("image_id")] for row in rows]
    paths = [next((folder / "images").glob(f"{name}.*")) for name in ids]
    made = hmnist.load(file).images
    differing = sum(
        not np.array_equal(_shrink(path), image) for path, image in zip(paths, made, strict=True)
    )
    require(differing <= 1, "other pixels than those of the photographs")
    require(load_images(folder / "images", (8, 8, 3)).images.shape[1:] == (8, 8, 3), "other shape")
    return {}


def _shrink(path: Path) -> Array:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.LANCZOS))


def use_settings(folder: Path) -> Answers:
    """Run a command in a folder with a damaged ``hmnist.toml``."""
    words = ["train", "majority", "pixels.csv", "--out", "run", "--quiet"]
    call("hmnist", *words, folder=folder)
    return {}


def call(*words: str, folder: Path) -> None:
    """Call the command line; its errors are raised again as what it raises for them."""
    from hmnist.cli import main

    text = io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(text),
        contextlib.redirect_stderr(text),
        patch("sys.argv", list(words)),
    ):
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    if code in {2, 3, 4} or (code == 1 and "Error: " in text.getvalue()):
        raise hmnist.HmnistError(text.getvalue())
    require(code == 0, f"exit code {code}")


def use_run(folder: Path, *, with_model: bool = False) -> Answers:
    """Open a run, predict three images, and read everything that it knows of itself."""
    run, images = hmnist.open_run(folder), _images()
    answers: dict[str, Any] = {
        "probabilities": run.predict_proba(images),
        "predicted": run.predict(images),
        "seen": run.find_seen(hmnist.LesionDataset(images, np.zeros(len(images), np.int64))).any,
        "scores": list(run.scores.values()),
        **{part: run.part(part).probabilities for part in ("validation", "test")},
    }
    if (unfamiliar := run.is_unfamiliar(images)) is not None:
        answers["unfamiliar"] = unfamiliar
    if run.history is not None:
        answers["history"] = run.history.to_numpy()
    if with_model:
        answers["model"] = run.model.predict_proba(images)
    return _check({name: np.asarray(answer) for name, answer in answers.items()})


def use_manifest(folder: Path) -> Answers:
    """List a run with a damaged manifest, show it, and open it."""
    for command in ("list", "show"):
        with contextlib.suppress(hmnist.HmnistError):
            call("hmnist", "runs", command, ".", folder=folder)
    return use_run(folder)


def use_ensemble(folder: Path) -> Answers:
    """Open an ensemble of which a file, or one of a member, is damaged."""
    [ensemble] = folder.glob("ensemble-*")
    return use_run(ensemble)


def use_table(folder: Path) -> Answers:
    """Read a benchmark's table, print it in every format, and compare its rows."""
    from hmnist.results.benchmark_folder import open_table
    from hmnist.results.compared_runs import find_rows
    from hmnist.results.table import FORMATS

    table = open_table(folder)
    str(table.sorted("accuracy"))
    for form in FORMATS[1:]:
        table.format(form)
    table.to_pandas()
    str(hmnist.compare_runs(find_rows([folder])).sentences())
    return {}


def use_export(folder: Path) -> Answers:
    """Predict three images with an export."""
    return _check({"probabilities": hmnist.open_model(folder).predict_proba(_images())})


def _images() -> Array:
    return np.random.default_rng(0).integers(0, 256, (IMAGES, 8, 8, 3), np.uint8)


def _check(answers: Answers) -> Answers:
    """Return answers whose probabilities are probabilities."""
    for name in {"probabilities", "model", "validation", "test"} & answers.keys():
        rows = answers[name]
        is_right = (
            rows.ndim == 2
            and rows.shape[1] == len(hmnist.CODES)
            and bool(np.isfinite(rows).all())
            and bool((rows >= 0).all())
            and np.allclose(rows.sum(axis=1), 1, atol=1e-3)  # as scores are willing to take
        )
        require(is_right, f"{name} that are not probabilities")
    require(len(answers["probabilities"]) == IMAGES, "rows for other images")
    require(not np.isinf(answers.get("scores", np.zeros(1))).any(), "scores that are infinite")
    return answers


def compare(found: Answers, expected: Answers) -> None:
    """Raise a WrongAnswerError unless answers are those that are expected."""
    require(found.keys() == expected.keys(), f"other answers: {found.keys() ^ expected.keys()}")
    for name, answer in expected.items():
        same = found[name].shape == answer.shape and np.allclose(
            found[name].astype(float), answer.astype(float), rtol=0, atol=1e-6, equal_nan=True
        )
        require(same, f"other {name} than the sound file's")


_with_model = partial(use_run, with_model=True)

KINDS: dict[str, Kind] = {
    "pixels": Kind("pixels", "pixels.csv", use_pixels, 2, signed=True),
    "pixels-gz": Kind(
        "pixels-gz", "pixels.csv.gz", partial(use_pixels, name="pixels.csv.gz"), signed=True
    ),
    "cache": Kind("cache", "cache/**/*.pixels/*", use_cache, signed=True),
    "npz": Kind("npz", "derma.npz", use_archive, 2, signed=True),
    "metadata": Kind("tables", "metadata.csv", use_metadata, signed=True),
    "split-file": Kind("tables", "split.csv", use_split_file, signed=True),
    "photographs": Kind("photographs", "**/*.*", use_photographs, signed=True),
    "settings": Kind("settings", "hmnist.toml", use_settings, 0.5, signed=True),
    "manifest": Kind("mlp", "manifest.json", use_manifest, 2, signed=True),
    "run": Kind("mlp", "*.*", use_run, 2),
    "table": Kind("benchmark", "table.json", use_table, signed=True),
    "ensemble": Kind("benchmark", "*/**/*.*", use_ensemble),
    "logistic": Kind("logistic", "model/*", use_run),
    "hist-gbdt": Kind("hist-gbdt", "model/*", use_run),
    "xgboost": Kind("xgboost", "model/*", use_run),
    "mlp": Kind("mlp", "model/*", _with_model, 0.3),
    "cnn": Kind("cnn", "model/**/*.*", _with_model, 0.3),
    "networks": Kind("cnn", "model/**/*.*", use_run),
    "litert": Kind("litert", "*.*", use_export),
    "litert-parts": Kind("litert-parts", "**/*.*", use_export, 0.5),
    "onnx": Kind("onnx", "*.*", use_export, 0.5),
}
"""All kinds by name. Those that load TensorFlow have fewer cases: a case takes a second."""
