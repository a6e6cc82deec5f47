"""The published networks as estimators: their training and their state."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.errors import UsageError
from hmnist.models.published import (
    LeNet,
    PublishedModel,
    SkinPamper,
    SmallCNN,
)
from hmnist.models.training import load_keras
from hmnist.systems.system import Plateau, System


def pictures(*shape: int, count: int = 21) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int = 21) -> npt.NDArray[np.int64]:
    return np.arange(count) % 7


def changed(**training: Any) -> System:
    """Return lenet with another training."""
    return replace(LeNet.system, training=replace(LeNet.system.training, **training))


def build(kind: type[PublishedModel], *shape: int) -> Any:
    load_keras()
    return kind()._build(shape, 7)


@pytest.mark.parametrize(("kind", "least"), [(LeNet, 22), (SkinPamper, 15)])
def test_images_that_are_too_small_are_refused(kind: type[PublishedModel], least: int) -> None:
    assert build(kind, least, least, 1).output.shape == (None, 7)
    with pytest.raises(UsageError, match=f"{least - 1}×30 pixels are too small") as caught:
        build(kind, least - 1, 30, 3)
    assert f"{least}×{least} at least" in caught.value.message
    assert "small-cnn" in caught.value.hint
    with pytest.raises(UsageError, match="8×8"):
        kind(epochs=1).fit(pictures(8, 8, 3), labels())


@pytest.mark.parametrize("kind", [LeNet, SmallCNN], ids=lambda kind: kind.system.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_what_was_trained_comes_back(
    kind: type[PublishedModel], channels: int, tmp_path: Path
) -> None:
    images = pictures(28, 28, channels)
    model = kind(classes=tuple(range(7)), random_state=0, epochs=1)
    model.fit(images, labels(), validation=(images[:5], labels(5)))
    expected = model.predict_proba(images)
    assert expected.shape == (21, 7)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-6)
    model.save_state(tmp_path)
    again = kind()
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(images), expected)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(images), expected)
    assert set(model.history_) >= {"accuracy", "loss", "val_accuracy", "val_loss"}


def test_the_same_training_again_has_the_same_bits() -> None:
    images = pictures(28, 28, 1)
    first, again, other = (
        SmallCNN(random_state=seed, epochs=2).fit(images, labels()).predict_proba(images)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_images_are_predicted_in_parts_and_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = pictures(28, 28, 3, count=30)
    model = LeNet(random_state=0, epochs=1).fit(images, np.arange(30) % 3)
    whole = model.predict_proba(images)
    network, seen = model.networks_[0], list[int]()

    def note(batch: npt.NDArray[Any], *, training: bool) -> Any:
        seen.append(len(batch))
        return network(batch, training=training)

    monkeypatch.setattr(LeNet, "at_once", 7)
    model.networks_ = [note]
    np.testing.assert_allclose(model.predict_proba(images), whole, rtol=1e-5)
    assert seen == [7, 7, 7, 7, 2]


def test_the_numbers_of_the_source_hold_unless_others_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[dict[str, Any]] = []
    original = LeNet._optimizer

    def note(self: LeNet, steps: int) -> Any:
        optimizer = original(self, steps)
        facts = {"kind": type(optimizer).__name__, "config": optimizer.get_config()}
        seen.append({"epochs": self.epochs, "steps": steps, **facts})
        return optimizer

    monkeypatch.setattr(LeNet, "_optimizer", note)
    monkeypatch.setattr(LeNet, "system", changed(epochs=2))
    images = pictures(22, 22, 1, count=14)
    model = LeNet(random_state=0).fit(images, labels(14))
    assert len(model.history_["loss"]) == 2
    given = ("epochs", "batch_size", "learning_rate")
    assert [model.get_params()[name] for name in given] == [None, None, None]
    other = LeNet(random_state=0, epochs=1, batch_size=5, learning_rate=0.5)
    other.fit(images, labels(14))
    assert [(one["epochs"], one["steps"]) for one in seen] == [(2, 1), (1, 3)]
    rates = [one["config"]["learning_rate"] for one in seen]
    assert rates == pytest.approx([1e-3, 0.5])
    for one in seen:
        assert one["kind"] == "RMSprop"
        assert not one["config"]["weight_decay"]
        assert not one["config"]["use_ema"]
    assert model.label_smoothing == 0
    assert (other.epochs, other.batch_size, other.learning_rate) == (1, 5, 0.5)


def test_steps_are_reported_whoevers_numbers_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeNet, "system", changed(epochs=2))
    steps: list[tuple[int, int]] = []
    model = LeNet(random_state=0)
    model.on_step = lambda done, total: steps.append((done, total))
    images = pictures(22, 22, 1, count=14)
    own = model.fit(images, labels(14)).predict_proba(images)
    assert steps == [(1, 2), (2, 2)]
    told = LeNet(random_state=0, epochs=2, batch_size=128, learning_rate=1e-3)
    np.testing.assert_array_equal(told.fit(images, labels(14)).predict_proba(images), own)


def test_a_system_brings_its_plateau_along(monkeypatch: pytest.MonkeyPatch) -> None:
    plateau = Plateau(factor=0.5, patience=1)
    monkeypatch.setattr(LeNet, "system", changed(optimizer="SGD", plateau=plateau))
    images = pictures(22, 22, 1, count=14)
    model = LeNet(epochs=3, learning_rate=1e-9)  # too little to change a loss of float32
    model.fit(images, labels(14), validation=(images, labels(14)))
    np.testing.assert_allclose(model.history_["learning_rate"], [1e-9, 1e-9, 5e-10])
    assert not SkinPamper()._callbacks()


def test_some_diagnoses_weigh_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeNet, "system", changed(class_weights={"mel": 3.0, "bcc": 0.5}))
    model = LeNet()
    model.classes_ = np.array([1, 4, 6])
    places = np.array([0, 1, 2, 2])
    given = np.array([1.0, 2.0, 1.0, 4.0])
    np.testing.assert_array_equal(model._weigh(places, None), [0.5, 1, 3, 3])
    np.testing.assert_array_equal(model._weigh(places, given), [0.5, 2, 3, 12])
