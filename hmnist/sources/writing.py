"""Writing pixel files in the Kaggle format: `write_pixel_file`, `format_rows`."""

import contextlib
import gzip
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from hmnist.arrays import Labels, Pixels
from hmnist.errors import UsageError
from hmnist.files import write_file
from hmnist.sources.metadata import METADATA_FILE

_COMPRESSION = 3  # twice as fast as 6, and the file is a sixth larger


def check_pixel_file_name(path: Path, example: str) -> None:
    """Raise UsageError with an example if a name is none for a pixel file."""
    if not path.name.endswith((".csv", ".csv.gz")) or path.name == METADATA_FILE:
        raise UsageError(
            f"{path} is not a name for a pixel file: that ends in .csv or .csv.gz, and is not "
            f"{METADATA_FILE}.",
            f"Name it, for example, {example}.",
        )


@contextlib.contextmanager
def write_pixel_file(path: Path, pixels: int) -> Iterator[BufferedIOBase]:
    """Yield a file for the rows of a pixel file; a header for so many pixels is written already.

    The file appears under its name when the block succeeds. It is packed by gzip if its name ends
    in ``.gz``. Raises WorkError if it cannot be written.
    """
    with write_file(path) as temporary, contextlib.ExitStack() as stack:
        file: BufferedIOBase = stack.enter_context(temporary.open("wb"))
        if path.suffix == ".gz":
            # Without a name and a time inside, the same images give the same file.
            file = stack.enter_context(gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0))
        names = "".join(f"pixel{index:04d}," for index in range(pixels))
        file.write(f"{names}label\n".encode())
        yield file


def format_rows(images: Pixels, labels: Labels) -> bytes:
    """Format images (n, h, w, c) and labels (n,) as lines of comma-separated numbers."""
    pixels = images.reshape(len(images), -1)
    text = np.empty((len(images), pixels.shape[1] + 1, 4), np.uint8)
    text[:, :-1] = _number_texts(",")[pixels]
    text[:, -1] = _number_texts("\n")[labels]
    return bytes(text[text != 0])


def _number_texts(end: str) -> Pixels:
    """Characters of the numbers 0–255 and `end`, padded with zero bytes: shape (256, 4)."""
    padded = b"".join(f"{number}{end}".encode().ljust(4, b"\0") for number in range(256))
    return np.frombuffer(padded, np.uint8).reshape(256, 4)
