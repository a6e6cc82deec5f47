import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist import files
from hmnist.errors import DataMissingError, UsageError, WorkError
from hmnist.files import (
    RUNS_FOLDER,
    cache_folder,
    expand_home,
    hash_file,
    new_runs_folder,
    refuse_to_overwrite,
    short_path,
    write_file,
    write_folder,
)

Writer = Callable[[Path], AbstractContextManager[Path]]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def interrupt(writing: AbstractContextManager[Path], error: type[BaseException]) -> None:
    with writing as temporary:
        (temporary / "half" if temporary.is_dir() else temporary).write_text("half")
        raise error("It broke.")


# write_file


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "scores.csv"
    with write_file(target) as temporary:
        temporary.write_text("0.8")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.suffix == ".csv"
    assert target.read_text() == "0.8"
    assert names_in(target.parent) == ["scores.csv"]


def test_the_old_file_stays_until_then(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    target.write_text("old")
    with write_file(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, UsageError])
@pytest.mark.parametrize("old", [None, "old"])
def test_a_file_that_fails_leaves_nothing(
    tmp_path: Path, error: type[BaseException], old: str | None
) -> None:
    target = tmp_path / "scores.csv"
    if old is not None:
        target.write_text(old)
    with pytest.raises(error, match="It broke"):
        interrupt(write_file(target), error)
    assert names_in(tmp_path) == ([] if old is None else ["scores.csv"])
    if old is not None:
        assert target.read_text() == old


# write_folder


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "runs" / "one"
    with write_folder(target) as temporary:
        (temporary / "model").mkdir()
        (temporary / "model" / "weights").write_text("1")
        assert not target.exists()
    assert (target / "model" / "weights").read_text() == "1"
    assert names_in(target.parent) == ["one"]


def test_an_older_folder_is_replaced_not_mixed(tmp_path: Path) -> None:
    target = tmp_path / "one"
    target.mkdir()
    (target / "old").write_text("old")
    with write_folder(target) as temporary:
        (temporary / "new").write_text("new")
        assert names_in(target) == ["old"]
    assert names_in(target) == ["new"]
    assert names_in(tmp_path) == ["one"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, UsageError])
@pytest.mark.parametrize("old", [False, True])
def test_a_folder_that_fails_leaves_nothing(
    tmp_path: Path, error: type[BaseException], *, old: bool
) -> None:
    target = tmp_path / "one"
    if old:
        target.mkdir()
        (target / "old").write_text("old")
    with pytest.raises(error, match="It broke"):
        interrupt(write_folder(target), error)
    assert names_in(tmp_path) == (["one"] if old else [])
    if old:
        assert names_in(target) == ["old"]


def test_the_old_folder_stays_if_the_new_one_cannot_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "one"
    target.mkdir()
    (target / "old").write_text("old")
    replace = os.replace

    def fail(source: Path, destination: Path) -> None:
        if Path(destination) == target and (Path(source) / "new").exists():
            raise OSError(28, "No space left on device")
        replace(source, destination)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(WorkError, match="No space left"), write_folder(target) as temporary:
        (temporary / "new").write_text("new")
    assert names_in(target) == ["old"]
    assert names_in(tmp_path) == ["one"]


def test_a_link_to_a_folder_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "old").write_text("old")
    target = tmp_path / "one"
    target.symlink_to(linked)
    with write_folder(target) as temporary:
        (temporary / "new").write_text("new")
    assert not target.is_symlink()
    assert names_in(target) == ["new"]
    assert names_in(linked) == ["old"]
    assert names_in(tmp_path) == ["linked", "one"]


def test_a_file_of_that_name_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("mine")
    with pytest.raises(WorkError, match="It is a file"), write_folder(tmp_path / "mine.csv"):
        pytest.fail("The work must not begin.")
    assert (tmp_path / "mine.csv").read_text() == "mine"
    assert names_in(tmp_path) == ["mine.csv"]


# Both


@pytest.mark.parametrize("writer", [write_file, write_folder])
def test_an_impossible_path_is_explained(tmp_path: Path, writer: Writer) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "below"
    with pytest.raises(WorkError, match=r"below could not be written: ") as caught, writer(target):
        pass
    assert caught.value.hint == "Name another place."
    assert names_in(tmp_path) == ["file"]


