"""The published networks as estimators: their training, their state, and their backbones."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.errors import DataMissingError, TrustError, UsageError
from hmnist.models.backbone import BackboneOutputs
from hmnist.models.keras_setup import load_keras
from hmnist.models.network import Examples, Network
from hmnist.models.published import PublishedNetwork
from hmnist.systems import SYSTEMS
from hmnist.systems.system import Plateau
from tests.conftest import eagerly
from tests.models.test_pretrained import known_weights, make_small, make_tiny, write_weights


def draw_images(*shape: int, count: int = 21) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (count, *shape), dtype=np.uint8)


def make_labels(count: int = 21) -> npt.NDArray[np.int64]:
    return np.arange(count) % 7


def change_lenet(monkeypatch: pytest.MonkeyPatch, **training: Any) -> None:
    """Give lenet another training."""
    lenet = SYSTEMS["lenet"]
    changed = replace(lenet, training=replace(lenet.training, **training))
    monkeypatch.setitem(SYSTEMS, "lenet", changed)


@pytest.mark.parametrize(("name", "smallest"), [("lenet", 22), ("skin-pamper", 15)])
def test_images_that_are_too_small_are_refused(name: str, smallest: int) -> None:
    load_keras()
    network = PublishedNetwork(system=name).make_network()
    assert network.build((smallest, smallest, 1), 7).output.shape == (None, 7)
    with pytest.raises(UsageError, match=f"{smallest - 1}×30 pixels are too small") as caught:
        network.build((smallest - 1, 30, 3), 7)
    assert f"{smallest}×{smallest} at least" in caught.value.message
    assert "small-cnn" in caught.value.hint
    with pytest.raises(UsageError, match="8×8"):
        PublishedNetwork(system=name, epochs=1).fit(draw_images(8, 8, 3), make_labels())


@eagerly
@pytest.mark.parametrize("name", ["lenet", "small-cnn"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_trained_network_comes_back(name: str, channels: int, tmp_path: Path) -> None:
    images = draw_images(28, 28, channels)
    model = PublishedNetwork(tuple(range(7)), random_state=0, system=name, epochs=1)
    model.fit(images, make_labels(), validation=(images[:5], make_labels(5)))
    expected = model.predict_proba(images)
    assert expected.shape == (21, 7)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-6)
    model.save_state(tmp_path)
    again = PublishedNetwork(system=name)
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(images), expected)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(images), expected)
    assert set(model.history_) >= {"accuracy", "loss", "val_accuracy", "val_loss"}


def test_the_same_training_again_has_the_same_bits() -> None:
    images = draw_images(28, 28, 1)
    first, again, other = (
        PublishedNetwork(random_state=seed, system="small-cnn", epochs=2)
        .fit(images, make_labels())
        .predict_proba(images)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@eagerly
def test_images_are_predicted_in_batches_and_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = draw_images(28, 28, 3, count=30)
    model = PublishedNetwork(random_state=0, epochs=1).fit(images, np.arange(30) % 3)
    expected = model.predict_proba(images)
    monkeypatch.setattr("hmnist.models.published.PREDICTION_BATCH", 7)
    again = pickle.loads(pickle.dumps(model))
    again.predict_proba(images[:1])
    function, sizes = again.compiled_.mean_logits, list[int]()

    def note(batch: npt.NDArray[Any]) -> Any:
        sizes.append(len(batch))
        return function(batch)

    again.compiled_.mean_logits = note
    np.testing.assert_allclose(again.predict_proba(images), expected, rtol=1e-5)
    assert sizes == [7, 7, 7, 7, 2]


@eagerly
def test_precision_stays_in_training() -> None:
    images, labels = draw_images(28, 28, 3), make_labels()
    trained = {
        precision: PublishedNetwork(random_state=0, epochs=1, precision=precision).fit(
            images, labels, validation=(images[:5], labels[:5])
        )
        for precision in ("float32", "bfloat16")
    }
    assert trained["bfloat16"].policy_ == "mixed_bfloat16"
    assert {weight.dtype for weight in trained["bfloat16"].weights_[0]} == {np.dtype("float32")}
    full, half = (model.predict_proba(images) for model in trained.values())
    assert not np.array_equal(half, full)
    np.testing.assert_allclose(half, full, atol=0.1)
    with pytest.raises(UsageError, match="no precision called 'float16'"):
        PublishedNetwork(precision="float16").fit(images, labels)


@eagerly
def test_the_numbers_of_the_source_hold_unless_others_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainings: list[dict[str, Any]] = []

    class Noted(PublishedNetwork):
        def make_network(self) -> Network:
            network = super().make_network()
            plan = network.training

            def note(steps: int) -> Any:
                optimizer = plan.optimizer(steps)
                facts = {"kind": type(optimizer).__name__, "config": optimizer.get_config()}
                trainings.append({"epochs": plan.epochs, "steps": steps, **facts})
                return optimizer

            return replace(network, training=replace(plan, optimizer=note))

    change_lenet(monkeypatch, epochs=2)
    images = draw_images(22, 22, 1, count=14)
    model = Noted(random_state=0).fit(images, make_labels(14))
    assert len(model.history_["loss"]) == 2
    numbers = ("epochs", "batch_size", "learning_rate")
    assert [model.get_params()[number] for number in numbers] == [None, None, None]
    other = Noted(random_state=0, epochs=1, batch_size=5, learning_rate=0.5)
    other.fit(images, make_labels(14))
    assert [(training["epochs"], training["steps"]) for training in trainings] == [(2, 2), (1, 3)]
    rates = [training["config"]["learning_rate"] for training in trainings]
    assert rates == pytest.approx([1e-3, 0.5])
    for training in trainings:
        assert training["kind"] == "RMSprop"
        assert not training["config"]["weight_decay"]
        assert not training["config"]["use_ema"]
    assert model.make_network().training.label_smoothing == 0
    assert (other.epochs, other.batch_size, other.learning_rate) == (1, 5, 0.5)


def test_steps_are_reported_also_for_the_numbers_of_the_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change_lenet(monkeypatch, epochs=2)
    steps: list[tuple[float, float]] = []
    model = PublishedNetwork(random_state=0)
    model.on_step = lambda done, total: steps.append((done, total))
    images = draw_images(22, 22, 1, count=14)
    expected = model.fit(images, make_labels(14)).predict_proba(images)
    assert steps == [(1, 2), (2, 2)]
    given = PublishedNetwork(random_state=0, epochs=2, batch_size=128, learning_rate=1e-3)
    given.fit(images, make_labels(14))
    np.testing.assert_array_equal(given.predict_proba(images), expected)


@eagerly
def test_the_plateau_of_a_system_lowers_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    change_lenet(monkeypatch, optimizer="SGD", plateau=Plateau(factor=0.5, patience=1))
    images = draw_images(22, 22, 1, count=14)
    model = PublishedNetwork(epochs=3, learning_rate=1e-9)  # too little to change a float32 loss
    model.fit(images, make_labels(14), validation=(images, make_labels(14)))
    np.testing.assert_allclose(model.history_["learning_rate"], [1e-9, 1e-9, 5e-10])
    assert PublishedNetwork(system="skin-pamper").make_network().training.plateau is None


def test_the_class_weights_of_a_system_count(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[Any] = []

    def note(network: Network, examples: Examples, **_: Any) -> Any:
        trained.append(examples.weights)
        return network.build(examples.inputs.shape[1:], 3).get_weights(), {}

    change_lenet(monkeypatch, class_weights={"mel": 3.0, "bcc": 0.5})
    monkeypatch.setattr("hmnist.models.training.train_network", note)
    images, labels = draw_images(22, 22, 1, count=4), np.array([1, 4, 6, 6])
    PublishedNetwork(random_state=0).fit(images, labels)
    PublishedNetwork(random_state=0).fit(images, labels, sample_weight=[1.0, 2.0, 1.0, 4.0])
    np.testing.assert_array_equal(trained[0], [0.5, 1, 3, 3])
    PublishedNetwork(random_state=0).fit(images, np.array(["bcc", "nv", "mel", "mel"]))
    np.testing.assert_array_equal(trained[1], [0.5, 2, 3, 12])
    np.testing.assert_array_equal(trained[2], trained[0])


def test_the_best_epoch_is_kept_only_if_it_is_asked_for() -> None:
    plan = PublishedNetwork().make_network().training
    assert (plan.restore_best, plan.steps_per_epoch) == (False, None)
    assert PublishedNetwork(restore_best=True).make_network().training.restore_best
    assert PublishedNetwork(system="skin-pamper").make_network().training.steps_per_epoch == 110


def test_unknown_systems_are_refused() -> None:
    with pytest.raises(UsageError, match="no published system called 'lennet'"):
        PublishedNetwork(system="lennet").fit(draw_images(28, 28, 3), make_labels())


# Transfer systems.

IMAGES = np.random.default_rng(4).integers(0, 256, (14, 28, 28, 3), dtype=np.uint8)
LABELS = np.arange(14) % 7


@pytest.fixture
def _tiny_vgg16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the tiny network in the place of VGG16."""
    monkeypatch.setattr(load_keras().applications, "VGG16", make_tiny)


