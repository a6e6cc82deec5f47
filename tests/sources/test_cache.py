import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hmnist.arrays import Labels, Pixels
from hmnist.sources import cache, entry
from hmnist.sources.cache import parse_cached
from hmnist.sources.entry import Block, Chunk

LONG_AGO = 10**18  # 2001, in nanoseconds


class Parser:
    """Yields a row for each four bytes of a file: three pixels and a label; counts the rows."""

    def __init__(self, stop_before: int | None = None) -> None:
        self.rows = 0
        self.calls = 0
        self._stop = stop_before

    def __call__(self, path: Path, before: Chunk) -> Iterator[Block]:
        self.calls += 1
        content = path.read_bytes()
        for start in range(before.end, len(content), 4):
            if start == self._stop:
                raise KeyboardInterrupt
            self.rows += 1
            row = np.frombuffer(content[start : start + 4], np.uint8).reshape(1, 4)
            yield Block(row, start + 4)


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
    path.write_bytes(b"abc\6def\0")
    return path


@pytest.fixture
def long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of ten rows, in chunks of two."""
    monkeypatch.setattr(entry, "CHUNK", 8)
    path = tmp_path / "long.csv"
    path.write_bytes(b"".join(b"abc%c" % (number % 7) for number in range(10)))
    return path


def check(rows: tuple[Pixels, Labels], content: bytes = b"abcdef") -> None:
    pixels, labels = rows
    assert pixels.dtype == np.uint8
    assert labels.dtype == np.int64
    assert pixels.tobytes() == content
    assert labels.tolist() == [6, 0]


def check_long(rows: tuple[Pixels, Labels]) -> None:
    assert rows[0].tobytes() == b"abc" * 10
    assert rows[1].tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2]


def entry_of(folder: Path) -> Path:
    (found,) = folder.glob("*.pixels")
    return found


def interrupt(file: Path, stop_before: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        parse_cached(file, Parser(stop_before))


def test_second_read_comes_from_the_cache(folder: Path, file: Path) -> None:
    parse = Parser()
    for _ in range(3):
        check(parse_cached(file, parse))
    assert parse.calls == 1
    assert entry_of(folder).is_dir()


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
    file.write_bytes(b"ABC\6DEF\0")
    check(parse_cached(file, parse), b"ABCDEF")
    assert parse.calls == 2


def test_change_with_the_old_time_put_back_is_seen(folder: Path, file: Path) -> None:
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    parse_cached(file, Parser())
    time.sleep(0.02)  # longer than a tick of the file system's clock
    file.write_bytes(b"ABC\6DEF\0")
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    check(parse_cached(file, Parser()), b"ABCDEF")


def test_unchanged_file_is_not_hashed_again(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse_cached(file, Parser())
    monkeypatch.setattr(entry.Entry, "is_of", lambda *_: pytest.fail("hashed again"))
    check(parse_cached(file, Parser()))


def test_file_changed_a_moment_ago_is_hashed_again(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "SETTLED", 10**12)
    parse_cached(file, Parser())
    assert not list(folder.glob("*.seen"))
    parse = Parser()
    check(parse_cached(file, parse))
    assert parse.calls == 0


def _cut(content: bytes) -> bytes:
    return content[:-1]


def _flip_first(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def _flip_last(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


DAMAGES = [_cut, _flip_first, _flip_last, lambda _: b"", lambda _: b"x" * 999]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["pixels", "labels", "state.json"])
def test_damaged_entry_is_parsed_again_without_a_message(
    folder: Path,
    file: Path,
    name: str,
    damage: Callable[[bytes], bytes],
    capfd: pytest.CaptureFixture[str],
) -> None:
    parse = Parser()
    parse_cached(file, parse)
    damaged = entry_of(folder) / name
    sound = damaged.read_bytes()
    assert damage(sound) != sound
    damaged.write_bytes(damage(sound))
    check(parse_cached(file, parse))
    assert parse.calls == 2
    check(parse_cached(file, parse))
    assert parse.calls == 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["pixels", "labels", "state.json"])
def test_missing_file_of_an_entry_is_written_again(folder: Path, file: Path, name: str) -> None:
    parse = Parser()
    parse_cached(file, parse)
    (entry_of(folder) / name).unlink()
    for _ in range(2):
        check(parse_cached(file, parse))
    assert parse.calls == 2


@pytest.mark.parametrize("key", ["bytes", "width", "end", "rows", "text", "parsed"])
@pytest.mark.parametrize("value", [0, 1, 7, 10**18, 10**30, -4, 2.5, "x", None, [], True])
def test_wrong_number_in_the_state_is_noticed(
    folder: Path, long_file: Path, key: str, value: object
) -> None:
    check_long(parse_cached(long_file, Parser()))
    path = entry_of(folder) / "state.json"
    state = json.loads(path.read_text())
    (state if key in state else state["chunks"][2])[key] = value
    path.write_text(json.dumps(state))
    check_long(parse_cached(long_file, Parser()))


# Entries and notes that are copied over others, or are not files


@pytest.fixture
def two_files(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two files of one size in the cache, in which only the pixels differ."""
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_bytes(b"abc\6def\0")
    second.write_bytes(b"ABC\6DEF\0")
    for path in (first, second):
        parse_cached(path, Parser())
    return first, second


