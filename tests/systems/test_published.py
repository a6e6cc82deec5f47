"""The published networks: their layers and counts, their recipes, their state."""

import pickle
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.models.published import (
    DeepCNN,
    DeepCNNBN,
    LeNet,
    PixelMLP,
    PublishedModel,
    SkinPamper,
    SmallCNN,
)
from hmnist.models.training import load_keras
from hmnist.systems.systems import SYSTEMS, Plateau, System

KINDS: list[type[PublishedModel]] = [LeNet, DeepCNN, DeepCNNBN, SmallCNN, PixelMLP, SkinPamper]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.system.name)


def pictures(*shape: int, count: int = 21) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int = 21) -> npt.NDArray[np.int64]:
    return np.arange(count) % 7


def build(kind: type[PublishedModel], *shape: int) -> Any:
    load_keras()
    return kind()._build(shape, 7)


def shapes(network: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Return kind and output of the layers that have weights, pool or flatten."""
    telling = {"Conv2D", "MaxPooling2D", "BatchNormalization", "Flatten", "Dense", "Resizing"}
    return [
        (type(layer).__name__, layer.output.shape[1:])
        for layer in network.layers
        if type(layer).__name__ in telling
    ]


def count(network: Any) -> tuple[int, int]:
    """Return the trainable and the other weights."""
    trainable = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return trainable, sum(weight.size for weight in network.get_weights()) - trainable


def convolved(width: int, height: int, *, side: int, filters: int) -> list[Any]:
    """Return what a convolution without padding and a pooling make of a size."""
    inner = (height - side + 1, width - side + 1)
    return [
        ("Conv2D", (*inner, filters)),
        ("MaxPooling2D", (inner[0] // 2, inner[1] // 2, filters)),
    ]


def test_lenet_has_its_layers() -> None:
    network = build(LeNet, 28, 28, 3)
    assert shapes(network) == [
        *convolved(28, 28, side=3, filters=32),
        *convolved(13, 13, side=3, filters=64),
        *convolved(5, 5, side=3, filters=128),
        ("Flatten", (128,)),
        ("Dense", (512,)),
        ("Dense", (7,)),
    ]
    assert count(network) == (162_887, 0)
    assert network.layers[-2].activation.__name__ == "sigmoid"


def test_deep_cnn_has_its_layers() -> None:
    network = build(DeepCNN, 75, 100, 3)
    assert shapes(network) == [
        *convolved(100, 75, side=3, filters=256),
        *convolved(49, 36, side=3, filters=128),
        *convolved(23, 17, side=3, filters=64),
        ("Flatten", (4480,)),
        *[("Dense", (units,)) for units in (64, 128, 7)],
    ]
    assert count(network) == (672_007, 0)


def test_deep_cnn_is_normalised_behind_poolings_and_hidden_dense_layers() -> None:
    network = build(DeepCNNBN, 75, 100, 3)
    kinds = [kind for kind, _ in shapes(network)]
    for kind, follower in pairwise(kinds[:-1]):
        normalised = kind in {"MaxPooling2D", "Dense"}
        assert (follower == "BatchNormalization") == normalised
    assert kinds[-1] == "Dense"
    features = 256 + 128 + 64 + 64 + 128
    assert count(network) == (672_007 + 2 * features, 2 * features)


def test_small_cnn_has_its_layers() -> None:
    network = build(SmallCNN, 32, 32, 3)
    assert shapes(network) == [
        *convolved(32, 32, side=3, filters=256),
        *convolved(15, 15, side=3, filters=128),
        *convolved(6, 6, side=3, filters=64),
        ("Flatten", (256,)),
        ("Dense", (32,)),
        ("Dense", (7,)),
    ]
    convolutions = (27 * 256 + 256) + (9 * 256 * 128 + 128) + (9 * 128 * 64 + 64)
    assert count(network) == (convolutions + (256 * 32 + 32) + (32 * 7 + 7), 0)
    assert network.layers[-2].activation.__name__ == "linear"


def test_pixel_mlp_reads_each_pixel_alike() -> None:
    network = build(PixelMLP, 32, 32, 3)
    assert shapes(network) == [
        *[("Dense", (32, 32, units)) for units in (256, 128, 64)],
        ("Flatten", (65_536,)),
        ("Dense", (32,)),
        ("Dense", (7,)),
    ]
    pixelwise = (3 * 256 + 256) + (256 * 128 + 128) + (128 * 64 + 64)
    assert count(network) == (pixelwise + (65_536 * 32 + 32) + (32 * 7 + 7), 0)


def test_skin_pamper_has_its_layers() -> None:
    network = build(SkinPamper, 28, 28, 3)
    normalised = "BatchNormalization"
    assert shapes(network) == [
        *convolved(28, 28, side=2, filters=64),
        (normalised, (13, 13, 64)),
        *convolved(13, 13, side=2, filters=512),
        (normalised, (6, 6, 512)),
        *convolved(6, 6, side=2, filters=1024),
        (normalised, (2, 2, 1024)),
        ("Flatten", (4096,)),
        *[("Dense", (units,)) for units in (256, 256, 512, 512, 1024)],
        (normalised, (1024,)),
        ("Dense", (64,)),
        ("Dense", (7,)),
    ]
    assert count(network) == (4_336_071, 5_248)
    assert network.count_params() == 4_341_319


@every_kind
def test_the_last_layer_gives_logits(kind: type[PublishedModel]) -> None:
    assert build(kind, 28, 28, 3).layers[-1].activation.__name__ == "linear"


@every_kind
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_other_sizes_are_enlarged_inside(
    kind: type[PublishedModel], channels: int
) -> None:
    native = kind.system.size
    resized = [layer for layer, _ in shapes(build(kind, *native, channels))]
    assert "Resizing" not in resized
    first, *_ = shapes(build(kind, 28, 30, channels))
    assert (first == ("Resizing", (*native, channels))) == kind.system.resizes


def test_enlarging_is_bilinear() -> None:
    network = build(SmallCNN, 28, 28, 3)
    image = pictures(28, 28, 3, count=1).astype(np.float32)
    found = np.asarray(network.layers[1](image))[0]
    # Centres of pixels: the fourteenth of 32 lies at (13 + .5) · 28/32 − .5 = 11.3125 of 28.
    part = 0.3125
    rows = image[0, 11] * (1 - part) + image[0, 12] * part
    expected = rows[11] * (1 - part) + rows[12] * part
    np.testing.assert_allclose(found[13, 13], expected, rtol=1e-4)


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
    monkeypatch.setattr(LeNet, "system", System(**{**_facts(LeNet.system), "epochs": 2}))
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
    monkeypatch.setattr(LeNet, "system", System(**{**_facts(LeNet.system), "epochs": 2}))
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
    facts = {**_facts(LeNet.system), "optimizer": "SGD", "plateau": plateau}
    monkeypatch.setattr(LeNet, "system", System(**facts))
    images = pictures(22, 22, 1, count=14)
    model = LeNet(epochs=3, learning_rate=1e-9)  # too little to change a loss of float32
    model.fit(images, labels(14), validation=(images, labels(14)))
    np.testing.assert_allclose(model.history_["learning_rate"], [1e-9, 1e-9, 5e-10])
    assert not SkinPamper()._callbacks()


def test_some_diagnoses_weigh_more(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {**_facts(LeNet.system), "class_weights": {"mel": 3.0, "bcc": 0.5}}
    monkeypatch.setattr(LeNet, "system", System(**facts))
    model = LeNet()
    model.classes_ = np.array([1, 4, 6])
    places = np.array([0, 1, 2, 2])
    given = np.array([1.0, 2.0, 1.0, 4.0])
    np.testing.assert_array_equal(model._weigh(places, None), [0.5, 1, 3, 3])
    np.testing.assert_array_equal(model._weigh(places, given), [0.5, 2, 3, 12])


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_every_choice_says_whose_it_is(system: System) -> None:
    assert any(note.startswith("Ours: ") for note in system.notes)
    for note in system.notes:
        assert re.match(r"(Ours|Departs): .*\.$", note)
    assert set(system.class_weights) <= set(CODES)
    assert system.epochs > 0


def test_recipes_are_those_of_the_sources() -> None:
    told = {name: (s.optimizer, s.batch_size, s.epochs) for name, s in SYSTEMS.items()}
    assert told["lenet"] == ("RMSprop", 128, 20)
    assert told["small-cnn"] == told["pixel-mlp"] == ("Adam", 32, 50)
    assert told["inception-resnet"] == ("SGD", 10, 25)
    assert SYSTEMS["small-cnn"].learning_rate == 1e-3
    assert SYSTEMS["inception-resnet"].class_weights == {"mel": 3.0}
    assert SYSTEMS["inception-resnet"].plateau is not None
    assert SYSTEMS["inception-resnet"].plateau.factor == 0.5
    assert SYSTEMS["skin-pamper"].epochs == 25


def _facts(system: System) -> dict[str, Any]:
    return {name: getattr(system, name) for name in System.__dataclass_fields__}
