import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hmnist.sources import cache
from hmnist.sources.cache import Table, remembered

LONG_AGO = 10**18  # 2001, in nanoseconds


class Parser:
    """Counts how often it is asked, and makes two rows of the file's first six bytes."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, path: Path) -> Table:
        self.calls += 1
        pixels = np.frombuffer(path.read_bytes()[:6], np.uint8).reshape(2, 3)
        return pixels, np.array([6, 0])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_WORTHWHILE", 0)
    # Files of a test are always new; let them count as old, and as unchanged, by their times.
    monkeypatch.setattr(cache, "_SETTLED", -(10**18))
    return tmp_path / "cache" / "pixels"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_bytes(b"abcdef")
    return path


def check(table: Table, content: bytes = b"abcdef") -> None:
    pixels, labels = table
    assert pixels.dtype == np.uint8
    assert labels.dtype == np.int64
    assert pixels.tobytes() == content
    assert labels.tolist() == [6, 0]


def test_second_read_comes_from_the_cache(folder: Path, file: Path) -> None:
    parse = Parser()
    for _ in range(3):
        check(remembered(file, parse))
    assert parse.calls == 1
    assert len(list(folder.glob("*.pixels"))) == 1


def test_cached_arrays_may_be_written_to(folder: Path, file: Path) -> None:
    remembered(file, Parser())
    pixels, labels = remembered(file, Parser())
    pixels[:] = 0
    labels[:] = 0
    check(remembered(file, Parser()))


def test_content_is_the_key(folder: Path, file: Path, tmp_path: Path) -> None:
    parse = Parser()
    remembered(file, parse)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(file.read_bytes())
    check(remembered(copy, parse))
    assert parse.calls == 1
    file.write_bytes(b"ABCDEF")
    check(remembered(file, parse), b"ABCDEF")
    assert parse.calls == 2


def test_change_with_the_old_time_put_back_is_seen(folder: Path, file: Path) -> None:
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    remembered(file, Parser())
    time.sleep(0.02)  # longer than a tick of the file system's clock
    file.write_bytes(b"ABCDEF")
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    check(remembered(file, Parser()), b"ABCDEF")


def test_unchanged_file_is_not_hashed_again(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered(file, Parser())
    monkeypatch.setattr(cache, "hash_file", lambda _: pytest.fail("hashed again"))
    check(remembered(file, Parser()))


def test_file_changed_a_moment_ago_is_hashed_again(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_SETTLED", 10**12)
    remembered(file, Parser())
    assert not list(folder.glob("*.seen"))
    check(remembered(file, Parser()))


def _cut(content: bytes) -> bytes:
    return content[:-1]


def _flip(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def _other_shape(content: bytes) -> bytes:
    # 2 rows of 3 pixels and 1 row of 7 pixels take the same room.
    return content[:-20] + (1).to_bytes(8, "little") + (7).to_bytes(8, "little") + content[-4:]


@pytest.mark.parametrize("damage", [_cut, _flip, _other_shape, lambda _: b"", lambda _: b"x" * 99])
def test_damaged_entry_is_rebuilt_in_silence(
    folder: Path, file: Path, damage: Callable[[bytes], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    parse = Parser()
    remembered(file, parse)
    (entry,) = folder.glob("*.pixels")
    sound = entry.read_bytes()
    entry.write_bytes(damage(sound))
    check(remembered(file, parse))
    assert parse.calls == 2
    assert entry.read_bytes() == sound
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sha256": 1}', "no JSON", "é"])
def test_damaged_note_is_rewritten(folder: Path, file: Path, content: str) -> None:
    remembered(file, Parser())
    (note,) = folder.glob("*.seen")
    sound = json.loads(note.read_text())
    note.write_text(content, encoding="utf-8")
    check(remembered(file, Parser()))
    assert json.loads(note.read_text()) == sound


def test_works_where_the_cache_cannot_be_written(
    tmp_path: Path, folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "blocked"))
    parse = Parser()
    for _ in range(2):
        check(remembered(file, parse))
    assert parse.calls == 2


def test_works_without_a_home(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache, "cache_folder", no_home)
    check(remembered(file, Parser()))


def test_file_that_changes_under_the_reader_is_not_kept(folder: Path, file: Path) -> None:
    def parse(path: Path) -> Table:
        table = Parser()(path)
        path.write_bytes(b"another content")
        return table

    remembered(file, parse)
    assert not list(folder.glob("*.pixels"))


def test_file_that_vanishes_under_the_reader_does_no_harm(folder: Path, file: Path) -> None:
    def parse(path: Path) -> Table:
        table = Parser()(path)
        path.unlink()
        return table

    check(remembered(file, parse))


def test_errors_of_the_parser_are_passed_on(folder: Path, file: Path) -> None:
    def parse(path: Path) -> Table:
        raise ValueError("no pixel file")

    with pytest.raises(ValueError, match="no pixel file"):
        remembered(file, parse)


def test_small_files_are_not_kept(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_WORTHWHILE", 7)
    check(remembered(file, Parser()))
    assert not folder.exists()


def test_oldest_entries_are_dropped(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_KEPT", 2)
    for number in range(4):
        file.write_bytes(b"abcde%d" % number)
        remembered(file, Parser())
        for entry in folder.glob("*.pixels"):
            status = entry.stat()
            os.utime(entry, ns=(status.st_atime_ns, status.st_mtime_ns - 10**9))
    parse = Parser()
    check(remembered(file, parse), b"abcde3")
    assert parse.calls == 0
    assert len(list(folder.glob("*.pixels"))) == 2
