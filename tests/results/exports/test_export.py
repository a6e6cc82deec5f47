"""An export predicts as its run, or is not written at all."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import Decision
from hmnist.diagnoses import CODES
from hmnist.errors import DataMissingError, TrustError, UsageError, WorkError
from hmnist.experiments.train import train
from hmnist.patients import UNKNOWN_PATIENT
from hmnist.results.exports import graph
from hmnist.results.exports.export import export_run, generate_images
from hmnist.results.exports.exported import EXPORT_FILE, ExportedModel, open_model
from hmnist.runs.familiarity import FAMILIARITY_FILE
from hmnist.runs.run import Run
from hmnist.sources.sample import load_sample
from tests.results.examples import as_ensemble

pytestmark = [
    pytest.mark.filterwarnings("ignore::hmnist.errors.SampleWarning"),
    pytest.mark.usefixtures("few_patches"),
]


@pytest.fixture(autouse=True)
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.results.exports.export.COMPARED", 42)


@pytest.fixture(scope="module")
def joint_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a network on pixels with a perceptron on features."""
    return train(
        load_sample(rows=120),
        "cnn",
        parameters={"epochs": 1, "widths": (4, 6), "perceptrons": 1, "distillation": 0.0},
        effort="quick",
        threads=1,
        out=tmp_path_factory.mktemp("runs") / "joint",
    )


@pytest.fixture(scope="module")
def joint_export(joint_run: Run) -> ExportedModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hmnist.results.exports.export.COMPARED", 42)
        return export_run(joint_run)


@pytest.fixture
def exported(joint_export: ExportedModel, tmp_path: Path) -> ExportedModel:
    """Return a copy that may be damaged."""
    folder = shutil.copytree(joint_export.folder, tmp_path / "joint-litert")
    return ExportedModel(folder, joint_export.facts)


