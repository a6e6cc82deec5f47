"""A pixel file from photographs, at any size: `from_images`.

The Kaggle pixel files were made from the 600×450 JPEGs of HAM10000, each squeezed to its size by
Pillow's Lanczos filter; `hmnist.sources.images` does the same for photographs that are predicted.
Rows pass through in the order of the metadata, a few at a time, so that memory does not grow with
their number. Threads read side by side: Pillow lets go of the interpreter while it decodes and
resizes.
"""

import contextlib
import filecmp
import math
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmnist.diagnoses import label_of
from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.files import write_file
from hmnist.hardware import available_cores
from hmnist.sources.header import image_shape
from hmnist.sources.images import PHOTOGRAPHS, squeeze_photograph
from hmnist.sources.metadata import METADATA_FILE, read_metadata
from hmnist.sources.opening import opened
from hmnist.sources.writing import format_header, format_rows, open_pixel_file

__all__ = ["CHANNELS", "from_images", "pixel_file_name"]

CHANNELS = {"RGB": 3, "L": 1}
"""Pillow's names for colour and grey, and how many numbers a pixel has."""

LARGEST_SIDE = 1024
"""Pixels; the photographs themselves are 600×450."""

_LISTED = 100
"""Photographs of a kind that an error names before it counts the rest.

More are no list to read but a wrong folder.
"""

Shape = tuple[int, int, int]


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
        Where the photographs are, also in folders inside; each is called ``<image_id>.jpg`` (or
        ``.png`` …). Others are left aside.
    metadata : str or os.PathLike
        The metadata file; its rows are those of the pixel file, in that order.
    out : str, os.PathLike or None
        The pixel file, ``.csv`` or ``.csv.gz``, which must not exist yet. Its name must tell the
        size where the number of columns does not. None: ``hmnist_<height>_<width>_<mode>.csv``
        here.
    size : tuple of int
        Height and width in pixels, 1–1024 each. Photographs are squeezed to it, not cropped.
    mode : str
        ``"RGB"``, or ``"L"`` for luminance.
    jobs : int or None
        How many photographs are read side by side, in threads; None takes all cores.
    on_progress : callable, optional
        Called as ``on_progress(done, total)`` after each photograph.

    Returns
    -------
    tuple of pathlib.Path
        The pixel file: columns ``pixel0000 …, label``, labels in the Kaggle order. And
        ``HAM10000_metadata.csv`` beside it, a copy of `metadata` where that is another file, so
        that `hmnist.load` finds the lesions.

    Raises
    ------
    UsageError
        If an option is out of range, or a file stands where one is to be written.
    DataMissingError
        If the metadata, a folder or photographs do not exist.
    DataError
        If the metadata are malformed, or photographs are missing, damaged, larger than Pillow
        takes for safe, or there twice and different. One error counts all of them and names the
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
    shape = _check_options(size, mode, jobs)
    path = Path(pixel_file_name(size, mode) if out is None else out)
    _check_name(path, shape)
    metadata = Path(metadata).expanduser()
    with opened(metadata) as file:
        described = file.read()
    beside = path.with_name(METADATA_FILE)
    _refuse_to_overwrite(path, beside, described)
    tasks = list(_find_photographs(_listed(folders), metadata))
    rows = _in_order(lambda task: task.read(shape), tasks, jobs or available_cores())
    with contextlib.ExitStack() as stack:
        # One filter for all threads, set before they begin.
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        temporary = stack.enter_context(write_file(path))
        _write_rows(temporary, rows, len(tasks), shape, on_progress)
        if not beside.exists():
            stack.enter_context(write_file(beside)).write_bytes(described)
    return path, beside


def pixel_file_name(size: tuple[int, int], mode: str) -> str:
    """Return what a pixel file of this size is called.

    Examples
    --------
    >>> pixel_file_name((75, 100), "RGB")
    'hmnist_75_100_RGB.csv'
    """
    height, width = size
    return f"hmnist_{height}_{width}_{mode}.csv"


@dataclass(frozen=True)
class _Problem:
    """Why a photograph cannot be used."""

    image: str
    kind: str


@dataclass(frozen=True)
class _Task:
    """A row that is to be written: an image, its label, and the files that bear its name."""

    image: str
    label: int
    places: tuple[Path, ...]

    def read(self, shape: Shape) -> bytes | _Problem:
        if not self.places:
            return _Problem(self.image, "missing")
        first, *others = self.places
        try:
            # The Kaggle archive holds some folders twice.
            if not all(filecmp.cmp(first, other, shallow=False) for other in others):
                return _Problem(self.image, "there more than once, and different")
            pixels = squeeze_photograph(first, shape)
        except (DataError, OSError) as error:
            from PIL import Image

            oversized = isinstance(error.__cause__, Image.DecompressionBombError)
            return _Problem(self.image, "oversized" if oversized else "damaged or unreadable")
        return format_rows(pixels[None], np.array([self.label]))


