"""`predict_few`: a few images are predicted by LiteRT, without TensorFlow."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Shape, softmax
from hmnist.models.litert import FEW, find_litert
from hmnist.models.saved_networks import SavedNetworks
from hmnist.patients import PATIENT_COLUMNS, check_patients


def are_for_litert(images: npt.ArrayLike, shape: Shape, model_folder: Path) -> bool:
    """Tell whether images are so few, and need none of the checks that estimators make.

    LiteRT can run the networks in the folder then, if there are any.
    """
    are_few_pixels = (
        isinstance(images, np.ndarray)
        and images.dtype == np.uint8
        and images.shape[1:] == shape
        and 0 < len(images) <= FEW
    )
    return are_few_pixels and find_litert(model_folder) is not None


def predict_few(
    model_folder: Path, shape: Shape, images: npt.ArrayLike, patients: npt.ArrayLike | None
) -> Float64 | None:
    """Return the probabilities of images that are for LiteRT: float64, shape (n, 7).

    None if the networks read other columns or shapes: the model itself refuses those of another
    version, with a sentence.
    """
    networks = SavedNetworks(model_folder, shape)
    if networks.patient_columns not in {0, len(PATIENT_COLUMNS)} or not networks.reads(shape):
        return None
    pixels = np.asarray(images)
    known = check_patients(patients, len(pixels)) if networks.patient_columns else None
    return softmax(networks.logits(pixels, known))
