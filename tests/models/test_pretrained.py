"""Pretrained weights: files that are read, and files that are refused with a sentence."""

import warnings
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped] # a dependency of Keras
import numpy as np
import numpy.typing as npt
import pytest

from hmnist.errors import DataError, DataMissingError, HmnistError, UsageError
from hmnist.models.keras_setup import load_keras
from hmnist.models.pretrained import check_pretrained, load_pretrained


def make_tiny(weights: str | None = None, *, filters: int = 4, **given: Any) -> Any:
    """Return a small network, made as an application of Keras is."""
    keras = load_keras()
    assert given["include_top"] is False
    inputs = keras.Input(given["input_shape"])
    x = keras.layers.Conv2D(filters, 3, strides=8, name=f"conv_{filters}")(inputs)
    x = keras.layers.BatchNormalization(name=f"norm_{filters}")(x)
    network = keras.Model(inputs, keras.layers.ReLU()(x), name="tiny")
    if weights == "imagenet":
        network.set_weights(known_weights(network))
    return network


def known_weights(network: Any) -> list[npt.NDArray[Any]]:
    """Return recognisable weights for a network; variances have to be positive."""
    return [
        np.linspace(0.1, 0.9, weight.size, dtype=np.float32).reshape(weight.shape)
        for weight in network.get_weights()
    ]


def make_small(weights: str | None) -> Any:
    return make_tiny(weights, include_top=False, input_shape=(32, 32, 3))


def write_weights(path: Path, *, filters: int = 4, change: Any = None) -> Path:
    """Write a file as Keras does: today's ``.weights.h5``, or the ``.h5`` of its applications."""
    network = make_tiny(filters=filters, include_top=False, input_shape=(40, 40, 3))
    weights = known_weights(network)
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
            names = [f"{layer.name}/{index}" for index, _ in enumerate(layer.weights)]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, values in zip(names, layer.get_weights(), strict=True):
                group.create_dataset(name, data=values)
    return path


def spoil(folder: Path, how: str) -> Path:
    """Return a file that is unusable in one way."""
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
    ("how", "kind", "message"),
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
def test_unusable_weights_are_refused(
    how: str, kind: type[HmnistError], message: str, tmp_path: Path
) -> None:
    path = spoil(tmp_path, how)
    with pytest.raises(kind, match=message) as caught:
        load_pretrained("vgg16", str(path), make_small)
    assert type(caught.value) is kind
    assert caught.value.hint
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


def test_weights_are_identified_by_their_bytes(tmp_path: Path) -> None:
    import hashlib

    first = write_weights(tmp_path / "one.h5")
    other = write_weights(tmp_path / "other.h5", change=0.5)
    assert check_pretrained(str(first)) == hashlib.sha256(first.read_bytes()).hexdigest()
    assert check_pretrained(str(first)) != check_pretrained(str(other))
    assert check_pretrained("none") is check_pretrained("imagenet") is None


def test_weights_below_the_home_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = write_weights(tmp_path / "vgg.h5")
    assert check_pretrained("~/vgg.h5") == check_pretrained(str(path))
    network = load_pretrained("vgg16", "~/vgg.h5", make_small)
    expected = load_pretrained("vgg16", str(path), make_small)
    for array, same in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(array, same)


def add_odd_node(file: Any, how: str, folder: Path) -> None:
    """Add what does not belong into a file of weights."""
    numbers = np.zeros(10_000, np.float32)
    if how == "soft link":
        file["link"] = h5py.SoftLink("/layers")
    elif how == "external link":
        file["link"] = h5py.ExternalLink("other.h5", "/")
    elif how == "a circle":
        file["layers/circle"] = file["layers"]
    elif how == "compressed":
        file.create_dataset("numbers", data=numbers, compression="gzip")
    elif how == "elsewhere":
        (folder / "raw").write_bytes(numbers.tobytes())
        file.create_dataset(
            "numbers", (10_000,), "<f4", external=[(str(folder / "raw"), 0, 40_000)]
        )
    elif how == "declared":
        file.create_dataset("numbers", (10**12,), "<f4", chunks=(1000,))
    else:
        layout = h5py.VirtualLayout((10_000,), "<f4")
        file.create_virtual_dataset("numbers", layout)


@pytest.mark.parametrize(
    "how",
    ["soft link", "external link", "a circle", "compressed", "elsewhere", "declared", "virtual"],
)
def test_a_file_holds_plain_arrays_only(how: str, tmp_path: Path) -> None:
    path = write_weights(tmp_path / "vgg.weights.h5")
    with h5py.File(path, "a") as file:
        add_odd_node(file, how, tmp_path)
    with pytest.raises(DataError, match=r"link|plain array|recursion|ended|bytes") as caught:
        load_pretrained("vgg16", str(path), make_small)
    assert "holds no weights of a Keras network: " in caught.value.message


def test_changed_bytes_crash_nothing(tmp_path: Path, rng: np.random.Generator) -> None:
    content = write_weights(tmp_path / "vgg.h5").read_bytes()
    for number in range(3):
        path = tmp_path / f"{number}.h5"
        changed = bytearray(content)
        for position in rng.integers(20, len(content), 30):
            changed[position] = rng.integers(256)
        path.write_bytes(changed)
        with pytest.raises(HmnistError):
            load_pretrained("vgg16", str(path), make_small)
