"""Files are written completely or not at all. Hashes, and the folders of runs and caches."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
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
    file is removed and `path` is not changed. If the process is killed, the temporary file stays
    until the same file is written again. One process at a time writes a file; others wait for it.

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
    temporary = _beside(path, "part")
    with _write_errors(path), _own(temporary, _make_file):
        try:
            os.truncate(temporary, 0)
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that is renamed to `path` when the block succeeds.

    An existing folder of that name is replaced. If anything fails, the temporary folder is removed
    and `path` is not changed. If the process is killed, the temporary folder stays until the same
    folder is written again, or until `sweep`. Raises WorkError if the folder cannot be written (no
    permission, a full disk, a file of that name).
    """
    temporary = _beside(path, "part")
    with _write_errors(path):
        if path.exists() and not path.is_dir():
            # Checked before the work begins. A user's file is never removed.
            raise NotADirectoryError(errno.ENOTDIR, "It is a file, and a folder is needed")
        with _own(temporary, _make_folder):
            recover(path)
            try:
                for left in temporary.iterdir():
                    _remove(left)
                yield temporary
                _replace_folder(path, temporary)
            finally:
                _remove(temporary)


@contextlib.contextmanager
def working_folder(path: Path) -> Iterator[Path]:
    """Yield a folder beside `path` for what the work on `path` needs; one process at a time has it.

    Others wait until the block ends. If it raises, or the process is killed, the content stays, so
    that the work can go on from there; otherwise it is removed. Raises WorkError if the folder
    cannot be made.
    """
    folder = _beside(path, "work")
    with contextlib.ExitStack() as stack:
        with _write_errors(path):
            stack.enter_context(_own(folder, _make_folder))
            recover(path)
        try:
            yield folder
        except BaseException:
            with contextlib.suppress(OSError):
                folder.rmdir()  # nothing of the work is there to go on from
            raise
        _remove(folder)


def sweep(folder: Path, keep: Iterable[Path] = ()) -> None:
    """Remove what killed processes have left in a folder, and nothing that a living one needs.

    That are temporary files and folders, and working folders, except those of the paths in `keep`.
    """
    kept = {_beside(path, "work").name for path in keep}
    for left in [*folder.glob(".*.part*"), *folder.glob(".*.work")]:
        with contextlib.suppress(OSError), _own(left, wait=False):
            if left.name in kept:
                continue
            _remove(left)
    for old in folder.glob(".*.old"):
        recover(folder / old.name[1 : -len(".old")])


def recover(path: Path) -> None:
    """Put a folder back that was being replaced when the process was killed."""
    old = _beside(path, "old")
    with contextlib.suppress(OSError):
        if path.exists():
            _remove(old)
        else:
            os.replace(old, path)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time run the block; others wait for it. `path` is a file made for this.

    The lock ends with the process, whatever ends it. Where the system has no such locks (Windows),
    processes do not wait. Raises OSError if the file cannot be made.
    """
    with _own(path, _make_file):
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


def _beside(path: Path, kind: str) -> Path:
    """Return the hidden neighbour of a path; what some writers go by, the suffix, stays."""
    suffix = path.suffix if kind == "part" else ""
    stem = path.name.removesuffix(suffix) if suffix else path.name
    return path.with_name(f".{stem}.{kind}{suffix}")


@contextlib.contextmanager
def _own(
    path: Path, make: Callable[[Path], None] | None = None, *, wait: bool = True
) -> Iterator[None]:
    """Lock a file or a folder, made if it is missing, while the block runs.

    Another process may have renamed or removed it in the meantime: then it is made again. With
    ``wait=False``, an OSError is raised if another process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        if make is not None:
            make(path)
        try:
            # A link that someone put there could lead to any other place.
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            if make is None:
                raise
            continue
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_open(handle, path):
                yield
                return
        finally:
            os.close(handle)


def _is_open(handle: int, path: Path) -> bool:
    """Return whether a handle is that of the file or folder that now has this name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _make_file(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o666))


def _make_folder(path: Path) -> None:
    path.mkdir(exist_ok=True)


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder with its content, as far as that is possible."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def _replace_folder(path: Path, new: Path) -> None:
    # A folder that is not empty cannot be replaced in one step. So the old one is moved away first,
    # and moved back if the new one cannot be renamed; `recover` moves it back after a kill.
    old = _beside(path, "old")
    _remove(old)
    with contextlib.suppress(FileNotFoundError):
        os.replace(path, old)
    try:
        os.replace(new, path)
    except OSError:
        if old.is_symlink() or old.exists():
            os.replace(old, path)
        raise
    _remove(old)
