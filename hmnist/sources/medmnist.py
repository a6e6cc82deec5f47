"""DermaMNIST, the ``.npz`` files of MedMNIST: the same lesions, other pixels, another label order.

The file contains its own split, by image: images of one lesion are in several parts (693 of the
2,005 test images share a lesion with training). It names neither images nor lesions.
"""

import zlib
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, is_zipfile

import numpy as np

from hmnist.arrays import Array, Labels, Pixels
from hmnist.dataset import PARTS, LesionDataset
from hmnist.diagnoses import MEDMNIST_CODES, label_of
from hmnist.errors import DataError
from hmnist.sources.opening import DOWNLOAD_AGAIN, opened

_PREFIXES = dict(zip(PARTS, ("train", "val", "test"), strict=True))
_TO_KAGGLE = np.array([label_of(code) for code in MEDMNIST_CODES])  # labels in the Kaggle order
_HINT = "Name dermamnist.npz (or dermamnist_64.npz …) from https://zenodo.org/records/10519652."


def read_medmnist(path: Path) -> LesionDataset:
    """Read a DermaMNIST file: all images with `own_split`, labels in the Kaggle order, no lesions.

    The ``.npz`` file has the arrays ``train_images``, ``train_labels`` and the same for ``val`` and
    ``test``: images uint8 of shape (n, h, w, 3) or (n, h, w), labels integers of shape (n, 1) or
    (n,). Raises DataMissingError if there is no such file, DataError if it is damaged, lacks an
    array, or contains another data set than DermaMNIST.
    """
    arrays = _read_arrays(path)
    parts = [
        _check_part(arrays[f"{prefix}_images"], arrays[f"{prefix}_labels"], f"{path}: {prefix}")
        for prefix in _PREFIXES.values()
    ]
    shapes = {images.shape[1:] for images, _ in parts}
    if len(shapes) > 1:
        raise DataError(f"{path}: the parts have images of different shapes: {shapes}.", _HINT)
    labels = np.concatenate([labels for _, labels in parts])
    # The other sets of MedMNIST have the same arrays and 2, 4, 5, 8, 9 or 11 classes. So all seven
    # labels are needed to tell DermaMNIST from them.
    values = np.unique(labels)
    if not np.array_equal(values, np.arange(len(MEDMNIST_CODES))):
        numbers = ", ".join(map(str, values[:12])) or "none"
        raise DataError(
            f"{path} is not DermaMNIST: its labels are {numbers}; expected each of 0–6.", _HINT
        )
    return LesionDataset(
        np.concatenate([images for images, _ in parts]),
        _TO_KAGGLE[labels],
        name=path.name,
        own_split=np.repeat(list(_PREFIXES), [len(images) for images, _ in parts]),
    )


def _read_arrays(path: Path) -> dict[str, Array]:
    with opened(path) as file:
        try:
            return _load(file, path)
        except DataError:
            raise
        # Which error a flipped bit raises depends on its position in the archive.
        except (BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, ValueError) as error:
            message = f"{path} could not be read as an .npz file: {error}."
            raise DataError(message, DOWNLOAD_AGAIN) from error


def _load(file: BinaryIO, path: Path) -> dict[str, Array]:
    if not is_zipfile(file):
        raise BadZipFile("it is cut off or no .npz file")
    file.seek(0)
    names = [f"{prefix}_{kind}" for prefix in _PREFIXES.values() for kind in ("images", "labels")]
    with np.load(file, allow_pickle=False) as archive:
        for name in names:
            if name not in archive:
                held = ", ".join(archive.files[:9]) or "none"
                raise DataError(f"{path} has no array {name!r}; it holds {held}.", _HINT)
        return {name: archive[name] for name in names}


def _check_part(images: Array, labels: Array, name: str) -> tuple[Pixels, Labels]:
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise DataError(
            f"{name}_images is {images.dtype} of shape {images.shape}; expected uint8 of "
            "shape (n, height, width, 3) or (n, height, width).",
            _HINT,
        )
    if labels.dtype.kind not in "iu" or labels.shape not in {(len(images),), (len(images), 1)}:
        raise DataError(
            f"{name}_labels is {labels.dtype} of shape {labels.shape}; expected whole "
            f"numbers of shape ({len(images)}, 1), one for each image.",
            _HINT,
        )
    return images, labels.reshape(-1).astype(np.int64)
