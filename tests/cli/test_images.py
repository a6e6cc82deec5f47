"""What `hmnist predict` and `hmnist explain` write replaces nothing that they read."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from hmnist.dataset import LesionDataset
from hmnist.runs.run import Run, open_run
from tests.conftest import Command


@pytest.fixture
def _folder(command: Command, sample: LesionDataset) -> None:
    """Make a pixel file with its metadata, and a folder of photographs."""
    assert command("data", "sample", "--rows", "60", "--out", "pixels.csv").code == 0
    Path("photographs").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(sample.images[0]).save(Path("photographs", name))


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["predict", "pixels.csv"], "pixels.csv"),
        (["predict", "pixels.csv"], "photographs/../pixels.csv"),
        (["predict", "photographs/a.png", "photographs/b.png"], "photographs/b.png"),
        (["predict", "photographs"], "photographs/b.png"),
        (["predict", "pixels.csv", "--metadata", "metadata.csv"], "metadata.csv"),
        (["explain", "photographs/a.png"], "photographs/a.png"),
        (["explain", "photographs"], "photographs/a.png"),
    ],
)
def test_no_input_is_replaced(
    words: list[str], file: str, command: Command, patient_run: Run
) -> None:
    shutil.copy("HAM10000_metadata.csv", "metadata.csv")
    before = Path(file).read_bytes()
    called = command(words[0], patient_run.folder, *words[1:], "--out", file)
    assert called.code == 2
    assert f"{file} is one of the files that are read" in called.err
    assert "--out" in called.err
    assert Path(file).read_bytes() == before


@pytest.mark.usefixtures("_folder")
def test_older_results_are_replaced_wherever_they_lie(command: Command, run: Run) -> None:
    words = ["predict", run.folder, "photographs", "--out", "photographs/predictions.csv"]
    for _ in range(2):
        assert command(*words).code == 0
    words = ["explain", run.folder, "photographs", "--out", "figure.png"]
    for _ in range(2):
        assert command(*words).code == 0


@pytest.mark.usefixtures("_folder")
def test_the_predictions_of_a_run_are_not_replaced(command: Command, run: Run) -> None:
    shutil.copytree(run.folder, "copy")
    called = command("predict", "copy", "photographs", "--out", "copy/predictions.csv")
    assert called.code == 2
    assert "copy is a run folder" in called.err
    open_run("copy")
