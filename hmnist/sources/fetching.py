"""`fetch`: a file from the internet, whole or not at all, that goes on where it was cut off."""

import hashlib
import os
import shutil
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zipfile import BadZipFile, ZipFile, is_zipfile

from hmnist import __version__
from hmnist.errors import DataError, TrustError
from hmnist.files import locked, make_parent, write_file
from hmnist.sources.opening import check_unpacked

if TYPE_CHECKING:
    from requests import RequestException, Response

OnProgress = Callable[[int, int], None]

BLOCK = 1 << 18  # bytes that are written at once
CUTS = 5  # how often a download is cut off before it is given up
PAUSE = 1.0  # seconds between a cut and the next request
MOST_TIMES = 4  # how many times its usual size a file may have
TIMEOUT = (10, 30)  # seconds to connect, and between two bytes


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server.

    Attributes
    ----------
    name : str
        Its name here.
    url : str
        Where it is.
    size : int
        About how many bytes it has, if the server does not tell.
    md5 : str or None
        The MD5 of its bytes as 32 hexadecimal digits, None if its publisher does not name it.
    """

    name: str
    url: str
    size: int
    md5: str | None = None


def fetch(file: RemoteFile, folder: Path, on_progress: OnProgress | None = None) -> bool:
    """Download a file into a folder, and return whether there was anything to download.

    A file that is there already is left alone, unless its hash is known and another. What has
    arrived of a download that was cut off is kept, and the next call asks for the rest. A file
    that comes packed in a .zip file is unpacked. Other processes that want the same file wait
    until it is there. `on_progress` is called with the bytes that have arrived and their total.

    Raises
    ------
    DataError
        If the server cannot be reached, does not have the file, or sends a web page instead.
    TrustError
        If the file is not the one whose hash is known, or a damaged .zip file. It is deleted.
    WorkError
        If it cannot be written.
    """
    path, part = folder / file.name, folder / f".{file.name}.part"
    make_parent(path)
    with locked(folder / f".{file.name}.lock"):
        if path.is_file() and file.md5 in {None, _md5(path)}:
            return False
        with write_file(path) as temporary:
            _receive_all(file, part, on_progress)
            try:
                _check_hash(file, part)
                _unpack(file, part, temporary)
            finally:
                part.unlink(missing_ok=True)
    return True


def _receive_all(file: RemoteFile, part: Path, on_progress: OnProgress | None) -> None:
    """Receive what is missing of a file, in as many requests as that takes."""
    from requests import RequestException

    for cut in range(CUTS):
        before = _size(part)
        try:
            _receive(file, part, on_progress)
        except RequestException as error:
            if cut + 1 == CUTS or _size(part) <= before:
                raise _explain(error, file) from error
        else:
            return
        time.sleep(PAUSE)


def _receive(file: RemoteFile, part: Path, on_progress: OnProgress | None) -> None:
    """Receive what is missing of a file, in one request."""
    import requests

    done = _size(part)
    headers = {"Accept-Encoding": "identity", "User-Agent": f"hmnist/{__version__}"}
    if done:
        headers["Range"] = f"bytes={done}-"
    with requests.get(file.url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        sent = answer.headers.get("Content-Range", "")
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            if sent != f"bytes */{done}":  # not the bytes of this file: it is shorter
                part.unlink()
                _receive(file, part, on_progress)
            return
        answer.raise_for_status()
        _refuse_web_page(answer, file)
        if not sent.startswith(f"bytes {done}-"):  # a server may send the whole file again
            done = 0
        total = done + int(answer.headers.get("Content-Length", file.size))
        with part.open("ab" if done else "wb") as target:
            for block in answer.iter_content(BLOCK):
                target.write(block)
                done += len(block)
                if done > MOST_TIMES * file.size:
                    part.unlink()
                    raise DataError(
                        f"{_host(file)} sends more than {MOST_TIMES} times the bytes of "
                        f"{file.name}. They were deleted."
                    )
                if on_progress is not None:
                    on_progress(done, max(done, total))


def _refuse_web_page(answer: "Response", file: RemoteFile) -> None:
    if "html" in answer.headers.get("Content-Type", ""):
        raise DataError(
            f"{_host(file)} sent a web page instead of {file.name}; perhaps it asks to log in."
        )


def _explain(error: "RequestException", file: RemoteFile) -> DataError:
    answer = error.response
    if answer is None:
        return DataError(
            f"{file.name} could not be fetched: {_host(file)} cannot be reached, or the connection "
            f"was lost ({type(error).__name__})."
        )
    return DataError(
        f"{file.name} could not be fetched: {_host(file)} answers {answer.status_code} "
        f"({answer.reason})."
    )


def _check_hash(file: RemoteFile, part: Path) -> None:
    if file.md5 not in {None, found := _md5(part)}:
        raise TrustError(
            f"{_host(file)} sent another file than the {file.name} that is known: its MD5 is "
            f"{found}, not {file.md5}. It was deleted.",
            "Type the command again; if this repeats, do not use the file.",
        )


def _unpack(file: RemoteFile, part: Path, path: Path) -> None:
    """Move the file to `path`; unpack it if the server packed it by itself."""
    try:
        # A file that is an archive of its own, such as .npz, has no member of its own name.
        if not is_zipfile(part) or file.name not in ZipFile(part).namelist():
            os.replace(part, path)
            return
        member = ZipFile(part).getinfo(file.name)
        check_unpacked(path, member.compress_size, member.file_size)
        with ZipFile(part).open(member) as packed, path.open("wb") as target:
            shutil.copyfileobj(packed, target, BLOCK)
    except (BadZipFile, EOFError, zlib.error) as error:
        raise TrustError(
            f"{_host(file)} sent {file.name} in a damaged .zip file: {error}. It was deleted.",
            "Type the command again.",
        ) from error


def _host(file: RemoteFile) -> str:
    return urlsplit(file.url).netloc


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
