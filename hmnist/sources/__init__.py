"""From a file to a `LesionDataset`: `load` reads a file, `find_data` finds it if none is named.

Each format has its module: `pixel_csv`, `medmnist`, and `metadata` for what is known of the images.
`photographs` makes a pixel file of any size, `download` fetches published ones, `sample` generates
lesions for use without a file.
"""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from hmnist.dataset import LesionDataset
from hmnist.errors import DataMissingError, UsageError, with_article
from hmnist.files import downloads_folder, expand_home
from hmnist.sources.medmnist import read_medmnist
from hmnist.sources.metadata import METADATA_FILE, attach_metadata
from hmnist.sources.missing import PIXEL_FILE
from hmnist.sources.pixel_csv import read_pixel_csv

_PIXEL_FILES = (PIXEL_FILE, f"{PIXEL_FILE}.gz")


def load(
    path: str | os.PathLike[str],
    *,
    metadata: str | os.PathLike[str] | Literal[False] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> LesionDataset:
    r"""Read images of skin lesions and their metadata.

    Parameters
    ----------
    path : str or os.PathLike
        A pixel file (``.csv``, ``.csv.gz``), a DermaMNIST ``.npz``, or the word ``"sample"`` for
        generated lesions. A file called sample is ``"./sample"``. The number of columns tells the
        shape of a pixel file's images, or a name such as ``hmnist_75_100_RGB.csv``.
    metadata : str, os.PathLike, False or None
        The metadata file, with row i for image i. None: ``HAM10000_metadata.csv`` beside a pixel
        file if it is there. ``"none"`` or False: no metadata, the lesions are unknown.
    on_progress : callable or None
        Called while a pixel file is parsed, with the bytes that are done and those of the file.

    Returns
    -------
    LesionDataset
        Pixels as uint8, labels in the Kaggle order whatever the order in the file, and lesions if
        they are known. Lesions that are known to be the same have one id. More than half a gigabyte
        of pixels stay in a file, so that they need little memory.

    Raises
    ------
    DataMissingError
        If a file does not exist.
    DataError
        If a file is unreadable or malformed, is packed and unpacks to implausibly many bytes
        (``HMNIST_TRUST_DATA=1`` in the environment allows it), or the metadata belongs to other
        images. The message names the file, the row and the column.
    UsageError
        If `metadata` is a table, or something else that is not a path.

    Warns
    -----
    DataWarning
        If an index, empty cells at the end of rows, or empty rows at the end of a pixel file were
        left out; when it is parsed, not when it comes from the cache.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "tiny.csv"
    >>> _ = path.write_text("pixel0,pixel1,pixel2,label\n10,20,30,6\n")
    >>> load(path)
    LesionDataset('tiny.csv', 1 images 1×1×3, lesions: unknown)
    """
    from hmnist.sources.sample import is_sample, is_sample_file, load_sample

    _check_metadata(metadata)
    file, beside = expand_home(path), None
    # Only the text "sample" is the sample; a Path of that name is a file.
    if path == "sample":
        data = load_sample()
    elif file.suffix.lower() == ".npz":
        data = read_medmnist(file)
    else:
        data = LesionDataset(*read_pixel_csv(file, on_progress), name=file.name)
        beside = file.with_name(METADATA_FILE)
    if metadata is False or metadata == "none":
        # A sample in a file is still synthetic if its metadata is not wanted.
        synthetic = data.synthetic or (beside is not None and is_sample_file(beside))
        return dataclasses.replace(data, metadata=None, lesion_ids=None, synthetic=synthetic)
    if metadata is None:
        if beside is None or not beside.is_file():
            return data
        metadata = beside
    data = attach_metadata(data, expand_home(metadata))
    return dataclasses.replace(data, synthetic=data.synthetic or is_sample(data.metadata))


def _check_metadata(metadata: object) -> None:
    """Refuse metadata that are neither named nor left out, such as a table."""
    if metadata is not False and not isinstance(metadata, str | os.PathLike | None):
        raise UsageError(
            f"Metadata are the path of a file, False or None, not {with_article(type(metadata))}.",
            f'Write a table into a file, table.to_csv("{METADATA_FILE}"), and name that file.',
        )


def find_data(named: str | None, *, sample_allowed: bool) -> Path | str:
    """Return the data for a command that may or may not name its data.

    The `named` data come first, unchecked. Then come ``$HMNIST_DATA``, ``hmnist_28_28_RGB.csv``
    (or ``.csv.gz``) in the working folder, the same in the download cache, and ``"sample"`` if the
    command allows it. Raises DataMissingError if ``$HMNIST_DATA`` names no file, or there are no
    data and the sample is not allowed.
    """
    if named is not None:
        return named if named == "sample" else Path(named)
    if variable := os.environ.get("HMNIST_DATA"):
        path = expand_home(variable)
        if variable != "sample" and not path.exists():
            raise DataMissingError(
                f"$HMNIST_DATA names {variable}, which does not exist.",
                "Correct the variable, remove it (unset HMNIST_DATA), or name the data in the "
                "command.",
            )
        return variable if variable == "sample" else path
    downloads = downloads_folder()
    for folder in (Path(), downloads):
        for name in _PIXEL_FILES:
            if (folder / name).is_file():
                return folder / name
    if sample_allowed:
        return "sample"
    raise DataMissingError(
        f"No data is named, $HMNIST_DATA is not set, and {PIXEL_FILE} is neither here "
        f"({Path.cwd()}) nor among the downloads ({downloads}).",
        "Type the pixel file's path behind the command, or the word sample for generated lesions; "
        "hmnist data download fetches the file.",
    )
