"""Runs that start from ImageNet weights: what they record of these, and that they keep them."""

from pathlib import Path

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import SampleWarning
from hmnist.experiments.train import train
from hmnist.models.keras_setup import load_keras
from hmnist.models.pretrained import check_pretrained
from hmnist.results.benchmark import benchmark
from hmnist.results.rows import make_row
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import open_run
from hmnist.splits.split import split
from tests.conftest import Command
from tests.models.test_pretrained import make_tiny, write_weights


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a tiny network in the place of VGG16."""
    monkeypatch.setattr(load_keras().applications, "VGG16", make_tiny)


@pytest.fixture
def any_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave threads as they are: TensorFlow may have begun, and cannot change them then."""
    monkeypatch.setattr("hmnist.experiments.training.use_threads", lambda _: None)
    monkeypatch.setattr("hmnist.models.network_model.configure_tensorflow", lambda: None)


@pytest.mark.usefixtures("small", "any_threads")
def test_a_run_records_its_weights_and_keeps_them(sample: LesionDataset, tmp_path: Path) -> None:
    path = write_weights(tmp_path / "vgg.weights.h5")
    run = train(
        sample,
        "vgg16",
        pretrained=str(path),
        parameters={"epochs": 1, "side": 32},
        threads=1,
        out=tmp_path / "run",
    )
    digest = check_pretrained(str(path))
    assert digest is not None
    assert run.manifest.parameters["pretrained"] == str(path)
    assert run.manifest.recipe.pretrained == str(path)
    assert run.manifest.pretrained_digest == digest
    assert make_row([run]).pretrained == f"vgg.weights.h5 (SHA-256 {digest[:12]})"
    path.unlink()
    again = open_run(tmp_path / "run")
    with pytest.warns(SampleWarning):
        probabilities = again.predict_proba(sample.images[:5])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_other_weights_are_another_cell(sample: LesionDataset, tmp_path: Path) -> None:
    path = write_weights(tmp_path / "one.h5")
    parts = split(sample)
    recipe = Recipe(model="vgg16", pretrained=str(path))
    assert recipe.make().get_params()["pretrained"] == str(path)
    first = recipe.key(parts)
    assert Recipe(model="vgg16", pretrained="none").key(parts) != first
    write_weights(path, change=0.5)
    assert recipe.key(parts) == first  # what was planned keeps its name while it is trained
    assert Recipe(model="vgg16", pretrained=str(path)).key(parts) != first


@pytest.mark.usefixtures("any_threads")
def test_models_without_weights_are_not_asked(sample: LesionDataset, tmp_path: Path) -> None:
    recipe = Recipe(model="logistic", pretrained="nowhere.h5")
    assert recipe.pretrained_digest is None
    assert "pretrained" not in recipe.make().get_params()
    assert recipe.key(split(sample))
    table = benchmark(sample, "majority", pretrained="nowhere.h5", threads=1, out=tmp_path)
    assert table.rows[0].pretrained is None
    assert not any(note.startswith("Pretrained") for note in table.notes())


@pytest.mark.parametrize(
    "words", [["train", "vgg16", "sample"], ["benchmark", "sample", "--models", "logistic,vgg16"]]
)
def test_missing_weights_end_a_command_before_the_work(words: list[str], command: Command) -> None:
    called = command(*words, "--pretrained", "nowhere.h5")
    assert called.code == 3
    assert "There is no file of weights nowhere.h5" in called.err
    assert "imagenet" in called.err
    assert not any(Path().iterdir())