def check_both(first: Path, second: Path) -> None:
    for _ in range(2):
        check(parse_cached(first, Parser()), b"abcdef")
        check(parse_cached(second, Parser()), b"ABCDEF")


@pytest.mark.parametrize("names", [["pixels"], ["state.json"], ["pixels", "labels", "state.json"]])
def test_an_entry_copied_over_another_is_noticed(
    folder: Path, two_files: tuple[Path, Path], names: list[str]
) -> None:
    one, other = folder.glob("*.pixels")
    for name in names:
        shutil.copyfile(one / name, other / name)
    check_both(*two_files)


def test_entries_that_changed_places_are_noticed(
    folder: Path, two_files: tuple[Path, Path]
) -> None:
    one, other = folder.glob("*.pixels")
    one.rename(folder / "aside")
    other.rename(one)
    (folder / "aside").rename(other)
    check_both(*two_files)


def test_a_note_copied_over_another_is_noticed(folder: Path, two_files: tuple[Path, Path]) -> None:
    one, other = folder.glob("*.seen")
    shutil.copyfile(one, other)
    check_both(*two_files)


def test_a_note_that_names_another_entry_is_noticed(
    folder: Path, two_files: tuple[Path, Path]
) -> None:
    one, other = map(json.loads, map(Path.read_text, folder.glob("*.seen")))
    note = next(folder.glob("*.seen"))
    note.write_text(json.dumps(one | {"entry": other["entry"]}))
    check_both(*two_files)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)  # zeros that take no space


NO_FILES: list[Callable[[Path], None]] = [
    Path.mkdir,
    _pipe,
    _link_to_pipe,
    _huge,
    lambda path: path.symlink_to(path.name),
    lambda path: path.symlink_to("/dev/zero"),
]


@pytest.mark.parametrize("replace", NO_FILES)
@pytest.mark.parametrize("name", ["pixels", "labels", "state.json"])
def test_what_is_no_file_of_an_entry_is_not_opened(
    folder: Path, file: Path, name: str, replace: Callable[[Path], None]
) -> None:
    parse_cached(file, Parser())
    (entry_of(folder) / name).unlink()
    replace(entry_of(folder) / name)
    for _ in range(2):
        check(parse_cached(file, Parser()))


@pytest.mark.parametrize("replace", NO_FILES)
def test_what_is_no_note_is_not_opened(
    folder: Path, file: Path, replace: Callable[[Path], None]
) -> None:
    parse_cached(file, Parser())
    (note,) = folder.glob("*.seen")
    note.unlink()
    replace(note)
    for _ in range(2):
        check(parse_cached(file, Parser()))


@pytest.mark.parametrize("replace", NO_FILES)
def test_what_is_no_entry_is_not_opened(
    folder: Path, file: Path, replace: Callable[[Path], None]
) -> None:
    folder.mkdir(parents=True)
    replace(folder / "0.pixels")
    for _ in range(2):
        check(parse_cached(file, Parser()))


STATES = [
    "[" * 100_000, "{}", "[]", "null", "1", '{"chunks": {}}', '{"chunks": [[]]}', "NaN", "1" * 9999,
    '{"bytes": 8, "width": 3, "chunks": []}',
    '{"bytes": 8, "width": 3, "chunks": [{"end": true, "rows": 2, "text": "", "parsed": ""}]}',
    '{"bytes": 8.0, "width": 3, "chunks": [{"end": 8, "rows": 2, "text": "", "parsed": ""}]}',
    '{"bytes": 8, "width": "3", "chunks": [{"end": 8, "rows": 2, "text": 1, "parsed": null}]}',
    '{"bytes": 8, "width": 1e999, "chunks": [{"end": 8, "rows": 2, "text": "", "parsed": ""}]}',
]  # fmt: skip


@pytest.mark.parametrize("content", STATES, ids=range(len(STATES)))
@pytest.mark.parametrize("name", ["*.seen", "*.pixels/state.json"])
def test_implausible_content_is_a_miss(folder: Path, file: Path, name: str, content: str) -> None:
    parse_cached(file, Parser())
    (path,) = folder.glob(name)
    path.write_text(content)
    for _ in range(2):
        check(parse_cached(file, Parser()))


# Interrupted readings


def test_interrupted_reading_goes_on_from_the_last_chunk(folder: Path, long_file: Path) -> None:
    interrupt(long_file, stop_before=28)
    parse = Parser()
    check_long(parse_cached(long_file, parse))
    assert parse.rows == 4  # rows 6 to 9: the chunk of rows 6 and 7 was not complete
    check_long(parse_cached(long_file, parse))
    assert parse.calls == 1


def test_interruption_before_the_first_chunk_leaves_nothing(folder: Path, long_file: Path) -> None:
    interrupt(long_file, stop_before=4)
    assert not list(folder.glob("*.pixels"))
    check_long(parse_cached(long_file, Parser()))


