"""`SavedNetworks`: a few images, predicted from the files of a saved model.

It loads neither TensorFlow nor scikit-learn, which take seconds.
"""

import shutil
from pathlib import Path

import numpy as np

from hmnist.arrays import Float32, Float64, Images, Shape
from hmnist.models.inputs import FEATURES_FILE, SCALER_FILE, StandardisedFeatures, read_inputs
from hmnist.models.litert import LITERT_FILE, LiteNetworks

PERCEPTRON = "perceptron"
"""The folder of the perceptrons' files, in that of a `JointCNN`."""


class SavedNetworks:
    """The networks of a model, and what they read of an image.

    Parameters
    ----------
    folder : pathlib.Path
        What `Model.save_state` has written, with a file for LiteRT (`hmnist.models.litert`).
    shape : tuple of int
        Height, width and channels of the images.

    Raises
    ------
    TrustError
        If a file is damaged.
    ValueError
        If the files are of other images.
    """

    def __init__(self, folder: Path, shape: Shape) -> None:
        self._networks = LiteNetworks(folder / LITERT_FILE)
        self._inputs = read_inputs(folder, shape)
        beside = folder / PERCEPTRON
        self._perceptron = SavedNetworks(beside, shape) if beside.is_dir() else None

    @property
    def patient_columns(self) -> int:
        """How many columns of patient data the networks read; 0 if they read none."""
        return self._networks.patient_columns

    def reads(self, shape: Shape) -> bool:
        """Return whether it knows what the networks read of images of this shape."""
        known = isinstance(self._inputs, StandardisedFeatures)
        return known or self._networks.input_shape == shape

    def logits(self, images: Images, patients: Float32 | None) -> Float64:
        """Return the logits of the model: float64, shape (n, classes)."""
        logits = self._networks(self._inputs.transform(images), patients).astype(np.float64)
        if self._perceptron is None:
            return logits
        return (logits + self._perceptron.logits(images, patients)) / 2


def has_networks(folder: Path) -> bool:
    """Return whether the networks of a saved model have their files for LiteRT."""
    beside = folder / PERCEPTRON
    return (folder / LITERT_FILE).is_file() and (not beside.is_dir() or has_networks(beside))


def copy_networks(source: Path, target: Path) -> None:
    """Copy the files that `SavedNetworks` reads, and no others, into a new folder."""
    target.mkdir()
    shutil.copy(source / LITERT_FILE, target)
    for name in (FEATURES_FILE, SCALER_FILE):
        if (source / name).is_file():
            shutil.copy(source / name, target)
    if (source / PERCEPTRON).is_dir():
        copy_networks(source / PERCEPTRON, target / PERCEPTRON)
