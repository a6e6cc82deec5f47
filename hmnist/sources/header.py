"""The first line of a pixel file: the names of its columns, and the shape of its images."""

import csv
import re
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from hmnist.arrays import Shape, possible_shapes
from hmnist.errors import DataError
from hmnist.sources.opening import DOWNLOAD_AGAIN

_PIXEL = re.compile(r"pixel\d{1,9}", re.ASCII)
_LONGEST_HEADER = 1 << 26  # bytes; the names of the largest images, 1024×1024 RGB, are 38 MB
_MOST_COLUMNS = 1 << 22  # the largest images have 3,145,728 pixels
_INDEX_NAMES = ("", "Unnamed: 0", "index")
"""How pandas names the index that it saves as the first column."""

_OTHER_KINDS = (
    (b"PK\x03\x04", "a ZIP archive", "Unpack it; a DermaMNIST file keeps its ending .npz."),
    ((b"\xff\xfe", b"\xfe\xff"), "UTF-16 text", "Save it again as CSV in UTF-8."),
    (b"<", "a web page", "The download went wrong: fetch the file again."),
)
"""First bytes of other files, what they are, and what to do."""

_HINT = (
    "A pixel file has the columns pixel0000, pixel0001, … in that order and label last, "
    "as in hmnist_28_28_RGB.csv."
)


def read_header(file: BinaryIO, path: Path) -> tuple[list[str], bytes]:
    r"""Read the first line of a file that should be text: the names of the columns, and its end.

    Excel's line ``sep=,`` before it, spaces around names and an empty name at its end are left out.
    The end is ``b"\n"``, ``b"\r\n"``, ``b"\r"``, or ``b""`` if the file has no more lines. Raises
    DataError if the file is empty or not CSV text in UTF-8.
    """
    line = _read_line(file)
    if line.strip() == b"sep=,":
        line = _read_line(file)
    if not line.strip():
        problem = "starts with an empty line" if line else "is empty"
        raise DataError(f"{path} {problem}; expected a header.", DOWNLOAD_AGAIN)
    for magic, kind, hint in _OTHER_KINDS:
        if line.startswith(magic):
            raise DataError(f"{path} is {kind}; expected CSV text.", hint)
    if len(line) == _LONGEST_HEADER or line.count(b",") > _MOST_COLUMNS:
        raise DataError(f"{path}: the first line is too long for the names of pixels.", _HINT)
    try:
        names = next(csv.reader([line.decode("utf-8-sig")]))
    except (UnicodeDecodeError, csv.Error):
        names = []
    if not names or b"\0" in line:
        raise DataError(
            f"{path} is not text in UTF-8; expected CSV.",
            "Name a pixel file (.csv, .csv.gz) or a DermaMNIST file (.npz).",
        )
    names = [name.strip() for name in names]
    if not names[-1]:
        names.pop()
    return names, line[len(line.rstrip(b"\r\n")) :]


def has_index(names: list[str]) -> bool:
    """Return whether the first column of a pixel file is the index that pandas saves."""
    return len(names) > 1 and names[0] in _INDEX_NAMES


def _read_line(file: BinaryIO) -> bytes:
    r"""Read a line that ends with ``\n``, ``\r\n``, or ``\r`` as on old Macs."""
    start = file.tell()
    line = file.readline(_LONGEST_HEADER)
    first, end, rest = line.partition(b"\r")
    if not rest.strip(b"\r\n"):
        return line
    file.seek(start + len(first + end))
    return first + end


def check_header(names: list[str], path: Path) -> Shape:
    """Return the shape of the images in a file with these columns; see `image_shape`.

    The first column may be an index (`has_index`). Raises DataError if a column is missing,
    unknown, repeated or out of order, or the number of pixels makes no image.
    """
    _refuse_other_tables(names, path)
    first = int(has_index(names))
    _refuse_unknown(names, first, path)
    _refuse_disorder(names[first:], first, path)
    return image_shape(len(names) - first - 1, path)