@pytest.mark.parametrize("writer", [write_file, write_folder])
def test_a_full_disk_is_explained(tmp_path: Path, writer: Writer) -> None:
    with pytest.raises(WorkError, match="No space left") as caught, writer(tmp_path / "new"):
        raise OSError(28, "No space left on device")
    assert "Free some space" in caught.value.hint
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("writer", [write_file, write_folder])
def test_errors_of_the_package_pass_unchanged(tmp_path: Path, writer: Writer) -> None:
    # It is an OSError as well, but not one of the file that is written.
    error = DataMissingError("There is no metadata.", "Download it.")
    with pytest.raises(DataMissingError) as caught, writer(tmp_path / "new"):
        raise error
    assert caught.value is error
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_results_are_as_readable_as_any_file(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with write_file(tmp_path / "file") as temporary:
            temporary.write_text("")
        with write_folder(tmp_path / "folder"):
            pass
        (tmp_path / "plain").write_text("")
        (tmp_path / "plain folder").mkdir()
    finally:
        assert os.umask(before) == mask

    def mode(name: str) -> int:
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    assert mode("file") == mode("plain") == 0o666 & ~mask
    assert mode("folder") == mode("plain folder") == 0o777 & ~mask


# Overwriting


def test_existing_files_are_not_overwritten(tmp_path: Path) -> None:
    pixels, metadata = tmp_path / "pixels.csv", tmp_path / "metadata.csv"
    refuse_to_overwrite(pixels, metadata)
    metadata.write_text("")
    refuse_to_overwrite(pixels)
    with pytest.raises(UsageError, match=r"metadata\.csv belongs to other data") as caught:
        refuse_to_overwrite(pixels, metadata)
    assert "another folder" in caught.value.hint
    pixels.write_text("")
    with pytest.raises(UsageError, match=r"pixels\.csv exists already"):
        refuse_to_overwrite(pixels, metadata)


# Hashes


@settings(max_examples=20, deadline=None)
@given(content=st.binary(max_size=3000))
def test_a_hash_is_that_of_the_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "hashed"
    path.write_bytes(content)
    assert hash_file(path) == hashlib.sha256(content).hexdigest()


def test_a_hash_known_from_the_standard(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert hash_file(path).startswith("ba7816bf8f01cfea414140de5dae2223")


# Folders


def test_the_cache_folder_is_the_named_one_or_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("HMNIST_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "hmnist"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "hmnist"
    assert names_in(tmp_path) == []


def test_new_runs_have_the_time_in_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = datetime.now().replace(microsecond=0)
    folder = new_runs_folder("-audit")
    assert folder.parent == RUNS_FOLDER == Path("hmnist-runs")
    time = datetime.strptime(folder.name.removesuffix("-audit"), "%Y%m%d-%H%M%S")
    assert before <= time <= datetime.now()
    assert "-audit" not in new_runs_folder().name


class StoppedClock(datetime):
    """A clock that is always at the same second."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2026, 1, 2, 3, 4, 5, tzinfo=tz)


def test_new_runs_of_the_same_second_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "datetime", StoppedClock)
    made = [new_runs_folder("-cnn").name for _ in range(3)]
    time = "20260102-030405-cnn"
    assert made == [time, f"{time}-2", f"{time}-3"]
    assert names_in(RUNS_FOLDER) == made


@pytest.mark.parametrize("link", [False, True])
def test_runs_that_have_no_place_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, link: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    RUNS_FOLDER.symlink_to("nowhere") if link else RUNS_FOLDER.write_text("mine")
    with pytest.raises(WorkError, match="hmnist-runs could not be written"):
        new_runs_folder()


def test_a_path_may_begin_with_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_home("~/runs") == expand_home(Path("~/runs")) == tmp_path / "runs"
    assert expand_home("~no such user/runs") == Path("~no such user/runs")
    assert expand_home("runs/~") == Path("runs/~")


def test_paths_below_the_working_folder_are_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for typed in ("runs/cnn", ".", "../cnn"):
        assert short_path(Path(typed).absolute()) == Path(typed)
    assert short_path(tmp_path.parent / "runs") == tmp_path.parent / "runs"
    assert short_path(Path("runs")) == Path("runs")


# Kills

KILLED = """
import os, sys
from pathlib import Path
from hmnist import files

path, kind = Path(sys.argv[1]), sys.argv[2]
if kind == "replacing":
    replace = os.replace
    os.replace = lambda a, b: os.kill(os.getpid(), 9) if Path(b) == path else replace(a, b)
with getattr(files, "write_folder" if kind == "replacing" else kind)(path) as temporary:
    (temporary / "new" if temporary.is_dir() else temporary).write_text("new")
    if kind != "replacing":
        os.kill(os.getpid(), 9)
"""


def kill_while(kind: str, path: Path) -> None:
    """Let a process be killed while it writes."""
    killed = subprocess.run([sys.executable, "-c", KILLED, path, kind], check=False)
    assert killed.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kind", ["write_file", "write_folder"])
def test_what_a_killed_process_left_is_written_again(tmp_path: Path, kind: str) -> None:
    kill_while(kind, tmp_path / "one")
    assert names_in(tmp_path) == [".hmnist-part-one", ".hmnist-partlock-one"]
    with getattr(files, kind)(tmp_path / "one") as temporary:
        assert not (names_in(temporary) if temporary.is_dir() else temporary.read_text())
    assert names_in(tmp_path) == ["one"]


def test_what_killed_processes_left_is_swept(tmp_path: Path) -> None:
    for kind, name in (("write_file", "a.csv"), ("write_folder", "b")):
        kill_while(kind, tmp_path / name)
    with write_file(tmp_path / "of another.csv") as living:
        files.sweep(tmp_path)
        assert names_in(tmp_path) == [
            ".hmnist-part-of another.csv",
            ".hmnist-partlock-of another.csv",
        ]
        assert living.exists()


def test_work_that_can_go_on_is_not_swept(tmp_path: Path) -> None:
    kill_while("working_folder", tmp_path / "cnn")
    files.sweep(tmp_path)
    with files.working_folder(tmp_path / "cnn") as work:
        assert names_in(work) == ["new"]
    assert names_in(tmp_path) == []


def test_a_kill_while_a_folder_is_replaced_loses_nothing(tmp_path: Path) -> None:
    target = tmp_path / "one"
    with write_folder(target) as temporary:
        (temporary / "old").write_text("old")
    kill_while("replacing", target)
    assert not target.exists()
    files.sweep(tmp_path)
    assert names_in(tmp_path) == ["one"]
    assert names_in(target) == ["old"]


def test_work_goes_on_in_the_same_folder(tmp_path: Path) -> None:
    target = tmp_path / "run"
    kill_while("working_folder", target)
    with files.working_folder(target) as work:
        assert names_in(work) == ["new"]
    with pytest.raises(ValueError, match="no"), files.working_folder(target):
        raise ValueError("no")
    assert names_in(tmp_path) == []


def test_one_process_at_a_time_has_a_working_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hmnist.files import working_folder\n"
        "with working_folder(Path(sys.argv[1]), lambda: print('waits')) as work:\n"
        "    print((work / 'count').exists())"
    )
    with files.working_folder(tmp_path / "run") as work:
        (work / "count").write_text("1")
        words = [sys.executable, "-c", code, str(tmp_path / "run")]
        other = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            other.communicate(timeout=2)
    # The folder was removed when the work was done; the other process has one of its own.
    assert other.communicate(timeout=60)[0] == "waits\nFalse\n"
    assert names_in(tmp_path) == []


def test_nothing_of_others_is_swept(tmp_path: Path) -> None:
    for name in (".video.part", ".video.part.mp4", ".project.work", ".hmnist-notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_text("mine")
    (tmp_path / ".profile.old").write_text("mine")
    before = names_in(tmp_path)
    files.sweep(tmp_path)
    assert names_in(tmp_path) == before


def test_a_folder_that_a_living_process_replaces_is_not_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "one"
    target.mkdir()
    replace = os.replace

    def swept_meanwhile(source: Path, destination: Path) -> None:
        if Path(destination) == target:
            files.sweep(tmp_path)
        replace(source, destination)

    monkeypatch.setattr(os, "replace", swept_meanwhile)
    with write_folder(target) as temporary:
        (temporary / "new").write_text("new")
    assert names_in(target) == ["new"]
    assert names_in(tmp_path) == ["one"]


@pytest.mark.parametrize("writer", [write_file, write_folder])
def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(
    tmp_path: Path, writer: Writer
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "mine").write_text("mine")
    (tmp_path / ".hmnist-part-one").symlink_to(precious)
    with writer(tmp_path / "one"):
        pass
    assert names_in(tmp_path) == ["one", "precious"]
    assert names_in(precious) == ["mine"]


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".hmnist-partlock-one").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WorkError, match="could not be written"), write_file(tmp_path / "one"):
        pytest.fail("It must not be written.")
    assert not (tmp_path / "elsewhere").exists()


# File systems without locks


@pytest.fixture(params=["no module", "no locks"])
def _without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no module":
        monkeypatch.setattr(files, "fcntl", None)
        return

    def refuse(*_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)


@pytest.mark.usefixtures("_without_locks")
@pytest.mark.parametrize("writer", [write_file, write_folder])
def test_without_locks_writers_do_not_mix(tmp_path: Path, writer: Writer) -> None:
    target = tmp_path / "one"

    def write(place: Path, text: str) -> None:
        (place / "half" if place.is_dir() else place).write_text(text)

    with writer(target) as first:
        write(first, "1")
        with writer(target) as second:
            write(second, "2")
        files.sweep(tmp_path)
    assert (target / "half" if target.is_dir() else target).read_text() == "1"
    assert names_in(tmp_path) == ["one"]


@pytest.mark.usefixtures("_without_locks")
def test_without_locks_work_goes_on_as_well(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="It broke"):
        interrupt(files.working_folder(tmp_path / "run"), ValueError)
    with files.working_folder(tmp_path / "run") as work:
        assert names_in(work) == ["half"]
    assert names_in(tmp_path) == []
