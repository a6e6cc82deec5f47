"""``hmnist export``, and ``hmnist predict`` with what it has written."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hmnist.runs.run import Run
from tests.conftest import Command
from tests.test_import_cost import CALL, loaded_by

HEAVY = {"keras", "tensorflow", "pandas", "scipy", "sklearn", "tf2onnx"}


@pytest.fixture(autouse=True)
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.results.exports.export.COMPARED", 42)


@pytest.mark.parametrize("form", ["litert", "onnx"])
def test_an_export_predicts_without_tensorflow(
    form: str, patient_run: Run, command: Command, tmp_path: Path
) -> None:
    called = command("export", patient_run.folder, "--format", form, "--out", "there")
    assert called.code == 0
    assert called.out == "there\n"
    assert "On 42 generated images" in called.err
    assert "hmnist predict there IMAGES" in called.err
    assert "tensorflow" not in called.err.lower()
    pixels = np.random.default_rng(0).integers(0, 256, (45, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    loaded, printed = loaded_by(CALL, tmp_path, "predict", "there", "a.png")
    assert not loaded & HEAVY
    _, exported = printed.splitlines()
    _, expected = command("predict", patient_run.folder, "a.png").out.splitlines()
    found, wanted = ([float(cell) for cell in row.split(",")[4:-1]] for row in (exported, expected))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_quiet_prints_the_folder_alone(patient_run: Run, command: Command) -> None:
    called = command("export", patient_run.folder, "--out", "there", "--quiet")
    assert (called.code, called.out, called.err) == (0, "there\n", "")


def test_what_is_written_is_named_from_the_working_folder(
    patient_run: Run, command: Command, tmp_path: Path
) -> None:
    shutil.copytree(patient_run.folder, tmp_path / "runs" / "mlp")
    assert command("export", "runs/mlp", "--quiet").out == "runs/mlp-litert\n"
    assert command("export", "runs/mlp", "--format", "card").out == "runs/mlp/README.md\n"
    assert command("runs", "show", "runs/mlp").out.startswith("runs/mlp\n")


def test_a_card_goes_where_it_is_asked_for(run: Run, command: Command, tmp_path: Path) -> None:
    called = command("export", run.folder, "--format", "card", "--out", "there")
    assert called.code == 0
    assert called.out == "there/README.md\n"
    assert (tmp_path / "there" / "README.md").read_text(encoding="utf-8").startswith("---\n")


def test_a_model_that_is_no_network_keeps_its_run(run: Run, command: Command) -> None:
    called = command("export", run.folder)
    assert called.code == 2
    assert "logistic is not a network" in called.err
    assert "--format card" in called.err
    assert not run.folder.with_name(f"{run.folder.name}-litert").exists()
