"""Slow readers of data files, written from the documentation and from nothing of this package.

What the package reads has to agree with them. They accept more than it does; what they cannot read,
it must not read either: they raise ValueError.
"""

import ast
import csv
import gzip
import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np

from hmnist.arrays import Array

Rows = list[list[str]]


def read_table(path: Path) -> tuple[list[str], Rows]:
    """Return header and rows of a CSV file in UTF-8, packed or not; empty lines are left out.

    What spreadsheets and data frames add is left out, too: a line that names the separator, the
    end-of-file character, empty columns at the end, and an index in front.
    """
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    text = content.decode("utf-8-sig").rstrip("\x1a\r\n")
    table = [row for row in csv.reader(io.StringIO(text, newline="")) if "".join(row).strip()]
    if table and table[0][0] == "sep=":
        del table[0]
    header, *rows = table or [[]]
    names = [name.strip() for name in header]
    while (
        names and not names[-1] and not any("".join(row[len(names) - 1 :]).strip() for row in rows)
    ):
        names.pop()
    rows = [row[: len(names)] if not "".join(row[len(names) :]).strip() else row for row in rows]
    numbers = [row[0].strip() for row in rows]
    if (
        names
        and names[0] in {"", "index", "Unnamed: 0"}
        and numbers == list(map(str, range(len(rows))))
    ):
        names, rows = names[1:], [row[1:] for row in rows]
    if any(len(row) != len(names) for row in rows):
        raise ValueError("rows of different lengths")
    return names, rows


def read_pixels(path: Path) -> Array:
    """Return the pixels of a pixel file in the order of their columns, labels last."""
    names, rows = read_table(path)
    numbers = [int(name[5:]) for name in names if re.fullmatch(r"pixel\d+", name)]
    if sorted(numbers) != list(range(len(names) - 1)) or names.count("label") != 1:
        raise ValueError("other columns")
    places = [names.index("label")] * len(names)
    for place, name in enumerate(names):
        if name != "label":
            places[int(name[5:])] = place
    values = [[Decimal(row[place].strip()) for place in places] for row in rows]
    table = np.array([[int(value) for value in row] for row in values])
    if any(value != int(value) for row in values for value in row) or table.min() < 0:
        raise ValueError("pixels that are not whole numbers")
    if table.max() > 255 or table[:, -1].max() > 6:
        raise ValueError("pixels or labels that are too large")
    return table


def read_archive(path: Path) -> dict[str, Array]:
    """Return the arrays of an ``.npz`` file, by name."""
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): _read_array(archive.read(name))
            for name in archive.namelist()
        }


def _read_array(content: bytes) -> Array:
    """Return the array of a ``.npy`` file of version 1."""
    end = 10 + int.from_bytes(content[8:10], "little")
    header = ast.literal_eval(content[10:end].decode("latin-1").strip())
    kind = np.dtype(header["descr"])
    count = int(np.prod(header["shape"], dtype=object))
    numbers = np.frombuffer(content[end : end + count * kind.itemsize], kind)
    return numbers.reshape(header["shape"], order="F" if header["fortran_order"] else "C")