def _check_options(size: tuple[int, int], mode: str, jobs: int | None) -> Shape:
    height, width = size
    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise UsageError(
            f"A size of {height}×{width} cannot be made; height and width are 1–{LARGEST_SIDE}."
        )
    if mode not in CHANNELS:
        raise UsageError(f"There is no mode {mode!r}.", f"Choose {' or '.join(CHANNELS)}.")
    if jobs is not None and jobs < 1:
        raise UsageError(f"At least one job reads photographs, not {jobs}.")
    return height, width, CHANNELS[mode]


def _check_name(path: Path, shape: Shape) -> None:
    """Refuse a name under which the file would not be read again as it was written."""
    height, width, channels = shape
    mode = next(mode for mode, count in CHANNELS.items() if count == channels)
    example = pixel_file_name((height, width), mode)
    if not path.name.endswith((".csv", ".csv.gz")):
        raise UsageError(
            f"{path} is no name for a pixel file: it ends in .csv or .csv.gz.",
            f"Name it, for example, {example}.",
        )
    try:
        understood = image_shape(height * width * channels, path)
    except DataError:
        understood = None
    if understood != shape:
        raise UsageError(
            f"{path.name} does not tell that its images are {height}×{width} {mode}, and the "
            "number of columns does not tell it either.",
            f"Put the size into the name: {example}.",
        )


def _refuse_to_overwrite(path: Path, beside: Path, described: bytes) -> None:
    if path.exists():
        raise UsageError(f"{path} exists already.", "Delete it or name another file.")
    if beside == path or (beside.exists() and not _holds(beside, described)):
        raise UsageError(
            f"{beside} belongs to other data: the metadata of the new file would take its place.",
            "Name a file in another folder.",
        )


def _holds(path: Path, content: bytes) -> bool:
    with opened(path) as file:
        return file.read() == content


def _listed(
    folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> list[Path]:
    several = [folders] if isinstance(folders, str | os.PathLike) else folders
    return [Path(folder).expanduser() for folder in several]


def _find_photographs(folders: Sequence[Path], metadata: Path) -> Iterator[_Task]:
    """Yield a task for each row of the metadata."""
    table = read_metadata(metadata)
    images = table["image_id"].tolist()
    places: dict[str, list[Path]] = {image: [] for image in images}
    for folder in folders:
        if not folder.is_dir():
            what = "is no folder" if folder.exists() else "does not exist"
            raise DataMissingError(f"{folder} {what}.", "Name the folder of the photographs.")
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in PHOTOGRAPHS and path.stem in places:
                places[path.stem].append(path)
    if not any(places.values()):
        where = " and ".join(map(str, folders)) or "no folder at all"
        raise DataMissingError(
            f"None of the {len(images):,} photographs that {metadata} names is in {where}.",
            f"They are called as {images[0]}.jpg; name their folder.",
        )
    for image, diagnosis in zip(images, table["dx"].tolist(), strict=True):
        yield _Task(image, label_of(diagnosis), tuple(places[image]))


def _in_order(
    work: Callable[[_Task], bytes | _Problem], tasks: Iterable[_Task], jobs: int
) -> Iterator[bytes | _Problem]:
    """Yield what the work makes of each task, in order, never more than a few ahead."""
    waiting: deque[Future[bytes | _Problem]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) > 4 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _write_rows(
    path: Path,
    rows: Iterator[bytes | _Problem],
    total: int,
    shape: Shape,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Write the rows, or raise one error about all photographs that cannot be used."""
    problems: list[_Problem] = []
    with open_pixel_file(path, compressed=path.suffix == ".gz") as file:
        file.write(format_header(math.prod(shape)))
        for done, row in enumerate(rows, start=1):
            if isinstance(row, _Problem):
                problems.append(row)
            elif not problems:
                file.write(row)
            if on_progress is not None:
                on_progress(done, total)
    if problems:
        raise _explain(problems, total)


def _explain(problems: Sequence[_Problem], total: int) -> DataError:
    images: dict[str, list[str]] = {}
    for problem in problems:
        images.setdefault(problem.kind, []).append(problem.image)
    listed = "; ".join(f"{kind}: {_some(names)}" for kind, names in sorted(images.items()))
    error = DataMissingError if images.keys() == {"missing"} else DataError
    return error(
        f"{len(problems):,} of {total:,} photographs cannot be used, so nothing was written. "
        f"{listed[0].upper()}{listed[1:]}.",
        "Name all folders of photographs, download or copy the damaged ones again, or take their "
        "rows out of the metadata.",
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
