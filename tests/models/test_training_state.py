"""An interrupted training goes on where it was, and ends as if it had not been interrupted."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.models import training_state
from hmnist.models.keras_setup import load_keras
from hmnist.models.registry import make_model
from hmnist.models.training_state import TrainingState, ignore_notes

RNG = np.random.default_rng(0)

IMAGES = RNG.integers(0, 256, (60, 28, 28, 3), dtype=np.uint8)

LABELS = np.arange(60) % 3

EPOCHS = 5

MODELS: dict[str, dict[str, Any]] = {
    "cnn": {
        "widths": (4,),
        "networks": 2,
        "perceptrons": 1,
        "distillation": 0.3,
        "mixup": 0.2,
        "dropout": 0.3,
    },
    "mlp": {"widths": (8,), "networks": 2, "features": "pixels"},
    "lenet": {},  # Keras' own optimiser
    "small-cnn": {"restore_best": True},
}


@pytest.fixture(autouse=True)
def _keep_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_state, "EVERY_SECONDS", 0)


def fit(
    name: str,
    folder: Path | None,
    stop_after: float | None = None,
    notes: list[str] | None = None,
) -> Any:
    """Fit a model; raise KeyboardInterrupt when so much is done."""
    model = make_model(name, classes=None, random_state=3, epochs=EPOCHS, **MODELS[name])
    model.state_folder = folder

    def watch(done: float, total: float) -> None:
        if stop_after is not None and done >= stop_after * total:
            raise KeyboardInterrupt

    model.on_step = watch
    model.on_note = None if notes is None else notes.append
    return model.fit(IMAGES, LABELS, validation=(IMAGES[:20], LABELS[:20]))


@cache
def fit_undisturbed(name: str) -> Any:
    return fit(name, None)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("share", [0.4, 0.8])
def test_the_same_weights_come_out(name: str, share: float, tmp_path: Path) -> None:
    undisturbed = fit_undisturbed(name)
    with pytest.raises(KeyboardInterrupt):
        fit(name, tmp_path, share)
    assert list(tmp_path.rglob("network*.npz"))
    resumed = fit(name, tmp_path)
    for expected, found in zip(undisturbed.weights_, resumed.weights_, strict=True):
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one, other)
    assert resumed.history_ == undisturbed.history_
    np.testing.assert_array_equal(resumed.predict_proba(IMAGES), undisturbed.predict_proba(IMAGES))


def test_finished_epochs_are_not_trained_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit("lenet", tmp_path, 0.6)
    model = make_model("lenet", classes=None, random_state=3, epochs=EPOCHS)
    model.state_folder = tmp_path
    steps: list[float] = []
    notes: list[str] = []
    model.on_step = lambda done, total: steps.append(done * EPOCHS / total)
    model.on_note = notes.append
    model.fit(IMAGES, LABELS, validation=(IMAGES[:20], LABELS[:20]))
    assert steps == [3, 4, 5]  # the third was kept, and is reported again
    assert notes == ["resumed at epoch 3 of 5"]


def test_the_network_that_goes_on_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit("mlp", tmp_path, 0.8)
    notes: list[str] = []
    fit("mlp", tmp_path, notes=notes)
    [note] = notes  # the first network was finished
    assert note.startswith("resumed at epoch ")
    assert note.endswith(" of 5 (network 2 of 2)")


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", None])
def test_a_damaged_state_counts_as_none(damage: bytes | None, tmp_path: Path) -> None:
    undisturbed = fit_undisturbed("lenet")
    with pytest.raises(KeyboardInterrupt):
        fit("lenet", tmp_path, 0.6)
    [file] = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:-100] if damage is None else damage)
    notes: list[str] = []
    resumed = fit("lenet", tmp_path, notes=notes)
    np.testing.assert_array_equal(resumed.weights_[0][0], undisturbed.weights_[0][0])
    assert notes == ["what was kept of its training is damaged, so it begins again"]


def test_the_state_of_another_network_counts_as_none(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit("mlp", tmp_path, 0.6)
    resumed = fit("lenet", tmp_path)
    undisturbed = fit_undisturbed("lenet")
    np.testing.assert_array_equal(resumed.weights_[0][0], undisturbed.weights_[0][0])


def test_a_state_of_many_variables_comes_back(tmp_path: Path) -> None:
    keras = load_keras()

    def make(start: float) -> list[Any]:
        small = [keras.Variable(np.full((1, 2), start + number)) for number in range(1_500)]
        return [*small, keras.Variable(int(start), dtype="int64"), keras.Variable(start)]

    file, facts = tmp_path / "state.npz", {"epochs": 3}
    TrainingState(file, make(0), ignore_notes).keep(facts, at_once=True)
    variables, notes = make(7), list[str]()
    found = TrainingState(file, variables, notes.append).restore()
    assert (notes, found and found["epochs"]) == ([], 3)
    for variable, expected in zip(variables, make(0), strict=True):
        np.testing.assert_array_equal(variable, expected)