def image_shape(pixels: int, path: Path) -> Shape:
    """Return height, width and channels for a number of pixel columns and the file's name.

    A size in the name, ``_75_100_`` or ``_75x100_``, perhaps followed by ``RGB`` or ``L``, decides
    if it fits the number. Otherwise the image is the only square of one or three channels. 22,500
    columns may be 150×150 grey or 75×100 RGB, so there the name is needed. Raises DataError if no
    shape fits, or several do.

    Examples
    --------
    >>> image_shape(2352, Path("pixels.csv"))
    (28, 28, 3)
    >>> image_shape(22500, Path("hmnist_75_100_RGB.csv"))
    (75, 100, 3)
    """
    if shape := _shape_in_name(pixels, path.name):
        return shape
    shapes = possible_shapes(pixels)
    if len(shapes) == 1:
        return shapes[0]
    if shapes:
        choices = " or ".join(f"{h}×{w} with {c} channel(s)" for h, w, c in shapes)
        raise DataError(
            f"{path} has {pixels:,} pixel columns, which may be {choices}.",
            "Put the size into the file's name: hmnist_<height>_<width>_RGB.csv (or _L.csv).",
        )
    raise DataError(
        f"{path} has {pixels:,} pixel columns, which make no square image of 1 or 3 channels "
        f"(28×28 RGB has 2,352, 28×28 grey 784, 8×8 RGB 192, 8×8 grey 64).",
        "If columns are missing, download or make the file again; if the images are not square, "
        "put their size into its name: hmnist_<height>_<width>_RGB.csv (or _L.csv).",
    )


def _shape_in_name(pixels: int, name: str) -> Shape | None:
    for size in re.finditer(r"(?<!\d)(?=(\d{1,5})[_x×](\d{1,5})(?!\d)(?:_(RGB|L)\b)?)", name):
        height, width = int(size[1]), int(size[2])
        for channels in {"RGB": (3,), "L": (1,)}.get(size[3], (1, 3)):
            if height * width * channels == pixels:
                return height, width, channels
    return None


def _refuse_other_tables(names: list[str], path: Path) -> None:
    if len(names) == 1 and (separator := re.search(r"[;\t|]", names[0])):
        raise DataError(
            f"{path}: the columns are separated by {separator[0]!r}; expected commas.",
            "Save it again with commas.",
        )
    if all(re.fullmatch(r"\s*[\d.eE+-]+\s*", name) for name in names):
        raise DataError(
            f"{path} has no header: its first line holds numbers already.",
            f"Put the names of the columns into the first line. {_HINT}",
        )
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        first, second, *_ = (number for number, other in enumerate(names, 1) if other == name)
        raise DataError(
            f"{path}: column {second:,} repeats {name[:40]!r}, the name of column {first:,}.", _HINT
        )
    if "label" not in names:
        last = names[-1][:40]
        raise DataError(f"{path} has no column 'label'; its last column is {last!r}.", _HINT)


def _refuse_unknown(names: list[str], first: int, path: Path) -> None:
    for number, name in enumerate(names[first:], start=first + 1):
        if name == "label" or _PIXEL.fullmatch(name):
            continue
        hint = f"Rename or remove it; facts about the images belong into the metadata. {_HINT}"
        if name in _INDEX_NAMES:
            hint = "An index was saved: save without (pandas: index=False)."
        position = f"column {number:,} of {len(names):,} is {name[:40]!r}"
        raise DataError(f"{path}: {position}, neither a pixel nor the label.", hint)


def _refuse_disorder(names: list[str], first: int, path: Path) -> None:
    pixels = [name for name in names if name != "label"]
    pixel_of = {int(name.removeprefix("pixel")): name for name in pixels}
    if not pixels:
        raise DataError(f"{path} has no pixel columns, only 'label'.", _HINT)
    missing = set(range(len(pixels))).difference(pixel_of)
    if missing:
        # With as many digits as the file's own names have.
        digits = min(map(len, pixels)) - len("pixel")
        name = f"pixel{min(missing):0{digits}d}"
        raise DataError(
            f"{path} has no column {name!r}, though it names {len(pixels):,} pixel columns.", _HINT
        )
    ordered = [*(pixel_of[index] for index in range(len(pixels))), "label"]
    for number, (name, expected) in enumerate(zip(names, ordered, strict=True), start=first + 1):
        if name != expected:
            position = f"column {number:,} is {name!r}; expected {expected!r}"
            raise DataError(
                f"{path}: the columns are out of order: {position}.",
                "Pixels are read by position. Put the columns in order (pandas: frame[[*sorted("
                "frame.columns.drop('label'), key=lambda name: int(name[5:])), 'label']]).",
            )
