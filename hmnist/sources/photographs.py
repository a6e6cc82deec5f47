"""Making a pixel file of any size from photographs: `from_images`.

The Kaggle pixel files were made from the 600×450 JPEGs of HAM10000, each resized by Pillow's
Lanczos filter. Threads read a few photographs at the same time, and rows are written in the order
of the metadata, so that the memory needed does not grow with their number.
"""

import contextlib
import filecmp
import math
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from hmnist.arrays import Shape
from hmnist.diagnoses import label_of
from hmnist.errors import (
    DataError,
    DataMissingError,
    UsageError,
    as_index,
    check_counts,
    unknown_name,
)
from hmnist.files import expand_home, refuse_to_overwrite, write_file
from hmnist.hardware import available_cores
from hmnist.sources.header import image_shape
from hmnist.sources.images import is_photograph, read_photograph
from hmnist.sources.metadata import METADATA_FILE, read_metadata
from hmnist.sources.opening import read_bytes
from hmnist.sources.resizing import Filter
from hmnist.sources.writing import check_pixel_file_name, format_rows, write_pixel_file

CHANNELS = {"RGB": 3, "L": 1}  # Pillow's names for colour and grey, and their channels
LARGEST_SIDE = 1024  # pixels; the photographs themselves are 600×450
LISTED = 100  # photographs of a kind that an error names before it only counts them


def from_images(
    folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    metadata: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    size: tuple[int, int] = (28, 28),
    mode: str = "RGB",
    jobs: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, Path]:
    r"""Make a pixel file from photographs, the way the Kaggle files were made.

    Parameters
    ----------
    folders : str, os.PathLike, or a sequence of them
        The folders of the photographs, with all folders inside. A photograph is called
        ``<image_id>.jpg`` (or ``.png`` …); others are ignored.
    metadata : str or os.PathLike
        The metadata file; its rows become the rows of the pixel file, in the same order.
    out : str, os.PathLike or None
        The pixel file, ``.csv`` or ``.csv.gz``, which must not exist yet. If the number of columns
        does not tell the size, the name must. None: ``hmnist_<height>_<width>_<mode>.csv`` in the
        working folder.
    size : tuple of int
        Height and width in pixels, 1–1024 each. Photographs are squeezed to it, not cropped.
    mode : str
        ``"RGB"``, or ``"L"`` for luminance.
    jobs : int or None
        The number of threads that read photographs; None takes all cores.
    on_progress : callable, optional
        Called as ``on_progress(done, total)`` after each photograph.

    Returns
    -------
    tuple of pathlib.Path
        The pixel file: columns ``pixel0000 …, label``, labels in the Kaggle order. And
        ``HAM10000_metadata.csv`` beside it, a copy of `metadata` unless it is that file, so that
        `hmnist.load` finds the lesions.

    Raises
    ------
    UsageError
        If an option is out of range, or a file would be overwritten.
    DataMissingError
        If the metadata, a folder or photographs do not exist.
    DataError
        If the metadata are malformed, or photographs are missing, damaged, larger than Pillow
        considers safe, or there twice and different. One error counts all of them and names the
        first hundred of each kind; nothing is written.
    WorkError
        If a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (600, 450), (200, 150, 120)).save(folder / "ISIC_1.jpg")
    >>> _ = (folder / "m.csv").write_text("lesion_id,image_id,dx\nHAM_1,ISIC_1,nv\n")
    >>> file, _ = from_images(folder, folder / "m.csv", folder / "a_3_4_RGB.csv", size=(3, 4))
    >>> from hmnist.sources import load
    >>> load(file).image_shape
    (3, 4, 3)
    """
    shape = check_options(size, mode, jobs)
    path = expand_home(pixel_file_name(size, mode) if out is None else out)
    check_name(path, shape, mode)
    metadata = expand_home(metadata)
    several = [folders] if isinstance(folders, str | os.PathLike) else folders
    photographs = _find_photographs(list(map(expand_home, several)), metadata)
    content = read_bytes(metadata)
    copy = path.with_name(METADATA_FILE)
    has_copy = copy.exists() and read_bytes(copy) == content
    refuse_to_overwrite(path, *([] if has_copy else [copy]))
    with contextlib.ExitStack() as stack:
        # Set once for all threads, before they start.
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        if not has_copy:
            stack.enter_context(write_file(copy)).write_bytes(content)
        file = stack.enter_context(write_pixel_file(path, math.prod(shape)))
        write_rows(file, photographs, shape, jobs, on_progress)
    return path, copy


def pixel_file_name(size: tuple[int, int], mode: str) -> str:
    """Return the usual name of a pixel file of this size: ``hmnist_75_100_RGB.csv``."""
    height, width = size
    return f"hmnist_{height}_{width}_{mode}.csv"


