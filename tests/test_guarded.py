"""Files that someone else may have made: everything but arrays and JSON is refused."""

import errno
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.errors import TrustError
from hmnist.guarded import LARGEST_NUMBER, Expected, read_arrays, read_json, write_arrays

ARRAYS: dict[str, Any] = {
    "values": np.arange(12, dtype=np.float32).reshape(3, 4),
    "labels": np.array([1, 2], np.int64),
    "count": np.int64(7),
}
EXPECTED: Expected = {
    "values": ("<f4", (3, None)),
    "labels": ("<i8", (None,)),
    "count": ("<i8", ()),
}


def npy(array: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def rewrite(path: Path, values: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    """Replace the content of the first array."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("values.npy", values)
        for name in ("labels", "count"):
            archive.writestr(f"{name}.npy", npy(np.asarray(ARRAYS[name])))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "a.npz", ARRAYS)
    return tmp_path / "a.npz"


def test_arrays_come_back(path: Path) -> None:
    found = read_arrays(path, EXPECTED)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.asarray(array).dtype
    with np.load(path) as stored:  # anyone can read them
        np.testing.assert_array_equal(stored["values"], ARRAYS["values"])


def test_columns_first_is_written_rows_first(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", {"values": np.asfortranarray(ARRAYS["values"])})
    found = read_arrays(tmp_path / "a.npz", {"values": ("<f4", (3, 4))})
    np.testing.assert_array_equal(found["values"], ARRAYS["values"])


@pytest.mark.parametrize(
    "expected",
    [
        {"values": ("<f4", (3, None))},
        {**EXPECTED, "more": ("<f4", ())},
        {**EXPECTED, "values": ("<f4", (4, 3))},
        {**EXPECTED, "values": ("<f4", (12,))},
        {**EXPECTED, "values": ("<f8", (3, 4))},
        {**EXPECTED, "values": ("<i4", (3, 4))},
        {**EXPECTED, "count": ("<i8", (1,))},
    ],
)
def test_other_arrays_are_refused(path: Path, expected: Expected) -> None:
    with pytest.raises(TrustError, match=r"a\.npz is damaged: .*expected") as refused:
        read_arrays(path, expected)
    assert refused.value.hint == "Train it again."


WHOLE = npy(ARRAYS["values"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        WHOLE[:-1],
        WHOLE + b"0",
        WHOLE.replace(b"(3, 4)", b"(3, 9)"),
        WHOLE.replace(b"(3, 4), }  ", b"(3, 999999999), }"),
        WHOLE.replace(b"(3, 4)", b"[3, 4]"),
        WHOLE.replace(b"(3, 4)", b"(3,-4)"),
        WHOLE.replace(b"'<f4'", b"'|O' "),
        WHOLE.replace(b"False", b"True "),
        WHOLE.replace(b"NUMPY\x01", b"NUMPY\x03"),
        WHOLE.replace(b"{'", b"((" * 40),
        npy(np.array([[{}] * 4] * 3)),
        npy(np.full((3, 4), np.nan, np.float32)),
        npy(np.full((3, 4), -np.inf, np.float32)),
        npy(np.full((3, 4), 2 * LARGEST_NUMBER, np.float32)),
        npy(np.zeros((3, 4), ">f4")),
    ],
)
def test_damaged_arrays_are_refused(path: Path, content: bytes) -> None:
    rewrite(path, content)
    with pytest.raises(TrustError, match="is damaged"):
        read_arrays(path, EXPECTED)


def test_compressed_arrays_are_refused(path: Path) -> None:
    rewrite(path, npy(np.zeros((3, 10**6), np.float32)), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    with pytest.raises(TrustError, match="compressed"):
        read_arrays(path, EXPECTED)


def test_long_lists_of_arrays_are_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(1001):
            archive.writestr(f"{number}.npy", b"")
    with pytest.raises(TrustError, match="1,001 arrays"):
        read_arrays(path, EXPECTED)


@pytest.mark.parametrize("name", ["values", "labels"])
def test_an_array_stands_there_once(path: Path, name: str) -> None:
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(path, "a") as archive,
    ):
        archive.writestr(f"{name}.npy", npy(np.asarray(ARRAYS[name])))
    with pytest.raises(TrustError, match="it has the arrays"):
        read_arrays(path, EXPECTED)


def test_every_shortened_file_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(TrustError):
            read_arrays(path, EXPECTED)


def test_changed_bytes_are_refused_or_change_nothing_else(
    path: Path, rng: np.random.Generator
) -> None:
    content = path.read_bytes()
    for _ in range(400):
        changed = bytearray(content)
        for position in rng.integers(len(content), size=rng.integers(1, 4)):
            changed[position] = rng.integers(256)
        path.write_bytes(changed)
        try:
            found = read_arrays(path, EXPECTED)
        except TrustError:
            continue
        for name, array in ARRAYS.items():  # there are checksums
            np.testing.assert_array_equal(found[name], array)


def test_only_regular_files_are_opened(path: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.npz", tmp_path / "pipe.npz"
    link.symlink_to(path)
    os.mkfifo(pipe)
    (tmp_path / "folder.npz").mkdir()
    for refused in (link, pipe, tmp_path / "folder.npz", Path("/dev/zero")):
        for read in (lambda file: read_arrays(file, EXPECTED), read_json):
            with pytest.raises(TrustError, match=f"{refused.name} is damaged"):
                read(refused)
    with pytest.raises(TrustError, match=r"nothing\.npz is missing"):
        read_arrays(tmp_path / "nothing.npz", EXPECTED)
    with pytest.raises(TrustError, match="it is a link"):
        read_arrays(link, EXPECTED)


def test_a_process_with_too_many_open_files_finds_no_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match="Too many open files") as caught:
        read_arrays(path, EXPECTED)
    assert not isinstance(caught.value, TrustError)


def test_a_file_that_may_not_be_read_is_not_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)
    for read in (lambda file: read_arrays(file, EXPECTED), read_json):
        with pytest.raises(TrustError, match=r"a\.npz cannot be read: Permission denied") as caught:
            read(path)
        assert "damaged" not in str(caught.value)
        assert caught.value.hint == "Check its permissions."


def test_the_reader_says_what_cures_damage(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    for content in (None, "{"):
        if content:
            path.write_text(content)
        with pytest.raises(TrustError) as caught:
            read_json(path, cure="Export it again.")
        assert caught.value.hint == "Export it again."


def test_large_files_are_refused(path: Path) -> None:
    size = path.stat().st_size
    assert read_arrays(path, EXPECTED, limit=size)
    with pytest.raises(TrustError, match=f"it has {size:,} bytes, and {size - 1:,} are allowed"):
        read_arrays(path, EXPECTED, limit=size - 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[NaN]", b"\xff\xfe", b"[" * 10**6, b'{"a":' * 10**5, b"1e999999 2", b"\0"],
)
def test_what_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": [1, null]}')
    assert read_json(path) == {"a": [1, None]}
    path.write_bytes(content)
    with pytest.raises(TrustError, match="is damaged"):
        read_json(path)


@pytest.mark.parametrize(
    "text",
    [
        '"' + "n" * 2001 + '"',
        '{"' + "n" * 2001 + '": 1}',
        '"a\\u001b[2J"',
        "1e13",
        "-1" + "0" * 30,
        "[" * 17 + "]" * 17,
        "[" + "1," * 10_000 + "1]",
    ],
)
def test_json_that_no_file_of_ours_holds_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(TrustError, match="too") as caught:
        read_json(tmp_path / "file.json")
    assert len(str(caught.value)) < 400
    assert "\x1b" not in str(caught.value)


def test_usual_json_is_read(tmp_path: Path) -> None:
    content = {"name": "é" * 2000, "numbers": [1, -2.5, 1e12], "none": None, "yes": True}
    (tmp_path / "file.json").write_text(json.dumps(content), encoding="utf-8")
    assert read_json(tmp_path / "file.json") == content
