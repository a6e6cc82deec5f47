"""Files that someone else may have made: they are checked before anything is built from them.

A run folder or an export may come from elsewhere, and its hashes say only that nothing changed
since someone wrote them. So a file is read here if it is a regular file of a sensible size, and
its content has the types and shapes that the reader names. Everything else is a `TrustError`.
"""

import contextlib
import errno
import io
import math
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Array
from hmnist.errors import TrustError

LARGEST_JSON = 2**24
"""Bytes of a JSON file: sixteen megabytes, several times the largest that is written."""

LARGEST_ARRAYS = 2**29
"""Bytes of a file of arrays: half a gigabyte, twice the weights of the largest network."""

LONGEST_TEXT = 2000
"""Characters of a text in a JSON file."""

MOST_ENTRIES = 10_000
"""Entries of a list or an object in a JSON file."""

DEEPEST = 16
"""How deep lists and objects of a JSON file may lie in each other."""

LARGEST_NUMBER = 1e12
"""The largest number of an array or of a JSON file. Fitted numbers are far smaller, and the sums
and products of larger ones would overflow."""

Expected = Mapping[str, tuple[npt.DTypeLike, tuple[int | None, ...]]]
"""The type and the shape of each array by its name; None stands for any length."""

_CURE = "Train it again."
"""What helps against damage, unless the reader says otherwise."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters that a terminal obeys instead of showing them."""

_DIRECTORY = struct.Struct("<4s4H2LH")
"""The last bytes of a zip file: entries, and the size of their list."""

_HEADER = re.compile(
    rb"\{'descr': '([^']+)', 'fortran_order': False, 'shape': \(((?:[0-9]{1,12},? ?)*)\), \} *\n"
)
"""What numpy writes above an array; nothing else is understood, so that nothing is evaluated."""

