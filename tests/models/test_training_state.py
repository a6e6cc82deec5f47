"""An interrupted training goes on where it was, and ends as if it had not been interrupted."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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


@pytest.fixture(autouse=True, scope="module")
def _keep_every_epoch() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_state, "EVERY_SECONDS", 0)
        yield


Watch = Callable[[float, float], None]


def fit(
    name: str, folder: Path | None, watch: Watch | None = None, notes: list[str] | None = None
) -> Any:
    """Fit a model that keeps its state in a folder."""
    model = make_model(name, classes=None, random_state=3, epochs=EPOCHS, **MODELS[name])
    model.state_folder, model.on_step = folder, watch
    model.on_note = None if notes is None else notes.append
    return model.fit(IMAGES, LABELS, validation=(IMAGES[:20], LABELS[:20]))


def interrupt_after(share: float) -> Watch:
    """Return what raises KeyboardInterrupt when a share of the training is done."""

    def watch(done: float, total: float) -> None:
        if done >= share * total:
            raise KeyboardInterrupt

    return watch


@dataclass(frozen=True)
class Undisturbed:
    """A model, and the folders of the states that it kept after shares of its training."""

    model: Any
    states: Mapping[float, Path]

    def state_in(self, folder: Path, share: float) -> Path:
        """Copy what an interruption after a share would have left, and return the folder."""
        return Path(shutil.copytree(self.states[share], folder / "state"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Undisturbed]:
    """Return a function that fits a model once, without an interruption."""

    @cache
    def fit_once(name: str) -> Undisturbed:
        folder, states = tmp_path_factory.mktemp(name), dict[float, Path]()

        def watch(done: float, total: float) -> None:
            for share in (0.4, 0.6, 0.8):
                if share not in states and done >= share * total:
                    states[share] = folder / f"after {share}"
                    shutil.copytree(folder / "state", states[share])

        return Undisturbed(fit(name, folder / "state", watch), states)

    return fit_once


def check_the_same(found: Any, expected: Any) -> None:
    """Compare two models, their histories and their predictions to the last bit."""
    for arrays, others in zip(found.weights_, expected.weights_, strict=True):
        for one, other in zip(arrays, others, strict=True):
            np.testing.assert_array_equal(one, other)
    assert found.history_ == expected.history_
    np.testing.assert_array_equal(found.predict_proba(IMAGES), expected.predict_proba(IMAGES))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("share", [0.4, 0.8])
def test_the_same_weights_come_out(
    name: str, share: float, undisturbed: Callable[[str], Undisturbed], tmp_path: Path
) -> None:
    expected = undisturbed(name)
    state = expected.state_in(tmp_path, share)
    assert list(state.rglob("network*.npz"))
    check_the_same(fit(name, state), expected.model)


def test_an_interrupted_training_leaves_its_state(
    undisturbed: Callable[[str], Undisturbed], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit("lenet", tmp_path, interrupt_after(0.6))
    steps: list[float] = []
    notes: list[str] = []
    resumed = fit("lenet", tmp_path, lambda done, total: steps.append(done * EPOCHS / total), notes)
    assert steps == [3, 4, 5]  # the third was kept, and is reported again
    assert notes == ["resumed at epoch 3 of 5"]
    check_the_same(resumed, undisturbed("lenet").model)


def test_a_training_that_keeps_no_state_is_the_same(
    undisturbed: Callable[[str], Undisturbed],
) -> None:
    check_the_same(fit("mlp", None), undisturbed("mlp").model)


def test_the_network_that_goes_on_is_named(
    undisturbed: Callable[[str], Undisturbed], tmp_path: Path
) -> None:
    notes: list[str] = []
    fit("mlp", undisturbed("mlp").state_in(tmp_path, 0.8), notes=notes)
    [note] = notes  # the first network was finished
    assert note.startswith("resumed at epoch ")
    assert note.endswith(" of 5 (network 2 of 2)")


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", None])
def test_a_damaged_state_counts_as_none(
    damage: bytes | None, undisturbed: Callable[[str], Undisturbed], tmp_path: Path
) -> None:
    expected = undisturbed("lenet")
    state = expected.state_in(tmp_path, 0.6)
    [file] = state.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:-100] if damage is None else damage)
    notes: list[str] = []
    resumed = fit("lenet", state, notes=notes)
    np.testing.assert_array_equal(resumed.weights_[0][0], expected.model.weights_[0][0])
    assert notes == ["what was kept of its training is damaged, so it begins again"]


def test_the_state_of_another_network_counts_as_none(
    undisturbed: Callable[[str], Undisturbed], tmp_path: Path
) -> None:
    resumed = fit("lenet", undisturbed("mlp").state_in(tmp_path, 0.6))
    expected = undisturbed("lenet").model
    np.testing.assert_array_equal(resumed.weights_[0][0], expected.weights_[0][0])


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
