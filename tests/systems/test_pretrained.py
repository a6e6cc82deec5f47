"""The transfer models: their layers, what is frozen, where weights come from and where they go."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped] # Keras brings it along
import numpy as np
import numpy.typing as npt
import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import (
    DataError,
    DataMissingError,
    HmnistError,
    SampleWarning,
    TrustError,
    UsageError,
)
from hmnist.experiments.train import train
from hmnist.models.pretrained import VGG16, InceptionResNet, MobileNet, PretrainedModel
from hmnist.models.training import load_keras
from hmnist.models.transfer import check_weights, load_weights
from hmnist.results.rows import make_row, make_table
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import open_run
from hmnist.splits.split import split
from tests.conftest import Command

IMAGES = np.random.default_rng(4).integers(0, 256, (14, 28, 28, 3), dtype=np.uint8)
LABELS = np.arange(14) % 7


def tiny(weights: str | None = None, *, filters: int = 4, **given: Any) -> Any:
    """Return a network that is made as an application of Keras is, only small."""
    keras = load_keras()
    assert given["include_top"] is False
    inputs = keras.Input(given["input_shape"])
    x = keras.layers.Conv2D(filters, 3, strides=8, name=f"conv_{filters}")(inputs)
    x = keras.layers.BatchNormalization(name=f"norm_{filters}")(x)
    network = keras.Model(inputs, keras.layers.ReLU()(x), name="tiny")
    if weights == "imagenet":
        network.set_weights(told(network))
    return network


def told(network: Any) -> list[npt.NDArray[Any]]:
    """Return recognisable weights for a network; variances have to be positive."""
    return [
        np.linspace(0.1, 0.9, weight.size, dtype=np.float32).reshape(weight.shape)
        for weight in network.get_weights()
    ]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> type[VGG16]:
    """Return VGG16 with the tiny network in its place."""
    monkeypatch.setattr(load_keras().applications, "VGG16", tiny)
    return VGG16


def make_small(weights: str | None) -> Any:
    return tiny(weights, include_top=False, input_shape=(32, 32, 3))


def write_weights(path: Path, *, filters: int = 4, change: Any = None) -> Path:
    """Write a file as Keras does: today's ``.weights.h5``, or the ``.h5`` of its applications."""
    network = tiny(filters=filters, include_top=False, input_shape=(40, 40, 3))
    weights = told(network)
    if change is not None:
        weights[0][:] = change
    network.set_weights(weights)
    if path.name.endswith(".weights.h5"):
        with warnings.catch_warnings():
            # Keras reads its own variables in a way that numpy 2 warns of.
            warnings.simplefilter("ignore", DeprecationWarning)
            network.save_weights(path)
        return path
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{place}" for place, _ in enumerate(layer.weights)]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, values in zip(names, layer.get_weights(), strict=True):
                group.create_dataset(name, data=values)
    return path


def fit(kind: type[PretrainedModel], images: Any = IMAGES, **parameters: Any) -> Any:
    given: dict[str, Any] = {"random_state": 0, "epochs": 1, "classes": tuple(range(7)), "side": 32}
    return kind(**(given | parameters)).fit(images, LABELS)


def count(network: Any) -> tuple[int, int]:
    """Return the trainable and the other weights."""
    trainable = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return trainable, sum(weight.size for weight in network.get_weights()) - trainable


def test_vgg16_has_its_layers() -> None:
    load_keras()
    network = VGG16()._build((150, 150, 3), 7)
    base = network.get_layer("base")
    assert base.output.shape == (None, 4, 4, 512)
    assert len(base.get_weights()) == 2 * 13
    assert count(network) == (4 * 4 * 512 * 7 + 7 + 14_714_688, 0)
    # What is trained if the base is frozen.
    assert count(VGG16(weights="imagenet")._build((4, 4, 512), 7)) == (4 * 4 * 512 * 7 + 7, 0)


def test_mobilenet_has_its_layers() -> None:
    load_keras()
    network = MobileNet(weights="imagenet")._build((28, 28, 1), 7)
    assert network.get_layer("base").output.shape == (None, 4, 4, 1024)
    moments = 21_888  # two for each feature of its batch normalisations
    assert count(network) == (3_228_864 - moments + 1024 * 7 + 7, moments)


