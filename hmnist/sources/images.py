"""Images to predict: photographs, pixel files and MedMNIST files, all in one size."""

import warnings
from pathlib import Path

import numpy as np

from hmnist.arrays import Pixels, Shape, Strings
from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.sources.opening import explain_failure

PHOTOGRAPHS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")  # endings that Pillow reads


def load_images(path: str | Path, shape: Shape) -> tuple[str, Pixels, Strings | None]:
    """Read images to predict: the source, images (n, h, w, c), and their ids (n,) if known.

    The path is a photograph, a folder of photographs, a pixel file, a MedMNIST ``.npz``, or
    ``"sample"``. Photographs are squeezed to the shape that the model expects; other files must
    have it. Raises DataError if something is missing or cannot be read, UsageError if the images of
    a pixel file have another shape.
    """
    file = Path(path)
    # Only the text "sample" is the sample, as for `load`; a Path of that name is a folder.
    if path != "sample" and file.is_dir():
        return str(path), *_read_all(_photographs_in(file), shape)
    if is_photograph(file):
        return str(path), *_read_all([file], shape)
    from hmnist.sources import load

    try:
        data = load(path)
    except DataError:
        # Metadata of other images may lie beside a new file; predictions do not need it.
        data = load(path, metadata="none")
    if data.image_shape != shape:
        sizes = ["×".join(map(str, sides)) for sides in (data.image_shape, shape)]
        raise UsageError(f"{path} holds images of {sizes[0]}; the model was trained on {sizes[1]}.")
    return str(path), data.images, data.image_ids


def read_photograph(path: Path, shape: Shape) -> Pixels:
    """Read a photograph as the Kaggle pixel file was made: squeezed to (h, w, c) by Lanczos.

    Raises DataError if it is missing, no image, a damaged one, or larger than Pillow considers
    safe. Pillow's warnings are left to the caller: a filter for them changes all threads at once.
    """
    from PIL import Image

    height, width, channels = shape
    try:
        with Image.open(path) as photograph:
            _refuse_oversized(photograph.width, photograph.height)
            resized = photograph.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    except FileNotFoundError as error:
        raise DataMissingError(f"There is no image {path}.") from error
    # Pillow raises all of these for damaged files.
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture: {error}.") from error
    if channels == 1:
        resized = resized.convert("L")
    return np.asarray(resized, dtype=np.uint8).reshape(shape)


def _refuse_oversized(width: int, height: int) -> None:
    # Up to twice its limit Pillow only warns, which would still use half a gigabyte of memory.
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise Image.DecompressionBombError(
            f"it has {width:,}×{height:,} pixels, more than {limit:,} in all"
        )


def _photographs_in(folder: Path) -> list[Path]:
    with explain_failure(folder):
        photographs = sorted(filter(is_photograph, folder.iterdir()))
    if not photographs:
        raise DataMissingError(f"There are no photographs ({', '.join(PHOTOGRAPHS)}) in {folder}.")
    return photographs


def _read_all(photographs: list[Path], shape: Shape) -> tuple[Pixels, Strings]:
    # Pillow warns about damage before it fails; the error is enough.
    with warnings.catch_warnings(action="ignore"):
        images = np.stack([read_photograph(path, shape) for path in photographs])
    return images, np.array([path.stem for path in photographs])


def is_photograph(path: Path) -> bool:
    """Return whether a file's ending is one of `PHOTOGRAPHS`."""
    return path.suffix.lower() in PHOTOGRAPHS
