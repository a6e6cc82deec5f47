"""Images to predict: photographs, pixel files and MedMNIST files, all in one size."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hmnist.errors import DataError, DataMissingError, UsageError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

__all__ = ["PHOTOGRAPHS", "load_images", "read_photograph", "squeeze_photograph"]

PHOTOGRAPHS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
"""The endings of what Pillow reads."""

Shape = tuple[int, int, int]
Pixels = npt.NDArray[np.uint8]


def load_images(path: str | Path, shape: Shape) -> tuple[str, Pixels, npt.NDArray[np.str_] | None]:
    """Read images to predict.

    Parameters
    ----------
    path : str or pathlib.Path
        A photograph, a folder of photographs, a pixel file, a MedMNIST ``.npz``, or ``"sample"``.
    shape : tuple of int
        Height, width and channels that the model expects. Photographs are squeezed to it; other
        files must have it.

    Returns
    -------
    tuple of str, numpy.ndarray of uint8 (n, h, w, c), and numpy.ndarray of str (n,) or None
        The source, its images, and their ids where they are known.

    Raises
    ------
    DataError
        If something is missing or cannot be read.
    UsageError
        If the images of a pixel file have another shape.
    """
    place = Path(path)
    # Compared as given, as `load` does: the word goes before a folder of that name.
    if path != "sample" and place.is_dir():
        return str(path), *_read_folder(place, shape)
    if _is_photograph(place):
        return str(path), read_photograph(place, shape)[None], np.array([place.stem])
    from hmnist.sources import load

    try:
        data = load(path)
    except DataError:
        # Metadata of other images may lie beside a new file; who is predicted needs none.
        data = load(path, metadata="none")
    if data.image_shape != shape:
        expected, found = ("×".join(map(str, one)) for one in (shape, data.image_shape))
        raise UsageError(f"{path} holds images of {found}; the model was trained on {expected}.")
    return str(path), data.images, data.image_ids


def read_photograph(path: Path, shape: Shape) -> Pixels:
    """Read a photograph the way the Kaggle pixel file was made: squeezed to size, Lanczos.

    Returns
    -------
    numpy.ndarray of uint8, shape (h, w, c)

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataError
        If it is no picture, or a damaged one.
    """
    # Pillow warns of damage before it gives up; one sentence is enough.
    with warnings.catch_warnings(action="ignore"):
        return squeeze_photograph(path, shape)


def squeeze_photograph(path: Path, shape: Shape) -> Pixels:
    """Do what `read_photograph` does, leaving Pillow's warnings to the caller.

    What is done about warnings holds for all threads at once, so where several read photographs
    it is decided once, before they begin.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataError
        If it is no picture, a damaged one, or larger than Pillow takes for safe.
    """
    from PIL import Image

    height, width, channels = shape
    try:
        with Image.open(path) as photograph:
            _refuse_oversized(photograph)
            resized = photograph.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    except FileNotFoundError as error:
        raise DataMissingError(f"There is no image {path}.") from error
    # Pillow's readers raise all of these at files that are not as they should be.
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture: {error}.") from error
    if channels == 1:
        resized = resized.convert("L")
    return np.asarray(resized, dtype=np.uint8).reshape(shape)


def _refuse_oversized(photograph: "ImageFile") -> None:
    # Pillow only warns up to twice its limit, which would still fill half a gigabyte.
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and photograph.width * photograph.height > limit:
        raise Image.DecompressionBombError(
            f"it has {photograph.width:,}×{photograph.height:,} pixels, more than {limit:,} in all"
        )


def _read_folder(folder: Path, shape: Shape) -> tuple[Pixels, npt.NDArray[np.str_]]:
    try:
        photographs = sorted(path for path in folder.iterdir() if _is_photograph(path))
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"{folder} could not be read: {reason}.", "Check the folder and its permissions."
        ) from error
    if not photographs:
        raise DataMissingError(f"There are no photographs ({', '.join(PHOTOGRAPHS)}) in {folder}.")
    images = np.stack([read_photograph(path, shape) for path in photographs])
    return images, np.array([path.stem for path in photographs])


def _is_photograph(path: Path) -> bool:
    return path.suffix.lower() in PHOTOGRAPHS