tiny_vgg16 = pytest.mark.usefixtures("_tiny_vgg16")


def make(system: str, **parameters: Any) -> PublishedNetwork:
    given: dict[str, Any] = {"random_state": 0, "epochs": 1, "classes": tuple(range(7)), "side": 32}
    return PublishedNetwork(system=system, **(given | parameters))


def fit(system: str, images: Any = IMAGES, **parameters: Any) -> PublishedNetwork:
    return make(system, **parameters).fit(images, LABELS)


@eagerly
def test_vgg16_learns_from_scratch_and_comes_back(tmp_path: Path) -> None:
    model = fit("vgg16")
    assert len(model.history_["loss"]) == 1
    expected = model.predict_proba(IMAGES)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-6)
    model.save_state(tmp_path)
    again = make("vgg16")
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), expected)


@eagerly
@tiny_vgg16
@pytest.mark.parametrize("name", ["vgg.weights.h5", "vgg_notop.h5"])
def test_the_weights_of_a_file_are_frozen_and_saved(name: str, tmp_path: Path) -> None:
    path = write_weights(tmp_path / name)
    model = fit("vgg16", pretrained=str(path))
    backbone = make_small("imagenet")
    assert isinstance(model.inputs_, BackboneOutputs)
    for weight, known in zip(model.inputs_.weights, known_weights(backbone), strict=True):
        np.testing.assert_array_equal(weight, known)
    expected = model.predict_proba(IMAGES)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(IMAGES), expected)
    (tmp_path / "state").mkdir()
    model.save_state(tmp_path / "state")
    path.unlink()
    again = make("vgg16", pretrained=str(path))
    again.load_state(tmp_path / "state")
    np.testing.assert_array_equal(again.predict_proba(IMAGES), expected)
    head = sum(weight.size for weight in model.weights_[0])
    assert head == 4 * 4 * 4 * 7 + 7
    assert again.parameter_count == head + backbone.count_params()
    (tmp_path / "state" / "base.npz").unlink()
    with pytest.raises(TrustError, match=r"base\.npz is missing"):
        make("vgg16", pretrained=str(path)).load_state(tmp_path / "state")


