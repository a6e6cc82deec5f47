import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hmnist.arrays import Labels, Pixels
from hmnist.sources import cache
from hmnist.sources.cache import parse_cached

LONG_AGO = 10**18  # 2001, in nanoseconds


class Parser:
    """Counts its calls, and returns two rows of the file's first six bytes."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, path: Path) -> tuple[Pixels, Labels]:
        self.calls += 1
        pixels = np.frombuffer(path.read_bytes()[:6], np.uint8).reshape(2, 3)
        return pixels, np.array([6, 0])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SMALLEST_FILE", 0)
    # Files of a test are always new; here they count as old, so that their hash is kept.
    monkeypatch.setattr(cache, "SETTLED", -(10**18))
    return tmp_path / "cache" / "pixels"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_bytes(b"abcdef")
    return path


def check(rows: tuple[Pixels, Labels], content: bytes = b"abcdef") -> None:
    pixels, labels = rows
    assert pixels.dtype == np.uint8
    assert labels.dtype == np.int64
    assert pixels.tobytes() == content
    assert labels.tolist() == [6, 0]


def test_second_read_comes_from_the_cache(folder: Path, file: Path) -> None:
    parse = Parser()
    for _ in range(3):
        check(parse_cached(file, parse))
    assert parse.calls == 1
    assert len(list(folder.glob("*.pixels"))) == 1


def test_cached_arrays_may_be_written_to(folder: Path, file: Path) -> None:
    parse_cached(file, Parser())
    pixels, labels = parse_cached(file, Parser())
    pixels[:] = 0
    labels[:] = 0
    check(parse_cached(file, Parser()))


def test_content_is_the_key(folder: Path, file: Path, tmp_path: Path) -> None:
    parse = Parser()
    parse_cached(file, parse)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(file.read_bytes())
    check(parse_cached(copy, parse))
    assert parse.calls == 1
    file.write_bytes(b"ABCDEF")
    check(parse_cached(file, parse), b"ABCDEF")
    assert parse.calls == 2


def test_change_with_the_old_time_put_back_is_seen(folder: Path, file: Path) -> None:
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    parse_cached(file, Parser())
    time.sleep(0.02)  # longer than a tick of the file system's clock
    file.write_bytes(b"ABCDEF")
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    check(parse_cached(file, Parser()), b"ABCDEF")


def test_unchanged_file_is_not_hashed_again(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse_cached(file, Parser())
    monkeypatch.setattr(cache, "hash_file", lambda _: pytest.fail("hashed again"))
    check(parse_cached(file, Parser()))


def test_file_changed_a_moment_ago_is_hashed_again(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "SETTLED", 10**12)
    parse_cached(file, Parser())
    assert not list(folder.glob("*.seen"))
    check(parse_cached(file, Parser()))


def _cut(content: bytes) -> bytes:
    return content[:-1]


def _flip_first(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def _flip_last(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def _flip_a_pixel(content: bytes) -> bytes:
    return content.replace(b"abcdef", b"abcdeg")


def _other_shape(content: bytes) -> bytes:
    return content.replace(b"(2, 3)", b"(3, 2)")


def _huge_shape(content: bytes) -> bytes:
    return content.replace(b"(2, 3), }      ", b"(2, 3000000), }")


def _pickle(content: bytes) -> bytes:
    return content.replace(b"|u1", b"|O8")


DAMAGES = [_cut, _flip_first, _flip_last, _flip_a_pixel, _other_shape, _huge_shape, _pickle]


@pytest.mark.parametrize("damage", [*DAMAGES, lambda _: b"", lambda _: b"x" * 99])
def test_damaged_entry_is_parsed_again_without_a_message(
    folder: Path, file: Path, damage: Callable[[bytes], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    parse = Parser()
    parse_cached(file, parse)
    (entry,) = folder.glob("*.pixels")
    sound = entry.read_bytes()
    assert damage(sound) != sound
    entry.write_bytes(damage(sound))
    check(parse_cached(file, parse))
    assert parse.calls == 2
    assert entry.read_bytes() == sound
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sha256": 1}', "no JSON", "é"])
def test_damaged_note_is_rewritten(folder: Path, file: Path, content: str) -> None:
    parse_cached(file, Parser())
    (note,) = folder.glob("*.seen")
    sound = json.loads(note.read_text())
    note.write_text(content, encoding="utf-8")
    check(parse_cached(file, Parser()))
    assert json.loads(note.read_text()) == sound


def test_works_where_the_cache_cannot_be_written(
    tmp_path: Path, folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "blocked"))
    parse = Parser()
    for _ in range(2):
        check(parse_cached(file, parse))
    assert parse.calls == 2


def test_works_without_a_home(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache, "cache_folder", no_home)
    check(parse_cached(file, Parser()))


def test_file_that_changes_while_it_is_parsed_is_not_kept(folder: Path, file: Path) -> None:
    def parse(path: Path) -> tuple[Pixels, Labels]:
        rows = Parser()(path)
        path.write_bytes(b"another content")
        return rows

    parse_cached(file, parse)
    assert not list(folder.glob("*.pixels"))


def test_file_that_vanishes_while_it_is_parsed_does_no_harm(folder: Path, file: Path) -> None:
    def parse(path: Path) -> tuple[Pixels, Labels]:
        rows = Parser()(path)
        path.unlink()
        return rows

    check(parse_cached(file, parse))


def test_two_writers_at_once_do_no_harm(folder: Path, file: Path) -> None:
    inner = Parser()

    def parse(path: Path) -> tuple[Pixels, Labels]:
        check(parse_cached(path, inner))
        return Parser()(path)

    check(parse_cached(file, parse))
    check(parse_cached(file, inner))
    assert inner.calls == 1
    assert len(list(folder.glob("*.pixels"))) == 1


def test_errors_of_the_parser_are_passed_on(folder: Path, file: Path) -> None:
    def parse(path: Path) -> tuple[Pixels, Labels]:
        raise ValueError("no pixel file")

    with pytest.raises(ValueError, match="no pixel file"):
        parse_cached(file, parse)


def test_small_files_are_not_kept(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "SMALLEST_FILE", 7)
    check(parse_cached(file, Parser()))
    assert not folder.exists()


def test_oldest_entries_are_dropped(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "ENTRIES", 2)
    for number in range(4):
        file.write_bytes(b"abcde%d" % number)
        parse_cached(file, Parser())
        for entry in folder.glob("*.pixels"):
            status = entry.stat()
            os.utime(entry, ns=(status.st_atime_ns, status.st_mtime_ns - 10**9))
    parse = Parser()
    check(parse_cached(file, parse), b"abcde3")
    assert parse.calls == 0
    assert len(list(folder.glob("*.pixels"))) == 2