def test_changed_file_does_not_go_on(folder: Path, long_file: Path) -> None:
    interrupt(long_file, stop_before=28)
    time.sleep(0.02)  # longer than a tick of the file system's clock
    long_file.write_bytes(b"X" + long_file.read_bytes()[1:])
    pixels, _ = parse_cached(long_file, Parser())
    assert pixels.tobytes() == b"Xbc" + b"abc" * 9


def test_interrupted_reading_goes_on_for_a_copy(
    folder: Path, long_file: Path, tmp_path: Path
) -> None:
    interrupt(long_file, stop_before=28)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(long_file.read_bytes())
    parse = Parser()
    check_long(parse_cached(copy, parse))
    assert parse.rows == 4


def test_damaged_chunk_is_parsed_again_but_not_those_before_it(
    folder: Path, long_file: Path
) -> None:
    check_long(parse_cached(long_file, Parser()))
    pixels = entry_of(folder) / "pixels"
    content = bytearray(pixels.read_bytes())
    content[5 * 3] ^= 1
    pixels.write_bytes(content)
    parse = Parser()
    check_long(parse_cached(long_file, parse))
    assert parse.rows == 6


def test_damage_after_an_interruption_is_noticed(folder: Path, long_file: Path) -> None:
    interrupt(long_file, stop_before=28)
    labels = entry_of(folder) / "labels"
    labels.write_bytes(b"\1" + labels.read_bytes()[1:])
    parse = Parser()
    check_long(parse_cached(long_file, parse))
    assert parse.rows == 10


def test_rows_that_no_reading_can_begin_at_are_one_chunk(folder: Path, long_file: Path) -> None:
    def parse(path: Path, before: Chunk) -> Iterator[Block]:
        for block in Parser()(path, before):
            yield Block(block.rows, None)

    check_long(parse_cached(long_file, parse))
    state = json.loads((entry_of(folder) / "state.json").read_text())
    assert [chunk["rows"] for chunk in state["chunks"]] == [10]


# Large pixels


def test_large_pixels_stay_in_their_file(
    folder: Path, long_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "LARGE", 1)
    for _ in range(2):
        rows = parse_cached(long_file, Parser())
        assert isinstance(rows[0], np.memmap)
        assert not rows[0].flags.writeable
        check_long(rows)
    shutil.rmtree(folder)
    check_long(rows)


# What goes wrong


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
    def parse(path: Path, before: Chunk) -> Iterator[Block]:
        yield from Parser()(path, before)
        path.write_bytes(b"another content")

    parse_cached(file, parse)
    assert not list(folder.glob("*.pixels"))


def test_file_that_vanishes_while_it_is_parsed_is_missing(folder: Path, file: Path) -> None:
    def parse(path: Path, before: Chunk) -> Iterator[Block]:
        yield from Parser()(path, before)
        path.unlink()

    with pytest.raises(FileNotFoundError):
        parse_cached(file, parse)
    assert not list(folder.glob("*.pixels"))


def test_two_writers_at_once_do_no_harm(folder: Path, file: Path) -> None:
    inner = Parser()

    def parse(path: Path, before: Chunk) -> Iterator[Block]:
        check(parse_cached(path, inner))
        yield from Parser()(path, before)

    check(parse_cached(file, parse))
    check(parse_cached(file, inner))
    assert inner.calls == 1


def test_errors_of_the_parser_are_passed_on(folder: Path, file: Path) -> None:
    def parse(path: Path, before: Chunk) -> Iterator[Block]:
        raise ValueError("no pixel file")

    with pytest.raises(ValueError, match="no pixel file"):
        parse_cached(file, parse)


def test_small_files_are_not_kept(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "SMALLEST_FILE", 9)
    check(parse_cached(file, Parser()))
    assert not folder.exists()


def test_oldest_entries_are_dropped(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "ENTRIES", 2)
    _parse_four(folder, file)
    parse = Parser()
    check(parse_cached(file, parse), b"abcde3")
    assert parse.calls == 0
    assert len(list(folder.glob("*.pixels"))) == 2


def test_entries_have_so_many_bytes_at_most_besides_the_new_one(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 1)
    _parse_four(folder, file)
    parse = Parser()
    check(parse_cached(file, parse), b"abcde3")
    assert parse.calls == 0
    assert entry_of(folder).is_dir()


def test_entries_of_an_older_version_are_dropped(folder: Path, file: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "0123-2.pixels").write_bytes(b"old")
    parse_cached(file, Parser())
    assert entry_of(folder).is_dir()


def _parse_four(folder: Path, file: Path) -> None:
    """Parse four contents under one name, a second after each other."""
    for number in range(4):
        file.write_bytes(b"abc\6de%d\0" % number)
        parse_cached(file, Parser())
        for found in folder.glob("*.pixels"):
            status = found.stat()
            os.utime(found, ns=(status.st_atime_ns, status.st_mtime_ns - 10**9))