@dataclass(frozen=True)
class Photograph:
    """A row of a pixel file: its image and label, the files that have its name, its filter."""

    image_id: str
    label: int
    paths: tuple[Path, ...]
    by: Filter = "lanczos"

    def to_row(self, shape: Shape) -> bytes | str:
        """Return its line of the pixel file, or as str the reason why there is none."""
        if not self.paths:
            return "missing"
        first, *copies = self.paths
        try:
            # The Kaggle archive contains some folders twice.
            if not all(filecmp.cmp(first, copy, shallow=False) for copy in copies):
                return "there more than once, and different"
            pixels = read_photograph(first, shape, self.by)
        except (DataError, OSError) as error:
            from PIL import Image

            is_oversized = isinstance(error.__cause__, Image.DecompressionBombError)
            return "oversized" if is_oversized else "damaged or unreadable"
        return format_rows(pixels[None], np.array([self.label]))


def check_options(size: tuple[int, int], mode: str, jobs: int | None) -> Shape:
    """Return the shape of an image; a `UsageError` if an option is out of range."""
    try:
        height, width = size
    except (TypeError, ValueError) as error:
        raise UsageError(f"A size is (height, width), such as (28, 28), not {size!r}.") from error
    sides = [as_index(side) for side in (height, width)]
    if not all(side is not None and 1 <= side <= LARGEST_SIDE for side in sides):
        raise UsageError(
            f"A size of {height}×{width} cannot be made; height and width are 1–{LARGEST_SIDE}."
        )
    if mode not in CHANNELS:
        raise unknown_name("mode", mode, CHANNELS)
    check_counts(jobs=jobs)
    return height, width, CHANNELS[mode]


def check_name(path: Path, shape: Shape, mode: str) -> None:
    """Refuse a name under which the file would be read with another shape."""
    height, width, _ = shape
    example = pixel_file_name((height, width), mode)
    check_pixel_file_name(path, example)
    with contextlib.suppress(DataError):
        if image_shape(math.prod(shape), path) == shape:
            return
    raise UsageError(
        f"{path.name} does not tell that its images are {height}×{width} {mode}, and the "
        "number of columns does not tell it either.",
        f"Put the size into the name: {example}.",
    )


def _find_photographs(folders: Sequence[Path], metadata: Path) -> list[Photograph]:
    """Return the photograph of each row of the metadata."""
    if not folders:
        raise UsageError("No folder of photographs is named.")
    table = read_metadata(metadata)
    image_ids = table["image_id"].tolist()
    paths: dict[str, list[Path]] = {image_id: [] for image_id in image_ids}
    for folder in folders:
        if not folder.is_dir():
            problem = "is not a folder" if folder.exists() else "does not exist"
            raise DataMissingError(f"{folder} {problem}.", "Name the folder of the photographs.")
        for path in sorted(folder.rglob("*")):
            if is_photograph(path) and path.stem in paths:
                paths[path.stem].append(path)
    if not any(paths.values()):
        searched = " and ".join(map(str, folders))
        raise DataMissingError(
            f"None of the {len(image_ids):,} photographs that {metadata} names is in {searched}.",
            f"Their names are like {image_ids[0]}.jpg; name their folder.",
        )
    return [
        Photograph(image_id, label_of(diagnosis), tuple(paths[image_id]))
        for image_id, diagnosis in zip(image_ids, table["dx"].tolist(), strict=True)
    ]


def _make_rows(photographs: list[Photograph], shape: Shape, jobs: int) -> Iterator[bytes | str]:
    """Yield the row of each photograph in order; only a few are made ahead."""
    waiting: deque[Future[bytes | str]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        for photograph in photographs:
            waiting.append(pool.submit(photograph.to_row, shape))
            if len(waiting) > 4 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def write_rows(
    file: BufferedIOBase,
    photographs: list[Photograph],
    shape: Shape,
    jobs: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Write the rows, or raise one error about all photographs that cannot be used."""
    rows = _make_rows(photographs, shape, jobs or available_cores())
    problems: dict[str, list[str]] = {}
    for done, (photograph, row) in enumerate(zip(photographs, rows, strict=True), start=1):
        if isinstance(row, str):
            problems.setdefault(row, []).append(photograph.image_id)
        elif not problems:
            file.write(row)
        if on_progress is not None:
            on_progress(done, len(photographs))
    if problems:
        raise _explain(problems, len(photographs))


def _explain(problems: dict[str, list[str]], total: int) -> DataError:
    kinds = []
    for kind, names in sorted(problems.items()):
        more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
        kinds.append(f"{kind}: {', '.join(names[:LISTED])}{more}")
    listed = "; ".join(kinds)
    error = DataMissingError if problems.keys() == {"missing"} else DataError
    return error(
        f"{sum(map(len, problems.values())):,} of {total:,} photographs cannot be used, so nothing "
        f"was written. {listed[0].upper()}{listed[1:]}.",
        "Name all folders of photographs, download or copy the damaged ones again, or take their "
        "rows out of the metadata.",
    )
