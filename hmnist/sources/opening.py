"""Opening a data file, with an error that says what is wrong if that is impossible.

All files that users name are opened here: folders, devices and pipes are refused before they are
opened, and packed files are unpacked only as far as their size is plausible (`check_unpacked`).
"""

import contextlib
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hmnist.errors import DataError, DataMissingError, HmnistError
from hmnist.sources.missing import advise_on_missing, names_in

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

DOWNLOAD_AGAIN = "Download or copy it again."  # the hint for files that are damaged or incomplete

PLAUSIBLE_RATIO = 50
"""How many times its size a file of more than `UNPACKED_FREELY` may become when it is unpacked.

Photographs become about 3 times as large as text, and 1.5 times as pixels; metadata about 10 times.
"""

UNPACKED_FREELY = 2**28
"""Bytes that any file may unpack to: the memory of every computer has space for them."""

TRUST_IT = "If you trust it, set HMNIST_TRUST_DATA=1 in the environment."
"""The hint where a limit may be lifted that only files of unusual size reach."""

_BUFFER = 1 << 18  # bytes that are unpacked at once


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading bytes; one that is packed by gzip is unpacked, whatever its name.

    The block should only read the file, since every failure of the system inside it is reported as
    a failure of this file: DataMissingError, or DataError if it is a folder or a device, may not be
    read, or is a damaged gzip file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers.csv.gz"
    >>> _ = path.write_bytes(gzip.compress(b"1,2"))
    >>> with opened(path) as file:
    ...     file.read()
    b'1,2'
    """
    with opened_packed(path) as packed, unpacked(packed) as file:
        yield file


@contextlib.contextmanager
def opened_packed(path: Path) -> Iterator[BufferedReader]:
    """Open a file as `opened` does, but without unpacking it."""
    with explain_failure(path):
        _refuse_folders_and_devices(path)
        with path.open("rb") as file:
            yield file


@contextlib.contextmanager
def unpacked(file: BufferedReader) -> Iterator[BinaryIO]:
    """Yield the content of a file that is packed by gzip; otherwise the file itself.

    Reading raises DataError as soon as there is implausibly much of it.
    """
    if file.peek(2)[:2] == b"\x1f\x8b":
        with BufferedReader(_Unpacking(file), _BUFFER) as content:
            yield content
    else:
        yield file


def check_unpacked(path: Path, packed: int, content: int) -> None:
    """Raise DataError if so many packed bytes of a file become implausibly many bytes of content.

    A small file that unpacks to more than the memory is not data but a mistake or an attack.
    """
    if content > UNPACKED_FREELY + PLAUSIBLE_RATIO * packed and not is_trusted():
        raise DataError(
            f"{path} unpacks to more than {PLAUSIBLE_RATIO} times its size, which images of skin "
            "do not.",
            TRUST_IT,
        )


def is_trusted() -> bool:
    """Return whether the user has lifted the limits to the size of data files."""
    return os.environ.get("HMNIST_TRUST_DATA") == "1"


@contextlib.contextmanager
def explain_failure(path: Path) -> Iterator[None]:
    """Turn the system's errors about reading a file or a folder into `DataError`."""
    try:
        yield
    except HmnistError:
        raise
    except FileNotFoundError as error:
        raise DataMissingError(f"{path} does not exist.", advise_on_missing(path)) from error
    except EOFError as error:
        raise DataError(f"{path} is a gzip file that ends too early.", DOWNLOAD_AGAIN) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}.", DOWNLOAD_AGAIN) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path} could not be read: {reason}.", "Check its permissions.") from error


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file, unpacked; the errors are those of `opened`."""
    with opened(path) as file:
        return file.read()


def row_name(row: int, line: int) -> str:
    """Name a data row, counted from 0, and its line, counted from 1: ``row 17 (line 19)``.

    Without empty lines and cells of several lines, the header is line 1.
    """
    return f"row {row:,} (line {line:,})"


def _refuse_folders_and_devices(path: Path) -> None:
    if "\0" in str(path):
        raise DataMissingError(f"{str(path)!r} does not exist: no name contains a zero byte.")
    # Checked before opening, since opening a named pipe would wait for its writer.
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        data = [name for name in names_in(path) if name.endswith((".csv", ".csv.gz", ".npz"))]
        raise DataError(
            f"{path} is a folder; expected a file.",
            f"Name one of the files in it: {', '.join(data[:5])}."
            if data
            else f"For photographs: hmnist data from-images {path} HAM10000_metadata.csv",
        )
    if not stat.S_ISREG(mode):
        raise DataError(
            f"{path} is a device or a pipe; expected a file.",
            "Save the data to a file and name that: it is read more than once.",
        )


class _Unpacking(io.RawIOBase):
    """The content of a gzip file, as far as its size is plausible."""

    def __init__(self, packed: BufferedReader) -> None:
        self._packed = packed
        self._content = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._content.seek(offset, whence)

    def readinto(self, buffer: "WriteableBuffer") -> int:
        count = self._content.readinto(buffer)
        check_unpacked(Path(self._packed.name), self._packed.tell(), self._content.tell())
        return count
