"""DermaMNIST, the ``.npz`` files of MedMNIST: the same lesions, other pixels, another label order.

The file contains its own split, by image: images of one lesion are in several parts (693 of the
2,005 test images share a lesion with training). It names neither images nor lesions.
"""

import math
from pathlib import Path
from typing import IO
from zipfile import ZipFile, ZipInfo

import numpy as np

from hmnist.arrays import Array, Labels, Pixels
from hmnist.dataset import PARTS, LesionDataset
from hmnist.diagnoses import MEDMNIST_CODES, label_of
from hmnist.errors import DataError
from hmnist.sources.opening import DOWNLOAD_AGAIN, check_unpacked, opened_packed

_PREFIXES = dict(zip(PARTS, ("train", "val", "test"), strict=True))
_TO_KAGGLE = np.array([label_of(code) for code in MEDMNIST_CODES])  # labels in the Kaggle order
_HINT = "Name dermamnist.npz (or dermamnist_64.npz …) from https://zenodo.org/records/10519652."


def read_medmnist(path: Path) -> LesionDataset:
    """Read a DermaMNIST file: all images with `own_split`, labels in the Kaggle order, no lesions.

    The ``.npz`` file has the arrays ``train_images``, ``train_labels`` and the same for ``val`` and
    ``test``: images uint8 of shape (n, h, w, 3) or (n, h, w), labels integers of shape (n, 1) or
    (n,). Raises DataMissingError if there is no such file, DataError if it is damaged, lacks an
    array, unpacks to implausibly many bytes, or contains another data set than DermaMNIST.
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
    with opened_packed(path) as file:
        try:
            with ZipFile(file) as archive:
                members = _find_members(archive, path)
                return {name: _read_array(archive, member) for name, member in members.items()}
        except DataError:
            raise
        # zipfile, the unpackers and numpy raise errors of all kinds, depending on the damaged byte.
        except Exception as error:
            reason = (str(error) or type(error).__name__).splitlines()[0].removesuffix(".")
            message = f"{path} could not be read as an .npz file: {reason[:200]}."
            raise DataError(message, DOWNLOAD_AGAIN) from error


def _find_members(archive: ZipFile, path: Path) -> dict[str, ZipInfo]:
    """Return the member of each array, if together they have a plausible size."""
    found: dict[str, ZipInfo] = {}
    for name in [f"{part}_{kind}" for part in _PREFIXES.values() for kind in ("images", "labels")]:
        members = [each for each in archive.infolist() if each.filename == f"{name}.npy"]
        if len(members) != 1:
            held = ", ".join(each.removesuffix(".npy")[:40] for each in archive.namelist()[:9])
            problem = "more than one array" if members else "no array"
            raise DataError(f"{path} has {problem} {name!r}; it holds {held or 'none'}.", _HINT)
        [found[name]] = members
    sizes = [(member.compress_size, member.file_size) for member in found.values()]
    check_unpacked(path, *map(sum, zip(*sizes, strict=True)))
    return found


def _read_array(archive: ZipFile, member: ZipInfo) -> Array:
    with archive.open(member) as file:
        # numpy reserves the memory that the header asks for before it reads a byte.
        _check_size(file, member.file_size)
        file.seek(0)
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _check_size(file: IO[bytes], size: int) -> None:
    """Raise ValueError if an array's header asks for other bytes than those that follow it."""
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = read_header[np.lib.format.read_magic(file)](file)
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != size - file.tell():
        raise ValueError(f"an array of shape {shape} is not {size - file.tell():,} bytes")


def _check_part(images: Array, labels: Array, name: str) -> tuple[Pixels, Labels]:
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if (
        images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[3] not in (1, 3)
        or 0 in images.shape
    ):
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