def test_inception_resnet_is_cut_and_partly_frozen() -> None:
    load_keras()
    network = InceptionResNet(weights="imagenet")._build((28, 28, 3), 7)
    base = network.get_layer("base")
    assert base.output.shape == (None, 8, 8, 192)
    assert network.count_params() == 47_464_608 + 8 * 8 * 192 * 7 + 7
    kinds = [type(layer).__name__ for layer in network.layers]
    place = kinds.index("Functional")
    assert kinds[place + 1 :] == ["Dropout", "Flatten", "Dense"]
    trained = [layer.trainable for layer in base.layers]
    assert trained == [False] * (len(trained) - 47) + [True] * 47
    assert network.layers[place + 1].rate == 0.25


@pytest.mark.parametrize("kind", [VGG16, MobileNet, InceptionResNet])
def test_pixels_are_preprocessed_as_keras_does(kind: type[PretrainedModel]) -> None:
    keras = load_keras()
    module = {
        VGG16: keras.applications.vgg16,
        MobileNet: keras.applications.mobilenet,
        InceptionResNet: keras.applications.inception_resnet_v2,
    }[kind]
    pixels = IMAGES.astype(np.float32)
    inputs = keras.Input((28, 28, 3))
    network = keras.Model(inputs, kind()._preprocess(inputs))
    expected = module.preprocess_input(pixels.copy())
    np.testing.assert_allclose(np.asarray(network(pixels)), expected, rtol=1e-5, atol=1e-5)


def test_vgg16_learns_from_scratch_and_comes_back(tmp_path: Path) -> None:
    model = fit(VGG16)
    assert len(model.history_["loss"]) == 1
    expected = model.predict_proba(IMAGES)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-6)
    model.save_state(tmp_path)
    again = VGG16(side=32)
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), expected)


@pytest.mark.parametrize("name", ["vgg.weights.h5", "vgg_notop.h5"])
def test_a_file_of_weights_is_frozen_and_kept(
    small: type[VGG16], name: str, tmp_path: Path
) -> None:
    path = write_weights(tmp_path / name)
    model = fit(small, weights=str(path))
    base = make_small("imagenet")
    for found, expected in zip(model.base_weights_, told(base), strict=True):
        np.testing.assert_array_equal(found, expected)
    expected = model.predict_proba(IMAGES)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(IMAGES), expected)
    (tmp_path / "state").mkdir()
    model.save_state(tmp_path / "state")
    path.unlink()
    again = small(weights=str(path), side=32)
    again.load_state(tmp_path / "state")
    np.testing.assert_array_equal(again.predict_proba(IMAGES), expected)
    head = sum(weight.size for weight in model.weights_[0])
    assert head == 4 * 4 * 4 * 7 + 7
    assert again.parameter_count == head + base.count_params()
    (tmp_path / "state" / "base.npz").unlink()
    with pytest.raises(TrustError, match="VGG16 as it was saved"):
        small(weights=str(path), side=32).load_state(tmp_path / "state")


def test_a_frozen_base_and_its_read_out_are_one_network(small: type[VGG16]) -> None:
    model = fit(small, weights="imagenet")
    keras = load_keras()
    base = make_small("imagenet")
    resized = keras.layers.Resizing(32, 32)(IMAGES.astype(np.float32))
    seen = base(keras.applications.vgg16.preprocess_input(np.array(resized)), training=False)
    kernel, bias = model.weights_[0]
    logits = np.asarray(seen).reshape(14, -1) @ kernel + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(IMAGES), expected, rtol=1e-3, atol=1e-6)


def test_a_base_that_is_trained_further_starts_from_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load_keras().applications, "MobileNet", tiny)
    model = fit(MobileNet, weights="imagenet", learning_rate=1e-6)
    found = model.networks_[0].get_layer("base").get_weights()
    expected = told(make_small(None))
    for one, two in zip(found[:4], expected[:4], strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)
    assert not np.array_equal(found[0], expected[0])


def test_without_pretrained_weights_nothing_is_frozen(small: type[VGG16]) -> None:
    model = fit(small)
    assert len(model.networks_[0].get_layer("base").trainable_weights) == 4
    start = tiny(include_top=False, input_shape=(32, 32, 3)).get_weights()
    found = model.networks_[0].get_layer("base").get_weights()
    assert not np.array_equal(found[-1], start[-1])  # the moments have moved


