"""Files are written completely or not at all. Hashes, and the folders of runs and caches."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from hmnist.errors import HmnistError, UsageError, WorkError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module elsewhere

RUNS_FOLDER = Path("hmnist-runs")  # in the working folder, where no other folder is named


@contextlib.contextmanager
def write_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` that is renamed to `path` when the block succeeds.

    So other programs see the old file or the complete new one. If the block raises, the temporary
    file is removed and `path` is not changed.

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
    with _write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix, f".{path.name}-", path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes files private; results are as readable as the user's other files.
            temporary.chmod(0o666 & ~_umask())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that is renamed to `path` when the block succeeds.

    An existing folder of that name is replaced. If anything fails, the temporary folder is removed
    and `path` is not changed. Raises WorkError if the folder cannot be written (no permission, a
    full disk, a file of that name).
    """
    with _write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_dir():
            # Checked before the work begins. A user's file is never removed.
            raise NotADirectoryError(errno.ENOTDIR, "It is a file, and a folder is needed")
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            _replace_folder(path, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time run the block; others wait for it. `path` is a file made for this.

    The lock ends with the process, whatever ends it. Where the system has no such locks (Windows),
    processes do not wait. Raises OSError if the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_parent(path: Path) -> None:
    """Make the parent folder of `path` and check that files can be written there.

    Long work calls this first, so that it does not fail at its end. Raises WorkError if no file can
    be written there.
    """
    with _write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass


def refuse_to_overwrite(path: Path, *companions: Path) -> None:
    """Raise UsageError if a file exists already, or one that is written beside it.

    The `companions` have fixed names, such as that of the metadata.
    """
    if path.exists():
        raise UsageError(f"{path} exists already.", "Delete it or name another file.")
    for companion in companions:
        if companion.exists():
            raise UsageError(
                f"{companion} belongs to other data and would be replaced.",
                "Name a file in another folder.",
            )


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """Return ``$HMNIST_CACHE`` or the user's cache, for files that can be made again."""
    if folder := os.environ.get("HMNIST_CACHE"):
        return Path(folder)
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "hmnist"


def downloads_folder() -> Path:
    """Return the folder in the cache for the data files of ``hmnist data download``."""
    return cache_folder() / "downloads"


def new_runs_folder(suffix: str = "") -> Path:
    """Return a folder for new runs, named after the current time; it is not made yet."""
    return RUNS_FOLDER / f"{datetime.now():%Y%m%d-%H%M%S}{suffix}"


@contextlib.contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except HmnistError:
        # Some of these are OSErrors, too, but they have a message already.
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        hint = "Free some space or name another place." if is_full else "Name another place."
        raise WorkError(f"{path} could not be written: {reason}.", hint) from error


def _replace_folder(path: Path, new: Path) -> None:
    # A folder that is not empty cannot be replaced in one step. So the old one is moved away first,
    # and moved back if the new one cannot be renamed.
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix=f".{path.name}-", ignore_cleanup_errors=True
    ) as backup:
        old = Path(backup) / path.name
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, old)
        try:
            os.replace(new, path)
        except OSError:
            if old.is_symlink() or old.exists():
                os.replace(old, path)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
