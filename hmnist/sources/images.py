"""Images to predict: photographs, pixel files and MedMNIST files, all in one size."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.arrays import Float32, Pixels, Shape, Strings
from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.patients import encode_patients
from hmnist.sources.opening import explain_failure

if TYPE_CHECKING:
    import pandas as pd

PHOTOGRAPHS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")  # endings that Pillow reads


@dataclass(frozen=True, eq=False)
class ImagesToPredict:
    """Images of one source.

    Attributes
    ----------
    source : str
        The path, or ``sample``.
    images : numpy.ndarray of uint8, shape (n, h, w, c)
    image_ids : numpy.ndarray of str, shape (n,), or None
        None if they are unknown.
    patients : numpy.ndarray of float32, shape (n, `PATIENT_COLUMNS`), or None
        None if they are unknown.
    """

    source: str
    images: Pixels
    image_ids: Strings | None
    patients: Float32 | None


def load_images(
    path: str | Path, shape: Shape, metadata: "pd.DataFrame | None" = None
) -> ImagesToPredict:
    """Read images to predict.

    The path is a photograph, a folder of photographs, a pixel file, a MedMNIST ``.npz``, or
    ``"sample"``. Photographs are squeezed to the shape that the model expects; other files must
    have it. Metadata are those of `read_patient_file`: they belong to photographs by name, to the
    images of other files row by row. Without them, a pixel file has those beside it. Raises
    DataError if something is missing or cannot be read, or the metadata belong to other images;
    UsageError if the images of a pixel file have another shape.
    """
    file = Path(path)
    # Only the text "sample" is the sample, as for `load`; a Path of that name is a folder.
    is_folder = path != "sample" and file.is_dir()
    if is_folder or is_photograph(file):
        photographs = _photographs_in(file) if is_folder else [file]
        images, names = _read_all(photographs, shape)
        patients = None if metadata is None else _find_patients(metadata, names)
        return ImagesToPredict(str(path), images, names, patients)
    from hmnist.sources import load

    try:
        data = load(path)
    except DataError:
        # Metadata of other images may lie beside a new file; predictions do not need it.
        data = load(path, metadata="none")
    if data.image_shape != shape:
        sizes = ["×".join(map(str, sides)) for sides in (data.image_shape, shape)]
        raise UsageError(f"{path} holds images of {sizes[0]}; the model was trained on {sizes[1]}.")
    if metadata is not None and len(metadata) != len(data):
        raise DataError(
            f"The metadata have {len(metadata):,} rows, {path} has {len(data):,} images.",
            "Name the metadata of these images: a row for each, in the same order.",
        )
    patients = data.patients if metadata is None else encode_patients(metadata)
    return ImagesToPredict(str(path), data.images, data.image_ids, patients)


def _find_patients(metadata: "pd.DataFrame", names: Strings) -> Float32 | None:
    """Return the patient data of photographs; those that the metadata do not name are unknown."""
    if "image_id" not in metadata:
        raise DataError(
            "The metadata have no column 'image_id', by which photographs are found.",
            "Add it: the name of each photograph without its ending.",
        )
    return encode_patients(metadata.set_index("image_id").reindex(names))


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