def test_weights_of_imagenet_come_through_keras_once(
    small: type[VGG16], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def note(weights: str | None = None, **given: Any) -> Any:
        asked.append((weights, given["input_shape"]))
        return tiny(weights, **given)

    monkeypatch.setattr(load_keras().applications, "VGG16", note)
    model = fit(small, weights="imagenet")
    # Of the application's own size, whatever size is trained: Keras has no others.
    assert [shape for weights, shape in asked if weights] == [(150, 150, 3)]
    np.testing.assert_array_equal(model.base_weights_[0], told(make_small(None))[0])
    model.save_state(tmp_path)
    asked.clear()
    again = small(weights="imagenet", side=32)
    again.load_state(tmp_path)
    again.predict(IMAGES)
    assert {weights for weights, _ in asked} == {None}


def test_nobody_is_online(
    small: type[VGG16], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def offline(weights: str | None = None, **given: Any) -> Any:
        if weights == "imagenet":
            print("Downloading data from https://…")
            raise Exception("URL fetch failure on https://…: None -- [Errno -2] Name unknown\nmore")  # noqa: TRY002
        return tiny(weights, **given)

    monkeypatch.setattr(load_keras().applications, "VGG16", offline)
    with pytest.raises(DataMissingError, match=r"ImageNet weights of vgg16 .* Name unknown\.") as e:
        fit(small, weights="imagenet")
    assert e.value.exit_code == 3
    assert "--weights PATH" in e.value.hint
    assert "--weights none" in e.value.hint
    assert capfd.readouterr().out == ""


def test_grey_images_are_seen_in_three_equal_channels(small: type[VGG16]) -> None:
    grey = IMAGES[..., :1]
    model = small(weights="imagenet", side=32)
    model.base_weights_ = told(make_small(None))
    one = model._inputs(grey)
    model._cached_base = None
    np.testing.assert_allclose(one, model._inputs(np.repeat(grey, 3, axis=3)), rtol=1e-5)
    assert fit(small, grey).predict_proba(grey).shape == (14, 7)


def test_a_side_that_is_too_small_is_refused() -> None:
    load_keras()
    with pytest.raises(UsageError, match="74×74 pixels are too small for inception-resnet") as e:
        InceptionResNet(side=74)._build((28, 28, 3), 7)
    assert "75" in e.value.hint


def spoiled(folder: Path, how: str) -> Path:
    """Return a file that is no good in one way."""
    path = folder / "vgg.weights.h5"
    if how == "missing":
        return path
    if how == "a folder":
        path.mkdir()
    elif how == "text":
        path.write_text("weights")
    elif how == "named otherwise":
        return write_weights(path).rename(folder / "vgg.bin")
    elif how == "truncated":
        write_weights(path)
        path.write_bytes(path.read_bytes()[:3000])
    elif how == "empty":
        path = folder / "vgg.h5"
        h5py.File(path, "w").close()
    elif how == "empty.weights.h5":
        path = folder / how
        h5py.File(path, "w").close()
    elif how in ("a table.h5", "a table.weights.h5"):
        path = folder / how
        with h5py.File(path, "w") as file:
            file.create_group("layers")
            file["images/pixels"] = np.zeros((3, 4))
    elif how == "layers only.h5":
        path = folder / how
        with h5py.File(path, "w") as file:
            file.attrs["layer_names"] = [b"conv_4"]
            file.create_group("conv_4").attrs["weight_names"] = []
    elif how == "not numbers":
        write_weights(path, change=np.nan)
    else:
        write_weights(folder / how, filters=5)
        return folder / how
    return path


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("missing", DataMissingError, "There is no file of weights"),
        ("a folder", DataError, "cannot be read: Is a directory"),
        ("text", DataError, r"is no \.h5 file"),
        ("named otherwise", DataError, r"is no \.h5 file"),
        ("truncated", DataError, "holds no weights"),
        ("empty", DataError, r"vgg\.h5 holds no weights of a Keras network"),
        ("empty.weights.h5", DataError, "holds no weights of a Keras network"),
        ("a table.h5", DataError, "holds no weights of a Keras network"),
        ("a table.weights.h5", DataError, "holds no weights of a Keras network"),
        ("layers only.h5", DataError, "holds no weights of a Keras network"),
        ("not numbers", UsageError, "1 of 6 arrays"),
        ("other.weights.h5", UsageError, "do not fit vgg16"),
        ("other.h5", UsageError, "do not fit vgg16"),
    ],
)
def test_weights_that_will_not_do_are_refused(
    how: str, kind: type[HmnistError], said: str, tmp_path: Path
) -> None:
    path = spoiled(tmp_path, how)
    with pytest.raises(kind, match=said) as caught:
        load_weights("vgg16", str(path), make_small)
    assert type(caught.value) is kind
    assert caught.value.hint
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


