"""Photographs in folders of a training and a test part: `from_class_folders`.

So the source of `lenet` kept them, ``train/<dx>/<image_id>.jpg`` and ``test/<dx>/<image_id>.jpg``.
It resizes training images linearly and test images by area.
"""

import contextlib
import csv
import io
import math
import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hmnist.diagnoses import CODES, label_of
from hmnist.errors import DataError, DataMissingError
from hmnist.files import expand_home, refuse_to_overwrite, write_file
from hmnist.sources.images import is_photograph
from hmnist.sources.metadata import METADATA_FILE, read_metadata, rows_of
from hmnist.sources.photographs import (
    Photograph,
    check_name,
    check_options,
    pixel_file_name,
    write_rows,
)
from hmnist.sources.writing import write_pixel_file

if TYPE_CHECKING:
    from hmnist.sources.resizing import Filter

_FILTERS: "dict[str, Filter]" = {"train": "linear", "test": "area"}
"""The part → how its photographs are resized."""


def has_class_folders(folder: Path) -> bool:
    """Return whether a folder has folders of a training and a test part."""
    return all((folder / part).is_dir() for part in _FILTERS)


def from_class_folders(
    folder: str | os.PathLike[str],
    metadata: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    size: tuple[int, int] = (28, 28),
    mode: str = "RGB",
    jobs: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, ...]:
    r"""Make a pixel file and a split file from folders of a training and a test part.

    Parameters
    ----------
    folder : str or os.PathLike
        It has the folders ``train`` and ``test``; each has a folder for each diagnosis, called
        ``akiec``, ``bcc`` and so on, with photographs called ``<image_id>.jpg`` (or ``.png`` …).
    metadata : str, os.PathLike or None
        The metadata file, by which the lesions of the photographs are known.
    out, size, mode, jobs, on_progress
        Those of `hmnist.from_images`.

    Returns
    -------
    tuple of pathlib.Path
        The pixel file, its rows in the order of parts, diagnoses and names; its split file,
        ``<name>_split.csv``; and if there are metadata, ``HAM10000_metadata.csv`` with the same
        rows.

    Raises
    ------
    UsageError
        If an option is out of range, or a file would be overwritten.
    DataMissingError
        If a folder or the metadata do not exist.
    DataError
        If the metadata are malformed, do not name a photograph or name another diagnosis than the
        folder, or photographs cannot be used. Nothing is written then.
    WorkError
        If a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number, part in enumerate(("train", "test")):
    ...     (folder / part / "nv").mkdir(parents=True)
    ...     Image.new("RGB", (600, 450)).save(folder / part / "nv" / f"ISIC_{number}.jpg")
    >>> file, split = from_class_folders(folder, out=folder / "hmnist_28_28_RGB.csv")
    >>> split.read_text().splitlines()
    ['row,part', '0,train', '1,test']
    """
    shape = check_options(size, mode, jobs)
    path = expand_home(pixel_file_name(size, mode) if out is None else out)
    check_name(path, shape, mode)
    split_file = path.with_name(f"{path.name.partition('.')[0]}_split.csv")
    parts = {
        part: _find_photographs(expand_home(folder) / part, by) for part, by in _FILTERS.items()
    }
    photographs = [each for found in parts.values() for each in found]
    names = [part for part, found in parts.items() for _ in found]
    tables = {split_file: [["row", "part"], *([str(row), part] for row, part in enumerate(names))]}
    if metadata is not None:
        tables[path.with_name(METADATA_FILE)] = _metadata_of(photographs, expand_home(metadata))
    refuse_to_overwrite(path, *tables)
    with contextlib.ExitStack() as stack:
        # Set once for all threads, before they start.
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        for table, rows in tables.items():
            stack.enter_context(write_file(table)).write_bytes(_csv(rows))
        file = stack.enter_context(write_pixel_file(path, math.prod(shape)))
        write_rows(file, photographs, shape, jobs, on_progress)
    return path, *tables


def _find_photographs(folder: Path, by: "Filter") -> list[Photograph]:
    found = [
        Photograph(path.stem, label_of(code), (path,), by)
        for code in CODES
        for path in sorted((folder / code).glob("*"))
        if is_photograph(path)
    ]
    if not found:
        raise DataMissingError(
            f"There are no photographs in folders called {', '.join(CODES)} in {folder}.",
            "Put each photograph into the folder of its diagnosis: train/nv/ISIC_0024306.jpg",
        )
    return found


def _metadata_of(photographs: Sequence[Photograph], path: Path) -> list[list[str]]:
    """Return header and rows of the metadata of the photographs, in their order."""
    times = Counter(each.image_id for each in photographs)
    if twice := [name for name, count in times.items() if count > 1]:
        raise DataError(
            f"There is more than one photograph called {twice[0]}, and one row of it in {path}.",
            "Remove the copies, or go without metadata.",
        )
    chosen = rows_of(read_metadata(path), list(times), "the folders")
    for each, code in zip(photographs, chosen["dx"], strict=True):
        if CODES[each.label] != code:
            raise DataError(
                f"{each.paths[0]} lies in the folder of {CODES[each.label]}; {path} says {code}.",
                "Move it into the other folder, or correct the metadata.",
            )
    return [list(chosen), *chosen.fillna("").astype(str).to_numpy().tolist()]


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