@eagerly
@tiny_vgg16
def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    fit("vgg16", pretrained="imagenet").save_state(tmp_path)
    np.savez(tmp_path / "base.npz", weights=np.zeros(135, np.float32))
    with pytest.raises(TrustError, match="as it was saved: it has 135 weights; the network has"):
        make("vgg16", pretrained="imagenet").load_state(tmp_path)


@eagerly
@tiny_vgg16
def test_a_frozen_backbone_and_its_head_are_one_network() -> None:
    model = fit("vgg16", pretrained="imagenet")
    keras = load_keras()
    backbone = make_small("imagenet")
    resized = keras.layers.Resizing(32, 32)(IMAGES.astype(np.float32))
    pixels = np.array(resized) / 255
    features = np.asarray(backbone(pixels, training=False))
    kernel, bias = model.weights_[0]
    logits = features.reshape(14, -1) @ kernel + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(IMAGES), expected, rtol=1e-3, atol=1e-6)


@eagerly
def test_a_backbone_that_is_trained_starts_from_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load_keras().applications, "MobileNet", make_tiny)
    model = fit("mobilenet", pretrained="imagenet", learning_rate=1e-6)
    weights = model.networks_[0].get_layer("backbone").get_weights()
    start = known_weights(make_small(None))
    for weight, known in zip(weights[:4], start[:4], strict=True):
        np.testing.assert_allclose(weight, known, atol=1e-4)
    assert not np.array_equal(weights[0], start[0])


