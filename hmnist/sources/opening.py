"""Open a data file, or say in one sentence why that cannot be done."""

import contextlib
import difflib
import gzip
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from hmnist.errors import DataError, DataMissingError, HmnistError

__all__ = ["opened", "row_name"]

_GZIP_MAGIC = b"\x1f\x8b"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading bytes; what gzip packed is unpacked, whatever the file's name.

    The block should do no more than read: any failure of the system inside it is taken for a
    failure of this file.

    Raises
    ------
    DataMissingError
        If there is no such file; the hint names files that are spelled like it.
    DataError
        If it is a folder or a device, may not be read, or is a damaged gzip file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers.csv.gz"
    >>> _ = path.write_bytes(gzip.compress(b"1,2"))
    >>> with opened(path) as file:
    ...     file.read()
    b'1,2'
    """
    try:
        _refuse_what_is_no_file(path)
        with path.open("rb") as raw:
            if raw.peek(2)[:2] == _GZIP_MAGIC:
                with gzip.open(raw) as unpacked:
                    yield cast("BinaryIO", unpacked)
            else:
                yield raw
    except HmnistError:
        raise
    except FileNotFoundError as error:
        raise DataMissingError(f"{path} does not exist.", _spelled_alike(path)) from error
    except EOFError as error:
        raise DataError(
            f"{path} is a gzip file that ends too early.", "Download or copy it again."
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path} is a damaged gzip file: {error}.", "Download or copy it again."
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"{path} could not be read: {reason}.", "Check the file and its permissions."
        ) from error


def row_name(row: int, line: int | None = None) -> str:
    """Name a row as every message about a file does.

    Parameters
    ----------
    row : int
        Number of the data row, from 1; the header is none.
    line : int or None
        Number of the line in the file, from 1; None where each row is one line.

    Examples
    --------
    >>> row_name(17)
    'row 17 (line 18)'
    """
    return f"row {row:,} (line {row + 1 if line is None else line:,})"


def _refuse_what_is_no_file(path: Path) -> None:
    # Asked before opening, because opening a named pipe waits for its writer.
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise DataError(f"{path} is a folder; expected a file.", _data_inside(path))
    if not stat.S_ISREG(mode):
        raise DataError(
            f"{path} is a device or a pipe; expected a file.",
            "Save the data to a file and name that: it is read more than once.",
        )


def _data_inside(folder: Path) -> str:
    names = [name for name in _names_in(folder) if name.endswith((".csv", ".csv.gz", ".npz"))]
    return f"Name one of the files in it: {', '.join(names[:5])}." if names else ""


def _spelled_alike(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either."
    alike = difflib.get_close_matches(path.name, _names_in(path.parent), n=3)
    if alike:
        return f"Did you mean {' or '.join(str(path.with_name(name)) for name in alike)}?"
    return f"The folder is {path.parent.resolve()}: check the name and the folder."


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