@pytest.mark.parametrize("form", ["litert", "onnx"])
def test_a_network_on_pixels_becomes_one_graph(
    form: str, patient_run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    decided = Decision("balanced", 1.5, prior=patient_run.manifest.prior, strength=1.0)
    run = Run(patient_run.folder, replace(patient_run.manifest, decision=decided))
    run.__dict__["predictions"] = {
        name: replace(part, predicted=decided.decide(part.probabilities))
        for name, part in patient_run.predictions.items()
    }
    folder = export_run(run, form, tmp_path / "there").folder
    exported = open_model(folder)
    assert isinstance(exported, ExportedModel)
    facts = exported.facts
    assert facts.whole
    assert facts.images_compared == 42
    assert 0 <= facts.largest_difference < 1e-5
    assert facts.run == run.manifest.key
    graphs = {"litert": {"model.tflite"}, "onnx": {"model.onnx"}}
    files = {path.name for path in folder.iterdir()}
    assert files == {"README.md", EXPORT_FILE, FAMILIARITY_FILE} | graphs[form]
    unfamiliar = run.is_unfamiliar(sample.images[::8])
    assert unfamiliar is not None
    np.testing.assert_array_equal(exported.is_unfamiliar(sample.images[::8]), unfamiliar)
    for patients in (sample.patients, None):
        expected = run.predict_proba(sample.images, patients)
        found = exported.predict_proba(sample.images, patients)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(exported.predict(sample.images), run.predict(sample.images))


def test_features_are_computed_beside_the_graphs(
    exported: ExportedModel, joint_run: Run, sample: LesionDataset
) -> None:
    again = open_model(exported.folder)
    assert isinstance(again, ExportedModel)
    assert not again.facts.whole
    assert not again.uses_patients
    names = {path.name for path in exported.folder.rglob("*")}
    assert "weights.npz" not in names
    images = sample.images[:50]
    expected = joint_run.decision.calibrate(joint_run.model.predict_proba(images))
    np.testing.assert_allclose(again.predict_proba(images), expected, atol=1e-5)


@pytest.mark.parametrize("form", ["litert", "onnx"])
def test_the_script_of_the_card_predicts_a_photograph(
    form: str,
    patient_run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exported = export_run(patient_run, form, tmp_path / "there")
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    monkeypatch.chdir(exported.folder)
    Image.fromarray(pixels).save("photograph.jpg", quality=100, subsampling=0)
    card = (exported.folder / "README.md").read_text(encoding="utf-8")
    script = card.split("Without hmnist")[1].split("```python\n")[1]
    capsys.readouterr()
    exec(compile(script.split("```")[0], "card", "exec"), {})
    printed = capsys.readouterr().out
    with Image.open("photograph.jpg") as photograph:
        read = np.asarray(photograph)[None]
    expected = exported.predict_proba(read, UNKNOWN_PATIENT[None])[0]
    found = eval(printed.splitlines()[-1])
    assert tuple(found) == CODES
    np.testing.assert_allclose(list(found.values()), expected, atol=1e-5)


def test_the_folder_lies_beside_the_run(
    patient_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(Path(shutil.copytree(patient_run.folder, tmp_path / "mine")), patient_run.manifest)
    assert export_run(run).folder == tmp_path / "mine-litert"
    monkeypatch.chdir(run.folder)
    # A second export takes the place of the first.
    assert export_run(Run(Path(), run.manifest)).folder == tmp_path / "mine-litert"


@pytest.mark.parametrize("wrong", [2.0, float("nan")])
def test_an_export_that_predicts_otherwise_is_deleted(
    wrong: float, patient_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = graph.trace_probabilities

    def trace_another(model: Any, shape: Any, temperature: float) -> Any:
        return trace(model, shape, wrong * temperature)

    monkeypatch.setattr(graph, "trace_probabilities", trace_another)
    with pytest.raises(WorkError, match="other probabilities than the run"):
        export_run(patient_run, out=tmp_path / "there")
    assert not any(tmp_path.iterdir())


def test_models_that_cannot_be_exported_are_refused(
    run: Run, joint_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="logistic is not a network"):
        export_run(run, out=tmp_path / "there")
    with pytest.raises(UsageError, match="--set perceptrons=0"):
        export_run(joint_run, "onnx", tmp_path / "there")
    with pytest.raises(UsageError, match="Export one of logistic"):
        export_run(as_ensemble(run, {"logistic": 1.0}), out=tmp_path / "there")
    with pytest.raises(UsageError, match=r"no format called 'tflite'\. Did you mean litert"):
        export_run(run, "tflite")
    large = Run(Path(shutil.copytree(joint_run.folder, tmp_path / "large")), joint_run.manifest)
    (large.model_folder / "perceptron" / "networks.tflite").unlink()
    with pytest.raises(UsageError, match="no file for LiteRT"):
        export_run(large)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"hmnist\[onnx\]"):
        export_run(joint_run, "onnx", tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["large"]


def test_a_folder_with_something_else_is_left_alone(patient_run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for folder in (tmp_path, patient_run.folder):
        with pytest.raises(UsageError, match="is not an export"):
            export_run(patient_run, out=folder)
    with pytest.raises(WorkError, match="It is a file"):
        export_run(patient_run, out=tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def change(name: str, value: Any) -> Callable[[Path], None]:
    """Return a function that changes one entry of ``export.json``."""

    def write(folder: Path) -> None:
        facts = json.loads((folder / EXPORT_FILE).read_text())
        (folder / EXPORT_FILE).write_text(json.dumps({**facts, name: value}))

    return write


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "networks" / "networks.tflite").unlink(), "missing"),
        (lambda folder: (folder / "networks" / "networks.tflite").write_bytes(b"1"), "not what"),
        (lambda folder: (folder / "networks" / "scaler.npz").write_bytes(b"1"), "not exported"),
        (lambda folder: (folder / EXPORT_FILE).write_text("{"), "is damaged"),
        (change("schema", "hmnist-export/9"), "another version"),
        (change("diagnoses", ["nv", "mel"]), "its diagnoses"),
        (change("patient_columns", ["weight"]), "patient data"),
        (change("threads", 0), "fewer than 1"),
        (change("whole", True), "not exported"),
    ],
)
def test_a_damaged_export_is_not_opened(
    damage: Callable[[Path], None], said: str, exported: ExportedModel
) -> None:
    damage(exported.folder)
    with pytest.raises(TrustError, match=said) as caught:
        open_model(exported.folder)
    assert "Export the run again" in caught.value.hint


def test_the_card_may_be_changed(exported: ExportedModel) -> None:
    (exported.folder / "README.md").write_text("My model.")
    assert open_model(exported.folder).image_shape == (28, 28, 3)


def test_opening_says_what_is_there(run: Run, exported: ExportedModel, tmp_path: Path) -> None:
    assert isinstance(open_model(run.folder), Run)
    with pytest.raises(DataMissingError):
        open_model(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="expected a run folder") as caught:
        open_model(exported.folder / EXPORT_FILE)
    assert "hmnist predict RUN INPUT" in caught.value.hint


def test_an_export_stays_where_it_is_when_the_working_folder_changes(
    exported: ExportedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(exported.folder.parent)
    opened = open_model(exported.folder.name)
    monkeypatch.chdir("/")
    assert opened.folder == exported.folder


def test_an_export_may_lie_in_the_home_folder(
    exported: ExportedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(exported.folder.parent))
    opened = open_model(f"~/{exported.folder.name}")
    assert isinstance(opened, ExportedModel)
    assert opened.folder == exported.folder


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 28, 28, 3), np.float32),
        np.zeros((2, 30, 30, 3), np.uint8),
        np.zeros((2, 2352), np.uint8),
        np.zeros((0, 28, 28, 3), np.uint8),
    ],
)
def test_other_images_are_refused(images: npt.NDArray[Any], exported: ExportedModel) -> None:
    with pytest.raises(UsageError, match=r"expected uint8 of the shape \(n, 28, 28, 3\)"):
        exported.predict_proba(images)


def test_patient_data_are_refused_by_a_model_without(exported: ExportedModel) -> None:
    with pytest.raises(UsageError, match="knows no patient data"):
        exported.predict(np.zeros((1, 28, 28, 3), np.uint8), UNKNOWN_PATIENT[None])


@pytest.mark.parametrize("shape", [(28, 28, 3), (8, 8, 1), (20, 30, 3)])
def test_images_are_generated_in_any_shape(shape: tuple[int, int, int]) -> None:
    images, patients = generate_images(shape)
    assert images.shape == (42, *shape)
    assert images.dtype == np.uint8
    assert len(np.unique(images)) > 50
    assert patients is not None
    assert len(patients) == 42
