"""Files arrive whole or not at all: writing, hashing, and the cache folder."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hmnist.errors import HmnistError, WorkError

__all__ = ["cache_folder", "hash_file", "make_parent", "write_file", "write_folder"]


@contextlib.contextmanager
def write_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block succeeds.

    A reader sees the old file or the complete new one, never a half. If the block raises, the
    temporary file is removed and `path` is as it was.

    Raises
    ------
    WorkError
        If the file cannot be written (no permission, a full disk).

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with write_file(folder / "scores.txt") as temporary:
    ...     _ = temporary.write_text("0.83")
    >>> (folder / "scores.txt").read_text()
    '0.83'
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}-", suffix=path.suffix
        )
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            _take_default_mode(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that takes its place when the block succeeds.

    An existing folder of that name is replaced. If anything fails, the temporary folder is removed
    and `path` is as it was.

    Raises
    ------
    WorkError
        If the folder cannot be written (no permission, a full disk, a file of that name).
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_dir():
            # Asked before the work is done; and a file of the user's is not ours to remove.
            raise NotADirectoryError(errno.ENOTDIR, "It is a file, and a folder is to be there")
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            _take_place(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def make_parent(path: Path) -> None:
    """Make the folder that `path` is to stand in, and try whether it can be written.

    Raises
    ------
    WorkError
        If it cannot: better known before hours of work than after.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """Return the folder for things that can be made again: ``$HMNIST_CACHE`` or the user's cache.

    It need not exist yet.
    """
    if named := os.environ.get("HMNIST_CACHE"):
        return Path(named)
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "hmnist"


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except HmnistError:
        # Some are OSErrors as well, but they have been explained already.
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorkError(
            f"{path} could not be written: {reason}.",
            "Free some space or name another place.",
        ) from error


def _take_place(temporary: Path, path: Path) -> None:
    # A folder that is not empty cannot be replaced in one step, so the old one steps aside and
    # comes back if the new one cannot take its place.
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix=f".{path.name}-", ignore_cleanup_errors=True
    ) as aside:
        old = Path(aside) / path.name
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, old)
        try:
            os.replace(temporary, path)
        except OSError:
            if old.is_symlink() or old.exists():
                os.replace(old, path)
            raise


def _take_default_mode(path: Path) -> None:
    # mkstemp makes files private; results are as readable as any file the user writes.
    path.chmod(0o666 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