_DAMAGE = (
    OSError,
    EOFError,
    LookupError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""The errors with which Python's own libraries refuse damaged files."""


@contextlib.contextmanager
def open_guarded(path: Path, limit: int, cure: str = _CURE) -> Iterator[io.BufferedReader]:
    """Open a regular file of at most `limit` bytes; what the block cannot read is a TrustError.

    Links, folders, devices and pipes are refused; a pipe would be waited for. The hint of the error
    is the `cure`.
    """
    flags = os.O_RDONLY
    for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"):  # where the system has them
        flags |= getattr(os, name, 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise ValueError("it is not a regular file")
            if facts.st_size > limit:
                raise ValueError(f"it has {facts.st_size:,} bytes, and {limit:,} are allowed")
            yield file
    except TrustError:
        raise
    except FileNotFoundError as error:
        raise TrustError(f"{path} is missing.", cure) from error
    except PermissionError as error:  # the file may be sound
        raise TrustError(
            f"{path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    except _DAMAGE as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in {errno.EMFILE, errno.ENFILE}:
            raise  # the file may be sound
        reason = error.strerror if isinstance(error, OSError) else error
        if number == errno.ELOOP:
            reason = "it is a link"
        # An error of a library may repeat what the file says, at any length and on several lines.
        said = " ".join(_CONTROL.sub(" ", str(reason or type(error).__name__)).split())[:300]
        raise TrustError(f"{path} is damaged: {said}.", cure) from error


def read_json(path: Path, limit: int = LARGEST_JSON, cure: str = _CURE) -> Any:
    """Return the content of a JSON file of at most `limit` bytes.

    Raises
    ------
    TrustError
        If it is missing, no regular file, too large, or no JSON. NaN is none. If a text is too long
        or has control characters, a number is too large, or there are too many entries or levels.
        Its hint is the `cure`.
    """
    with open_guarded(path, limit, cure) as file:
        return decode_json(file.read(limit))


def decode_json(text: str | bytes) -> Any:
    """Return what a JSON text holds; ValueError if `read_json` would not."""
    import msgspec

    try:
        content = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error).rstrip(".")) from error
    _refuse_excess(content, DEEPEST)
    return content


def _refuse_excess(value: Any, levels: int) -> None:
    """Refuse what no file of ours holds; below a value there may be so many `levels`."""
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT or _CONTROL.search(value):
            raise ValueError(f"the text {value[:40]!r} is too long or has control characters")
    elif isinstance(value, dict | list):
        if not levels or len(value) > MOST_ENTRIES:
            raise ValueError("it has too many entries, or entries in entries")
        for entry in value:
            _refuse_excess(entry, levels - 1)
        for entry in value.values() if isinstance(value, dict) else ():
            _refuse_excess(entry, levels - 1)
    elif value is not None and not abs(value) <= LARGEST_NUMBER:
        raise ValueError(f"the number {value:.3g} is too large")


def write_arrays(path: Path, arrays: Mapping[str, npt.ArrayLike]) -> None:
    """Write arrays for `read_arrays`: an uncompressed ``.npz`` file, rows first."""
    np.savez(
        path,
        allow_pickle=False,
        **{name: np.asarray(array, order="C") for name, array in arrays.items()},
    )


def read_arrays(path: Path, expected: Expected, limit: int = LARGEST_ARRAYS) -> dict[str, Array]:
    """Return the arrays of a file of `write_arrays`, and no others.

    Nothing is allocated that the file does not contain. The arrays cannot be written to.

    Parameters
    ----------
    path : pathlib.Path
        An uncompressed ``.npz`` file.
    expected : mapping of str to tuple of dtype and shape
        The type and the shape of each array by its name; None stands for any length.
    limit : int
        The largest size of the file in bytes.

    Raises
    ------
    TrustError
        If it is missing, no regular file, too large, or damaged; if it has other arrays than those
        expected; or if a number is not finite or beyond ±`LARGEST_NUMBER`.
    """
    with open_guarded(path, limit) as file:
        _refuse_long_lists(file)
        with zipfile.ZipFile(file) as archive:
            names = sorted(archive.namelist())
            if names != sorted(f"{name}.npy" for name in expected):
                raise ValueError(
                    f"it has the arrays {', '.join(names[:8])[:200]}; expected "
                    f"{', '.join(sorted(expected))}"
                )
            return {
                name: _read_array(archive, name, np.dtype(kind), shape)
                for name, (kind, shape) in expected.items()
            }


def _refuse_long_lists(file: io.BufferedReader) -> None:
    """Refuse a zip file whose list of entries needs more memory than a few arrays."""
    size = file.seek(0, os.SEEK_END)
    # A further record before the last ones would be read in their place (ZIP64).
    file.seek(max(0, size - _DIRECTORY.size - 20))
    before, end = file.read(20), file.read(_DIRECTORY.size)
    mark, *_, entries, length, _, comment = _DIRECTORY.unpack(end)
    if mark != b"PK\5\6" or comment or before[:4] == b"PK\6\7":
        raise ValueError("it is not a zip file as numpy writes it")
    if entries > 1000 or length > 2**20:
        raise ValueError(f"it has {entries:,} arrays")


def _read_array(
    archive: zipfile.ZipFile, name: str, kind: np.dtype[Any], shape: tuple[int | None, ...]
) -> Array:
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise ValueError(f"its array {name} is compressed")
    with archive.open(entry) as file:
        prefix = file.read(10)
        if prefix[:8] != b"\x93NUMPY\1\0":
            raise ValueError(f"{name} is not an array as numpy writes it")
        header = file.read(int.from_bytes(prefix[8:], "little"))
        found = _HEADER.fullmatch(header)
        if found is None:
            raise ValueError(f"{name} is not an array of numbers, rows first")
        sides = tuple(int(side) for side in re.findall(rb"[0-9]+", found[2]))
        described = f"{found[1].decode('ascii', 'replace')[:20]} of shape {sides[:8]}"
        fits = len(sides) == len(shape) and all(
            wanted in {None, side} for wanted, side in zip(shape, sides, strict=True)
        )
        if found[1] != kind.str.encode() or not fits:
            wanted_sides = tuple("any" if side is None else side for side in shape)
            raise ValueError(f"{name} is {described}; expected {kind.str} of shape {wanted_sides}")
        if entry.file_size != 10 + len(header) + math.prod(sides) * kind.itemsize:
            raise ValueError(f"{name} is {described}, and has {entry.file_size:,} bytes")
        array = np.frombuffer(file.read(), kind).reshape(sides)
    if kind.kind == "f" and array.size:
        low, high = array.min(), array.max()  # NaN if there is one
        if not (low >= -LARGEST_NUMBER and high <= LARGEST_NUMBER):
            raise ValueError(f"{name} has numbers that are infinite, undefined or too large")
    return array