@eagerly
@tiny_vgg16
def test_without_pretrained_weights_nothing_is_frozen() -> None:
    backbone = fit("vgg16").networks_[0].get_layer("backbone")
    assert len(backbone.trainable_weights) == 4
    start = make_tiny(include_top=False, input_shape=(32, 32, 3)).get_weights()
    assert not np.array_equal(backbone.get_weights()[-1], start[-1])  # the moments have moved


def test_weights_of_imagenet_come_through_keras_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = []

    def note(weights: str | None = None, **given: Any) -> Any:
        calls.append((weights, given["input_shape"]))
        return make_tiny(weights, **given)

    monkeypatch.setattr(load_keras().applications, "VGG16", note)
    model = fit("vgg16", pretrained="imagenet")
    # Of the application's own size, whatever size is trained: Keras has no others.
    assert [shape for weights, shape in calls if weights] == [(150, 150, 3)]
    known = known_weights(make_small(None))
    assert isinstance(model.inputs_, BackboneOutputs)
    np.testing.assert_array_equal(model.inputs_.weights[0], known[0])
    model.save_state(tmp_path)
    calls.clear()
    again = make("vgg16", pretrained="imagenet")
    again.load_state(tmp_path)
    again.predict(IMAGES)
    assert {weights for weights, _ in calls} == {None}


@tiny_vgg16
def test_without_a_network_the_download_is_explained(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def offline(weights: str | None = None, **given: Any) -> Any:
        if weights == "imagenet":
            print("Downloading data from https://…")
            raise Exception("URL fetch failure on https://…: None -- [Errno -2] Name unknown\nmore")  # noqa: TRY002
        return make_tiny(weights, **given)

    monkeypatch.setattr(load_keras().applications, "VGG16", offline)
    with pytest.raises(DataMissingError, match=r"ImageNet weights of vgg16 .* Name unknown\.") as e:
        fit("vgg16", pretrained="imagenet")
    assert e.value.exit_code == 3
    assert "--pretrained PATH" in e.value.hint
    assert "--pretrained none" in e.value.hint
    assert capfd.readouterr().out == ""


@tiny_vgg16
def test_grey_images_become_three_equal_channels() -> None:
    grey = IMAGES[..., :1]
    model = fit("vgg16", grey, pretrained="imagenet")
    coloured = fit("vgg16", np.repeat(grey, 3, axis=3), pretrained="imagenet")
    np.testing.assert_allclose(
        model.inputs_.transform(grey),
        coloured.inputs_.transform(np.repeat(grey, 3, axis=3)),
        rtol=1e-5,
    )
    assert fit("vgg16", grey).predict_proba(grey).shape == (14, 7)


def test_a_side_that_is_too_small_is_refused() -> None:
    with pytest.raises(UsageError, match="74×74 pixels are too small for inception-resnet") as e:
        PublishedNetwork(system="inception-resnet", side=74).fit(IMAGES, LABELS)
    assert "75" in e.value.hint


@pytest.mark.parametrize("parameters", [{"side": 40}, {"pretrained": "imagenet"}])
def test_systems_without_a_backbone_take_no_side_and_no_weights(parameters: Any) -> None:
    with pytest.raises(UsageError, match="lenet starts from no application of Keras") as caught:
        PublishedNetwork(system="lenet", **parameters).fit(IMAGES, LABELS)
    assert "mobilenet" in caught.value.hint


@tiny_vgg16
def test_missing_weights_are_noticed_before_the_training(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="no file of weights"):
        fit("vgg16", pretrained=str(tmp_path / "none.h5"))
