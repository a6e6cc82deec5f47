"""`predict` names images that are unlike the training data."""

import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image

from hmnist.dataset import LesionDataset
from hmnist.experiments.train import train
from hmnist.runs.run import Run
from tests.conftest import Command


def save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path)


def test_unfamiliar_images_are_named(
    command: Command, run: Run, sample: LesionDataset, tmp_path: Path, rng: np.random.Generator
) -> None:
    familiar = np.flatnonzero(~np.asarray(run.is_unfamiliar(sample.images)))[0]
    save(sample.images[familiar], tmp_path / "lesion.png")
    save(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8), tmp_path / "noise.png")
    called = command("predict", run.folder, "lesion.png", "noise.png")
    assert called.code == 0, called.err
    rows = list(csv.DictReader(io.StringIO(called.out)))
    assert {row["image_id"]: row["unfamiliar"] for row in rows} == {
        "lesion": "false",
        "noise": "true",
    }
    assert "1 of 2 images is unlike the training data: noise.png. Its prediction may" in called.err
    assert "About 2 % of ordinary images also get this warning." in called.err
    assert "unlike" not in command("predict", run.folder, "lesion.png").err


def test_many_are_counted(command: Command, run: Run, tmp_path: Path) -> None:
    for number in range(13):
        save(np.full((8, 8, 3), 20 * number, np.uint8), tmp_path / f"blank{number:02d}.png")
    called = command("predict", run.folder, tmp_path)
    assert "13 of 13 images are unlike" in called.err
    assert "blank09.png and 3 more. Their predictions may mean" in called.err


def test_rows_without_a_name_are_numbered(
    command: Command, run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    pixels = np.zeros((1, 2352), dtype=np.uint8)
    names = ",".join(f"pixel{number:04d}" for number in range(2352))
    text = "\n".join(",".join(map(str, row)) + ",4" for row in pixels)
    (tmp_path / "black.csv").write_text(f"{names},label\n{text}\n")
    called = command("predict", run.folder, "black.csv")
    assert called.code == 0, called.err
    assert "unlike the training data: row 0 of black.csv." in called.err


def test_a_run_that_does_not_know_says_nothing(
    command: Command, sample: LesionDataset, tmp_path: Path
) -> None:
    train(sample.take(np.arange(60)), "majority", split="image", threads=1, out=tmp_path / "run")
    save(np.zeros((8, 8, 3), np.uint8), tmp_path / "black.png")
    called = command("predict", "run", "black.png")
    assert called.code == 0, called.err
    [row] = csv.DictReader(io.StringIO(called.out))
    assert row["unfamiliar"] == ""
    assert "unlike" not in called.err
