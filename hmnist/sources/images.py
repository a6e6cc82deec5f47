"""Images to predict: photographs, pixel files and DermaMNIST files, all in one size."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.arrays import Float32, Pixels, Shape, Strings
from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.patients import encode_patients
from hmnist.sources.metadata import rows_of
from hmnist.sources.opening import explain_failure, opened_packed
from hmnist.sources.resizing import Filter, resize

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

    from hmnist.dataset import LesionDataset

PHOTOGRAPHS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
"""The endings of files that are read by Pillow."""

_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
"""Their formats in Pillow; it knows others that start programs or are never photographs."""


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
    files : tuple of str
        The names of photographs; empty for other sources.
    damaged : tuple of str
        What is wrong with photographs that were left out.
    reordered : bool
        Whether the metadata were in another order than the images.
    """

    source: str
    images: Pixels
    image_ids: Strings | None
    patients: Float32 | None
    files: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    reordered: bool = False

    @property
    def names(self) -> list[str]:
        """What each image is called: by its file, its image id, or its row, counted from 0."""
        return list(map(self.name, range(len(self.images))))

    def name(self, row: int) -> str:
        """Return what one image is called."""
        if self.files:
            return self.files[row]
        if self.image_ids is not None:
            return str(self.image_ids[row])
        return f"row {row} of {Path(self.source).name}"


def load_images(
    path: str | Path, shape: Shape, metadata: "pd.DataFrame | None" = None
) -> ImagesToPredict:
    """Read images to predict.

    The path is a photograph, a folder of photographs, a pixel file, a DermaMNIST ``.npz``, or
    ``"sample"``. Photographs are squeezed to the shape that the model expects; other files must
    have it. Photographs that are damaged are left out and named. Metadata are those of
    `read_patient_file`: they belong to photographs by name, to the images of other files by image
    id if both have them, else row by row. Without them, a pixel file has those beside it. Raises
    DataError if something is missing, no photograph can be read, or the metadata belong to other
    images; UsageError if the images of a pixel file have another shape.
    """
    file = Path(path)
    # Only the text "sample" is the sample, as for `load`; a Path of that name is a folder.
    is_folder = path != "sample" and file.is_dir()
    if is_folder or is_photograph(file):
        photographs = _photographs_in(file) if is_folder else [file]
        read, damaged = _read_all(photographs, shape)
        names = np.array([path.stem for path in read])
        patients = None if metadata is None else _find_patients(metadata, names)
        return ImagesToPredict(
            str(path),
            np.stack(list(read.values())),
            names,
            patients,
            files=tuple(path.name for path in read),
            damaged=tuple(damaged),
        )
    from hmnist.sources import load

    try:
        data = load(path)
    except DataError:
        # Metadata of other images may lie beside a new file; predictions do not need it.
        data = load(path, metadata="none")
    if data.image_shape != shape:
        sizes = ["×".join(map(str, sides)) for sides in (data.image_shape, shape)]
        raise UsageError(f"{path} holds images of {sizes[0]}; the model was trained on {sizes[1]}.")
    if metadata is None:
        return ImagesToPredict(str(path), data.images, data.image_ids, data.patients)
    ordered = _put_in_order(metadata, data)
    patients, reordered = encode_patients(ordered), ordered is not metadata
    return ImagesToPredict(str(path), data.images, data.image_ids, patients, reordered=reordered)


def _put_in_order(metadata: "pd.DataFrame", data: "LesionDataset") -> "pd.DataFrame":
    """Return the rows of the images: by their ids if both have them, else as they are."""
    ids = data.image_ids
    if ids is not None and "image_id" in metadata:
        if ids.tolist() == metadata["image_id"].tolist():
            return metadata
        return rows_of(metadata, ids.tolist(), data.name)
    if len(metadata) != len(data):
        raise DataError(
            f"The metadata have {len(metadata):,} rows, {data.name} has {len(data):,} images.",
            "Name the metadata of these images: a row for each, in the same order.",
        )
    return metadata


def _find_patients(metadata: "pd.DataFrame", names: Strings) -> Float32 | None:
    """Return the patient data of photographs; those that the metadata do not name are unknown."""
    if "image_id" not in metadata:
        raise DataError(
            "The metadata have no column 'image_id', by which photographs are found.",
            "Add it: the name of each photograph without its ending.",
        )
    return encode_patients(metadata.set_index("image_id").reindex(names))


def read_photograph(path: Path, shape: Shape, by: Filter = "lanczos") -> Pixels:
    """Read a photograph squeezed to (h, w, c), by the filter of the Kaggle pixel file or another.

    It is turned upright first if the camera noted how it was held (EXIF). Raises DataError if it is
    missing, no image, a damaged one, an animation, one of more than 8 bits a channel, or larger
    than Pillow considers safe. Pillow's warnings are left to the caller: a filter for them changes
    all threads at once.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    height, width, channels = shape
    with opened_packed(path) as file:
        try:
            with Image.open(file, formats=_FORMATS) as photograph:
                _check_photograph(photograph)
                ImageOps.exif_transpose(photograph, in_place=True)
                upright = photograph.convert("RGB")
        # Pillow raises errors of all kinds, depending on the damaged byte.
        except Exception as error:
            is_unknown = isinstance(error, UnidentifiedImageError)
            reason = f"it is none of {', '.join(_FORMATS)}" if is_unknown else error
            raise DataError(f"{path} cannot be read as a photograph: {reason}.") from error
    resized = resize(upright, (height, width), by)
    if channels == 1:
        resized = np.asarray(Image.fromarray(resized).convert("L"))
    return resized.reshape(shape)


def _check_photograph(photograph: "Image") -> None:
    """Refuse what Pillow reads, but not as the photograph that it shows."""
    from PIL import Image

    width, height = photograph.size
    limit = Image.MAX_IMAGE_PIXELS
    # Up to twice its limit Pillow only warns, which would still use half a gigabyte of memory.
    if limit is not None and width * height > limit:
        raise Image.DecompressionBombError(
            f"it has {width:,}×{height:,} pixels, more than {limit:,} in all"
        )
    # Pillow would cut values above 255 off.
    if photograph.mode.startswith(("I", "F")):
        raise ValueError("it has more than 8 bits a channel; save it with 8")
    # Phones keep a preview behind a photograph (MPO): the first image is the photograph.
    if getattr(photograph, "is_animated", False) and photograph.format != "MPO":
        raise ValueError("it has several images, as an animation does; expected one")


def _photographs_in(folder: Path) -> list[Path]:
    with explain_failure(folder):
        photographs = sorted(filter(is_photograph, folder.iterdir()))
    if not photographs:
        raise DataMissingError(f"There are no photographs ({', '.join(PHOTOGRAPHS)}) in {folder}.")
    return photographs


def _read_all(photographs: list[Path], shape: Shape) -> tuple[dict[Path, Pixels], list[str]]:
    """Return the photographs that can be read, and what is wrong with the others.

    The error of the first is raised if none can be read.
    """
    images: dict[Path, Pixels] = {}
    errors = []
    # Pillow warns about damage before it fails; the error is enough.
    with warnings.catch_warnings(action="ignore"):
        for path in photographs:
            try:
                images[path] = read_photograph(path, shape)
            except DataMissingError:
                raise
            except DataError as error:
                errors.append(error)
    if not images:
        raise errors[0]
    return images, [error.message for error in errors]


def is_photograph(path: Path) -> bool:
    """Return whether a file's ending is one of `PHOTOGRAPHS`."""
    return path.suffix.lower() in PHOTOGRAPHS