def test_weights_are_looked_at_before_the_work(small: type[VGG16], tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="no file of weights"):
        fit(small, weights=str(tmp_path / "none.h5"))


def test_weights_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    import hashlib

    one = write_weights(tmp_path / "one.h5")
    other = write_weights(tmp_path / "other.h5", change=0.5)
    assert check_weights(str(one)) == hashlib.sha256(one.read_bytes()).hexdigest()
    assert check_weights(str(one)) != check_weights(str(other))
    assert check_weights("none") is check_weights("imagenet") is None


@pytest.fixture
def any_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave threads as they are: TensorFlow may have begun, and cannot change them then."""
    monkeypatch.setattr("hmnist.experiments.training.use_threads", lambda _: None)
    monkeypatch.setattr("hmnist.models.network.configure_tensorflow", lambda: None)


@pytest.mark.usefixtures("small", "any_threads")
def test_a_run_tells_its_weights_and_holds_them(sample: LesionDataset, tmp_path: Path) -> None:
    path = write_weights(tmp_path / "vgg.weights.h5")
    run = train(
        sample, "vgg16", weights=str(path), epochs=1, threads=1, side=32, out=tmp_path / "run"
    )
    digest = check_weights(str(path))
    assert digest is not None
    assert run.manifest["parameters"]["weights"] == str(path)
    assert run.manifest["recipe"]["weights"] == str(path)
    assert run.manifest["weights_digest"] == digest
    row = make_row([run])
    assert row["weights"] == f"vgg.weights.h5 (SHA-256 {digest[:12]})"
    table = make_table([row], split(sample), threads=1, runs=[run])
    assert f"Pretrained weights: vgg16 {row['weights']}." in set(table.notes())
    path.unlink()
    again = open_run(tmp_path / "run")
    with pytest.warns(SampleWarning):
        found = again.predict_proba(sample.images[:5])
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def test_other_weights_are_another_cell(sample: LesionDataset, tmp_path: Path) -> None:
    one = write_weights(tmp_path / "one.h5")
    parts = split(sample)
    recipe = Recipe("vgg16", weights=str(one))
    assert recipe.make().get_params()["weights"] == str(one)
    first = recipe.key(parts)
    assert Recipe("vgg16", weights="none").key(parts) != first
    write_weights(one, change=0.5)
    assert recipe.key(parts) == first  # what was planned keeps its name while it is trained
    assert Recipe("vgg16", weights=str(one)).key(parts) != first


@pytest.mark.usefixtures("any_threads")
def test_models_without_weights_are_not_asked(sample: LesionDataset, tmp_path: Path) -> None:
    recipe = Recipe("logistic", weights="nowhere.h5")
    assert recipe.weights_digest is None
    assert "weights" not in recipe.make().get_params()
    assert recipe.key(split(sample))
    run = train(sample, "majority", weights="nowhere.h5", threads=1, out=tmp_path / "run")
    row = make_row([run])
    assert row["weights"] is None
    table = make_table([row], split(sample), threads=1, runs=[run])
    assert not any(note.startswith("Pretrained") for note in table.notes())


@pytest.mark.parametrize(
    "words", [["train", "vgg16", "sample"], ["benchmark", "sample", "--models", "logistic,vgg16"]]
)
def test_missing_weights_end_a_command_before_the_work(words: list[str], command: Command) -> None:
    called = command(*words, "--weights", "nowhere.h5")
    assert called.code == 3
    assert "There is no file of weights nowhere.h5" in called.err
    assert "imagenet" in called.err
    assert not any(Path().iterdir())
