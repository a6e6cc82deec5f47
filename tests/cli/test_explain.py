"""`hmnist explain` draws a sheet and prints what it explains."""

from pathlib import Path

import pytest
from PIL import Image

from hmnist.dataset import LesionDataset
from hmnist.runs.run import Run
from tests.conftest import Command


@pytest.fixture
def pixel_file(command: Command, tmp_path: Path) -> Path:
    path = tmp_path / "data" / "pixels.csv"
    assert command("data", "sample", "--rows", "60", "--out", path).code == 0
    return path


def test_photographs_are_explained(
    command: Command, run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    Image.fromarray(sample.images[0]).resize((60, 45)).save(tmp_path / "a.png")
    called = command("explain", run.folder, "a.png")
    assert called.code == 0, called.err
    assert called.out.splitlines()[2].startswith("a.png ")
    assert "Figure: explanation.png" in called.err
    assert (tmp_path / "explanation.png").read_bytes().startswith(b"\x89PNG")


def test_rows_and_image_ids_are_chosen(
    command: Command, patient_run: Run, pixel_file: Path, tmp_path: Path
) -> None:
    from hmnist.sources import load

    ids = load(pixel_file).image_ids
    assert ids is not None
    words = ["--method", "permutation", "--out", "figures/sheet.svg"]
    called = command("explain", patient_run.folder, pixel_file, "--rows", f"0, {ids[5]}", *words)
    assert called.code == 0, called.err
    assert ids[0] in called.out
    assert ids[5] in called.out
    assert (tmp_path / "figures" / "sheet.svg").is_file()


def test_rows_of_a_folder_keep_the_names_of_their_files(
    command: Command, run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    for number, name in enumerate("abc"):
        Image.fromarray(sample.images[number]).save(tmp_path / "folder" / f"{name}.png")
    called = command("explain", run.folder, "folder", "--rows", "1,c")
    assert called.code == 0, called.err
    names = [line.split()[0] for line in called.out.rstrip().splitlines()[2:]]
    assert names == ["b.png", "c.png"]


def test_a_damaged_photograph_is_named_and_the_others_are_explained(
    command: Command, run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    Image.fromarray(sample.images[0]).save(tmp_path / "folder" / "a.png")
    (tmp_path / "folder" / "b.png").write_text("no picture")
    called = command("explain", run.folder, "folder")
    assert called.code == 1
    assert "Left out: " in called.err
    assert "b.png" in called.err
    assert called.out.splitlines()[2].startswith("a.png ")
    assert (tmp_path / "explanation.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pixels.csv"], "60. Choose some: --rows"),
        (["pixels.csv", "--rows", "60"], "no image '60'"),
        (["pixels.csv", "--rows", ""], "no image ''"),
        (["pixels.csv", "pixels.csv", "--rows", "0"], "one input"),
        (["pixels.csv", "--rows", "0", "--method", "gradcam"], "Did you mean grad-cam"),
        (["pixels.csv", "--rows", "0", "--out", "a.gif"], "'gif'"),
        (["pixels.csv", "--rows", "0", "--metadata", "m.csv"], "without patient data"),
    ],
)
def test_mistakes_are_named(
    words: list[str], message: str, command: Command, run: Run, pixel_file: Path
) -> None:
    named = [str(pixel_file) if word == "pixels.csv" else word for word in words]
    called = command("explain", run.folder, *named)
    assert called.code == 2
    assert message in called.err.replace("\n", " ")
    assert called.out == ""
