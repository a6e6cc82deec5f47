"""Files are written completely or not at all. Hashes, and the folders of runs and caches."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from hmnist.errors import HmnistError, UsageError, WorkError, with_article

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module elsewhere

RUNS_FOLDER = Path("hmnist-runs")  # in the working folder, where no other folder is named

_OURS = ".hmnist-"
"""How the names of temporary and working files begin: nobody else's file is taken for one."""


@contextlib.contextmanager
def write_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` that is renamed to `path` when the block succeeds.

    So other programs see the old file or the complete new one. If the block raises, the temporary
    file is removed and `path` is not changed. If the process is killed, the temporary file stays
    until the same file is written again, or until `sweep`. One process at a time writes a file;
    others wait for it.

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
    with _write_errors(path), _new(path) as temporary:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        os.replace(temporary, path)


@contextlib.contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that is renamed to `path` when the block succeeds.

    An existing folder of that name is replaced. If anything fails, the temporary folder is removed
    and `path` is not changed. If the process is killed, the temporary folder stays until the same
    folder is written again, or until `sweep`. Raises WorkError if the folder cannot be written (no
    permission, a full disk, a file of that name).
    """
    with _write_errors(path):
        if path.exists() and not path.is_dir():
            # Checked before the work begins. A user's file is never removed.
            raise NotADirectoryError(errno.ENOTDIR, "It is a file, and a folder is needed")
        with _new(path) as temporary:
            _recover(path)
            temporary.mkdir()
            yield temporary
            _replace_folder(path, temporary)


@contextlib.contextmanager
def working_folder(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[Path]:
    """Yield a folder beside `path` for what the work on `path` needs; one process at a time has it.

    Others call `on_wait`, and wait until the block ends. If it raises, or the process is killed,
    the content stays, so that the work can go on from there; otherwise it is removed. Raises
    WorkError if the folder cannot be made.
    """
    folder = _beside(path, "work")
    with contextlib.ExitStack() as stack:
        with _write_errors(path):
            stack.enter_context(locked_in_turn(_beside(path, "worklock"), on_wait))
            folder.mkdir(exist_ok=True)
        try:
            yield folder
        except BaseException:
            with contextlib.suppress(OSError):
                folder.rmdir()  # nothing of the work is there to go on from
            raise
        _remove(folder)


def sweep(folder: Path) -> None:
    """Remove what killed processes have left in a folder, and nothing that a living one needs.

    That are temporary files and folders. A folder that was being replaced is put back. Working
    folders stay, since their work can go on. Where there are no locks, nothing is removed.
    """
    for name in {left.name.split("-", 2)[2] for left in folder.glob(f"{_OURS}*-*")}:
        path = folder / name
        with _alone(path) as is_alone:
            if is_alone:
                _recover(path)
                _remove(_beside(path, "part"))


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Let one process at a time run the block; others wait for it.

    `path` is a file that is made for this, and removed when the block ends. The lock ends with the
    process, whatever ends it. With ``wait=False``, a BlockingIOError is raised if another process
    has it. Yields False where the system (Windows) or the file system has no such locks: there,
    nobody waits. Raises OSError if the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield False
        return
    while True:
        # For writing, as network file systems want it; a link could lead to any other place.
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o666)
        try:
            is_alone = _lock(handle, wait=wait)
            # The one before has removed the file, and another one may have made it again.
            if _is_open(handle, path):
                try:
                    yield is_alone
                finally:
                    path.unlink(missing_ok=True)
                return
        finally:
            os.close(handle)


@contextlib.contextmanager
def locked_in_turn(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Let one process at a time run the block, as `locked` does; others call `on_wait` and wait."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path, wait=False))
        except BlockingIOError:
            on_wait()
            stack.enter_context(locked(path))
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


def expand_home(path: str | os.PathLike[str]) -> Path:
    """Return a path whose ``~`` is the user's home; names of no user that begin so stay.

    Raises UsageError for what is no path, such as a run instead of its folder.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"Expected a path, not {with_article(type(path))}.")
    with contextlib.suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)


def short_path(path: Path) -> Path:
    """Return a path as people type it: relative to the working folder if it lies below it.

    Examples
    --------
    >>> short_path(Path.cwd() / "runs" / "cnn").as_posix()
    'runs/cnn'
    """
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """Return ``$HMNIST_CACHE`` or the user's cache, for files that can be made again."""
    if folder := os.environ.get("HMNIST_CACHE"):
        return expand_home(folder)
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "hmnist"


def downloads_folder() -> Path:
    """Return the folder in the cache for the data files of ``hmnist data download``."""
    return cache_folder() / "downloads"


def new_runs_folder(suffix: str = "") -> Path:
    """Make a folder for new runs, named after the current time, and return it.

    It is made at once, since another process may look for a name in the same second: that one gets
    a number at its end. Raises WorkError if the folder cannot be made.
    """
    with _write_errors(RUNS_FOLDER):
        RUNS_FOLDER.mkdir(exist_ok=True)
        first = folder = RUNS_FOLDER / f"{datetime.now():%Y%m%d-%H%M%S}{suffix}"
        number = 1
        while not _make_folder(folder):
            number += 1
            folder = first.with_name(f"{first.name}-{number}")
        return folder


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


def _make_folder(path: Path) -> bool:
    """Make a folder, and return whether there was nothing of that name."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _beside(path: Path, kind: str) -> Path:
    """Return a hidden neighbour of a path; some writers go by the end of the name, which stays."""
    return path.with_name(f"{_OURS}{kind}-{path.name}")


@contextlib.contextmanager
def _new(path: Path) -> Iterator[Path]:
    """Yield a temporary neighbour of a path that does not exist, and remove it afterwards."""
    with locked(_beside(path, "partlock")) as is_alone:
        temporary = _beside(path, "part" if is_alone else f"part{uuid.uuid4().hex}")
        _remove(temporary)
        try:
            yield temporary
        finally:
            _remove(temporary)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Yield whether no living process writes a path, and keep others away meanwhile."""
    with contextlib.ExitStack() as stack:
        try:
            is_alone = stack.enter_context(locked(_beside(path, "partlock"), wait=False))
        except OSError:
            is_alone = False
        yield is_alone


def _lock(handle: int, *, wait: bool) -> bool:
    """Lock an open file; return False if its file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}:
            return False
        raise
    return True


def _is_open(handle: int, path: Path) -> bool:
    """Return whether a handle is that of the file that now has this name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder with its content, as far as that is possible."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def _replace_folder(path: Path, new: Path) -> None:
    # A folder that is not empty cannot be replaced in one step. So the old one is moved away first,
    # and moved back if the new one cannot be renamed; `_recover` moves it back after a kill.
    old = _beside(path, "old")
    with contextlib.suppress(FileNotFoundError):
        os.replace(path, old)
    try:
        os.replace(new, path)
    except OSError:
        _recover(path)
        raise
    _remove(old)


def _recover(path: Path) -> None:
    """Put a folder back that was moved away and not replaced; else remove what was moved away."""
    old = _beside(path, "old")
    if path.exists():
        _remove(old)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.replace(old, path)
