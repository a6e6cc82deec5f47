"""A few images are predicted without TensorFlow, as TensorFlow predicts them."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hmnist.dataset import LesionDataset
from hmnist.errors import TrustError, UsageError
from hmnist.experiments.train import train
from hmnist.models.litert import LITERT_FILE
from hmnist.models.network_model import NetworkModel
from hmnist.patients import UNKNOWN_PATIENT
from hmnist.runs.manifest import MANIFEST
from hmnist.runs.run import Run, open_run
from tests.test_import_cost import CALL, loaded_by

pytestmark = [
    pytest.mark.filterwarnings("ignore::hmnist.errors.SampleWarning"),
    pytest.mark.usefixtures("few_patches"),
]

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "pixels": ("cnn", {"epochs": 1, "widths": (4, 6), "perceptrons": 0}),
    "features": ("mlp", {"epochs": 1, "widths": (4,), "networks": 2}),
    "both": ("cnn", {"epochs": 1, "widths": (4, 6), "perceptrons": 1}),
}
"""Models by what they read of an image."""


def test_patient_data_are_read_without_keras(
    patient_run: Run, sample: LesionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    patients = sample.patients
    assert patients is not None
    told = patient_run.model.predict_proba(sample.images, patients)
    untold = patient_run.model.predict_proba(sample.images)
    assert abs(told - untold).max() > 0.01

    def refuse(_: NetworkModel) -> None:
        raise AssertionError("Keras builds its networks")

    monkeypatch.setattr(NetworkModel, "_rebuild", refuse)
    again = open_run(patient_run.folder)
    found = again.predict_uncalibrated(sample.images, patients)
    np.testing.assert_allclose(found, told, atol=1e-4)
    np.testing.assert_allclose(again.predict_uncalibrated(sample.images), untold, atol=1e-4)
    unknown = np.tile(UNKNOWN_PATIENT, (len(sample), 1))
    np.testing.assert_array_equal(
        again.predict_proba(sample.images, unknown), again.predict_proba(sample.images)
    )
    with pytest.raises(UsageError, match="expected finite numbers"):
        again.predict(sample.images, patients[:5])
    # Networks of a version with other columns are left to the model, which refuses them.
    monkeypatch.setattr("hmnist.runs.few_images.PATIENT_COLUMNS", ("age", "sex"))
    with pytest.raises(AssertionError, match="Keras"):
        open_run(patient_run.folder).predict(sample.images)


@pytest.fixture(scope="module", params=NETWORKS)
def network_run(
    request: pytest.FixtureRequest, sample: LesionDataset, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Return a trained network, opened again: nothing of it is in memory."""
    folder = tmp_path_factory.mktemp("runs") / request.param
    model, parameters = NETWORKS[request.param]
    train(
        sample.take(np.arange(0, len(sample), 2)),
        model,
        parameters=parameters,
        features="pixels",
        effort="quick",
        threads=1,
        out=folder,
    )
    return open_run(folder)


def test_few_images_need_no_networks_of_keras(
    network_run: Run, sample: LesionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = network_run.model.predict_proba(sample.images)

    def refuse(_: NetworkModel) -> None:
        raise AssertionError("Keras builds its networks")

    monkeypatch.setattr(NetworkModel, "_rebuild", refuse)
    again = open_run(network_run.folder)
    found = again.predict_uncalibrated(sample.images)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    with pytest.raises(AssertionError, match="Keras"):
        again.predict_uncalibrated(sample.X)  # rows need the checks of the estimator


def test_many_images_are_predicted_by_the_model(
    network_run: Run, sample: LesionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.runs.few_images.FEW", 100)
    probabilities = network_run.predict_uncalibrated(sample.images)
    np.testing.assert_array_equal(probabilities, network_run.model.predict_proba(sample.images))


def test_a_run_without_the_file_predicts_the_same(
    network_run: Run, sample: LesionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = network_run.predict_proba(sample.images)
    monkeypatch.setattr("hmnist.runs.few_images.find_litert", lambda _: None)
    np.testing.assert_allclose(network_run.predict_proba(sample.images), expected, atol=1e-4)


def test_a_network_that_the_manifest_does_not_name_is_refused(
    network_run: Run, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(network_run.folder, tmp_path / "copy"))
    manifest = json.loads((copy / MANIFEST).read_text())
    del manifest["files"][f"model/{LITERT_FILE}"]
    (copy / MANIFEST).write_text(json.dumps(manifest))
    (copy / "model" / LITERT_FILE).write_bytes(b"another network")
    with pytest.raises(TrustError, match="not its own"):
        open_run(copy)


def test_the_manifest_knows_the_file(network_run: Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(network_run.folder, tmp_path / "copy"))
    (copy / "model" / LITERT_FILE).write_bytes(b"another network")
    with pytest.raises(TrustError, match=LITERT_FILE):
        open_run(copy)


def test_a_photograph_is_predicted_without_heavy_libraries(
    network_run: Run, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (45, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    loaded, printed = loaded_by(CALL, tmp_path, "predict", str(network_run.folder), "a.png")
    assert printed.startswith("source,row,image_id,predicted")
    assert not loaded & {"keras", "tensorflow"}
    assert not loaded & {"pandas", "scipy", "sklearn"}
