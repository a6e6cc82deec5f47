import codecs
import gzip
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.errors import DataError, DataMissingError, DataWarning
from hmnist.sources.header import image_shape
from hmnist.sources.pixel_csv import read_pixel_csv
from tests.conftest import Command

Change = Callable[[str], str]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "cache"))


def make_table(
    rows: int = 20, pixels: int = 64
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    random = np.random.default_rng(5)
    return random.integers(0, 256, (rows, pixels), dtype=np.uint8), np.arange(rows) % 7


def make_text(pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> str:
    header = [f"pixel{index:04d}" for index in range(pixels.shape[1])] + ["label"]
    lines = [",".join(map(str, [*row, label])) for row, label in zip(pixels, labels, strict=True)]
    return "\n".join([",".join(header), *lines]) + "\n"


def write(folder: Path, content: str | bytes, name: str = "hmnist_8_8_L.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# Files that are read


@pytest.mark.parametrize(
    ("pixels", "shape"),
    [(2352, (28, 28, 3)), (784, (28, 28, 1)), (192, (8, 8, 3)), (64, (8, 8, 1)), (3, (1, 1, 3))],
)
def test_shape_follows_from_the_header(tmp_path: Path, pixels: int, shape: tuple[int, ...]) -> None:
    table, labels = make_table(9, pixels)
    images, read_labels = read_pixel_csv(write(tmp_path, make_text(table, labels), "data.csv"))
    assert images.shape == (9, *shape)
    assert images.dtype == np.uint8
    assert read_labels.dtype == np.int64
    np.testing.assert_array_equal(images.reshape(9, -1), table)
    np.testing.assert_array_equal(read_labels, labels)


@pytest.mark.parametrize(
    ("pixels", "name", "shape"),
    [
        (22500, "hmnist_75_100_RGB.csv", (75, 100, 3)),
        (22500, "hmnist_150_150_L.csv.gz", (150, 150, 1)),
        (7500, "mine-75x100.csv", (75, 100, 1)),
        (6, "a_2_3_L.csv", (2, 3, 1)),
        (6, "2024_2x1.csv", (2, 1, 3)),
        (2352, "hmnist_8_8_L.csv", (28, 28, 3)),
        (48, "from_1_4_4.csv", (4, 4, 3)),
    ],
)
def test_name_decides_the_shape_where_it_fits(
    pixels: int, name: str, shape: tuple[int, ...]
) -> None:
    assert image_shape(pixels, Path(name)) == shape


@pytest.mark.parametrize(("pixels", "message"), [(22500, "may be 150×150"), (65, "no square")])
def test_unclear_shape_is_refused(pixels: int, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        image_shape(pixels, Path("pixels.csv"))
    assert "_RGB.csv" in caught.value.hint


HARMLESS: dict[str, Callable[[str], bytes]] = {
    "as it should be": lambda text: text.encode(),
    "no line end at the end": lambda text: text.rstrip("\n").encode(),
    "empty lines at the end": lambda text: (text + "\n\n\n").encode(),
    "windows line ends": lambda text: text.replace("\n", "\r\n").encode(),
    "windows line ends, open end": lambda text: text.replace("\n", "\r\n").encode()[:-2],
    "windows line ends, empty lines": lambda text: (text + "\n\n").replace("\n", "\r\n").encode(),
    "byte order mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "quoted header": lambda text: text.replace("label", '"label"').encode(),
    "all quoted": lambda text: "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()
    ).encode(),
    "short names": lambda text: (
        text.replace("pixel000", "pixel").replace("pixel00", "pixel").encode()
    ),
    "spaces before numbers": lambda text: text.replace("\n", "\n ").rstrip(" ").encode(),
    "leading zeros": lambda text: text.replace("\n1", "\n001").encode(),
    "floats without a fraction": lambda text: text.replace(",0\n", ",0.0\n").encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip in two members": lambda text: (
        gzip.compress(text[:99].encode()) + gzip.compress(text[99:].encode())
    ),
    "old mac line ends": lambda text: text.replace("\n", "\r").encode(),
    "old mac line ends, open end": lambda text: text.replace("\n", "\r").encode()[:-1],
    "old mac line ends, gzip": lambda text: gzip.compress(text.replace("\n", "\r").encode()),
    "windows line ends written twice": lambda text: text.replace("\n", "\r\r\n").encode(),
    "spaces around names": lambda text: text.replace(",label", " , label ", 1).encode(),
    "comma after the header": lambda text: text.replace("label", "label,", 1).encode(),
    "excel's first line": lambda text: f"sep=,\r\n{text}".encode(),
    "end mark": lambda text: f"{text}\x1a".encode(),
    "end mark in the last row": lambda text: f"{text.rstrip()}\x1a".encode(),
}


@pytest.mark.parametrize("spelled", HARMLESS.values(), ids=HARMLESS)
def test_harmless_spellings_are_read(tmp_path: Path, spelled: Callable[[str], bytes]) -> None:
    table, labels = make_table()
    images, read_labels = read_pixel_csv(write(tmp_path, spelled(make_text(table, labels))))
    np.testing.assert_array_equal(images.reshape(20, -1), table)
    np.testing.assert_array_equal(read_labels, labels)


def put_before(text: str, cells: Iterable[str]) -> str:
    """Put a cell in front of every line."""
    lines = zip(cells, text.splitlines(), strict=True)
    return "".join(f"{cell},{line}\n" for cell, line in lines)


INDEX = [str(number) for number in range(20)]

LEFT_OUT: dict[str, tuple[Change, str]] = {
    "index": (lambda text: put_before(text, ["", *INDEX]), "the index of a row (20×)"),
    "index read and saved": (
        lambda text: put_before(text, ["Unnamed: 0", *INDEX]),
        "the index of a row (20×)",
    ),
    "named index": (lambda text: put_before(text, ["index", *INDEX]), "the index of a row (20×)"),
    "comma after every line": (
        lambda text: text.replace("\n", ",\n"),
        "an empty cell at the end of a row (20×)",
    ),
    "comma after every row": (
        lambda text: text.replace("\n", ",\n").replace(",\n", "\n", 1),
        "an empty cell at the end of a row (20×)",
    ),
    "rows of commas": (
        lambda text: text + f"{',' * 64}\n" * 3,
        "a row of empty cells at the end (3×)",
    ),
    "all of excel": (
        lambda text: f"sep=,\n{text}{',' * 64}\n\x1a",
        "a row of empty cells at the end (1×)",
    ),
    "index and commas": (
        lambda text: put_before(text, ["", *INDEX]).replace("\n", ",\n"),
        "an empty cell at the end of a row (20×), the index of a row (20×)",
    ),
}


@pytest.mark.parametrize(("change", "note"), LEFT_OUT.values(), ids=LEFT_OUT)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_what_is_no_image_is_left_out_and_named(
    tmp_path: Path, change: Change, note: str, ending: str
) -> None:
    table, labels = make_table()
    path = write(tmp_path, change(make_text(table, labels)).replace("\n", ending))
    with pytest.warns(DataWarning) as caught:
        images, read_labels = read_pixel_csv(path)
    assert [str(each.message) for each in caught] == [
        f"{path}: left out what is not an image: {note}."
    ]
    np.testing.assert_array_equal(images.reshape(20, -1), table)
    np.testing.assert_array_equal(read_labels, labels)


def test_what_is_left_out_is_said_on_the_command_line(tmp_path: Path, command: Command) -> None:
    path = write(tmp_path, put_before(make_text(*make_table()), ["", *INDEX]))
    done = command("data", "info", path)
    assert done.code == 0
    assert f"Warning: {path}: left out what is not an image: the index of a row (20×)." in done.err


def test_scientific_notation_is_a_number(tmp_path: Path) -> None:
    path = write(tmp_path, "pixel0,label\n1e2,4\n2.5e1,0\n", "data.csv")
    images, _ = read_pixel_csv(path)
    assert images.ravel().tolist() == [100, 25]


def test_rows_may_be_larger_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, labels = make_table(30)
    path = write(tmp_path, make_text(table, labels))
    for block in (1, 7, 64, 300, 4096):
        monkeypatch.setattr("hmnist.sources.pixel_csv.BLOCK", block)
        images, read_labels = read_pixel_csv(path)
        np.testing.assert_array_equal(images.reshape(30, -1), table)
        np.testing.assert_array_equal(read_labels, labels)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), rows=st.integers(1, 12), shape=st.sampled_from([1, 3, 4, 12, 27, 64]))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, rows: int, shape: int
) -> None:
    drawn = data.draw(st.binary(min_size=rows * shape, max_size=rows * shape))
    table = np.frombuffer(drawn, np.uint8).reshape(rows, shape)
    labels = np.array(data.draw(st.lists(st.integers(0, 6), min_size=rows, max_size=rows)))
    folder = tmp_path_factory.mktemp("pixels")
    images, read_labels = read_pixel_csv(write(folder, make_text(table, labels), "data.csv"))
    np.testing.assert_array_equal(images.reshape(rows, -1), table)
    np.testing.assert_array_equal(read_labels, labels)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_progress_ends_at_the_size_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr("hmnist.sources.pixel_csv.BLOCK", 512)
    path = write(tmp_path, pack(make_text(*make_table()).encode()))
    steps: list[tuple[int, int]] = []
    read_pixel_csv(path, lambda done, total: steps.append((done, total)))
    size = path.stat().st_size
    assert len(steps) > 1
    assert steps == sorted(steps)
    assert {total for _, total in steps} == {size}
    assert steps[-1][0] == size


@pytest.mark.parametrize("spelled", HARMLESS.values(), ids=HARMLESS)
def test_an_interrupted_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelled: Callable[[str], bytes]
) -> None:
    monkeypatch.setattr("hmnist.sources.cache.SMALLEST_FILE", 0)
    monkeypatch.setattr("hmnist.sources.cache.SETTLED", -(10**18))
    monkeypatch.setattr("hmnist.sources.entry.CHUNK", 900)
    monkeypatch.setattr("hmnist.sources.pixel_csv.BLOCK", 300)
    table, labels = make_table()
    path = write(tmp_path, spelled(make_text(table, labels)))

    def interrupt(done: int, total: int) -> None:
        if done > total * 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_pixel_csv(path, interrupt)
    for _ in range(2):
        images, read_labels = read_pixel_csv(path)
        np.testing.assert_array_equal(images.reshape(20, -1), table)
        np.testing.assert_array_equal(read_labels, labels)


def test_a_mistake_behind_plain_rows_is_named_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.sources.cache.SMALLEST_FILE", 0)
    monkeypatch.setattr("hmnist.sources.cache.SETTLED", -(10**18))
    monkeypatch.setattr("hmnist.sources.entry.CHUNK", 900)
    monkeypatch.setattr("hmnist.sources.pixel_csv.BLOCK", 300)
    path = write(tmp_path, edit(18, 5, "abc")(make_text(*make_table())))
    for _ in range(2):
        with pytest.raises(DataError, match=r"row 17 \(line 19\), column pixel0005: found 'abc'"):
            read_pixel_csv(path)


def _read_by_hand(text: str) -> list[list[int]] | None:
    """The rows of a file of whole numbers, None if there is any doubt about it."""
    rows = [line.split(",") for line in text.rstrip("\r\n").replace("\r\n", "\n").split("\n")[1:]]
    if any(not cell.strip(" ").isdecimal() for row in rows for cell in row):
        return None
    values = [[int(cell) for cell in row] for row in rows]
    sound = all(len(row) == 5 and max(row) < 256 and row[-1] < 7 for row in values)
    return values if sound else None


@settings(max_examples=150, deadline=None)
@given(
    at=st.integers(46, 105),
    cut=st.integers(0, 4),
    patch=st.text(alphabet='0123456789,\n\r .-"eé\0', max_size=4),
)
def test_a_damaged_row_is_read_correctly_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, cut: int, patch: str
) -> None:
    text = make_text(*make_table(4, 4))
    text = text[:at] + patch + text[at + cut :]
    path = write(tmp_path_factory.mktemp("pixels"), text, "data.csv")
    expected = _read_by_hand(text)
    try:
        with warnings.catch_warnings(action="ignore", category=DataWarning):
            images, labels = read_pixel_csv(path)
    except DataError:
        assert expected is None
    else:
        rows = np.column_stack([images.reshape(len(images), -1), labels]).tolist()
        assert expected is None or rows == expected


# Files that are refused, and the messages


def edit(row: int, column: int, cell: str) -> Change:
    def change(text: str) -> str:
        lines = [line.split(",") for line in text.splitlines()]
        lines[row][column] = cell
        return "\n".join(map(",".join, lines)) + "\n"

    return change


def drop_column(column: int) -> Change:
    def change(text: str) -> str:
        lines = [line.split(",") for line in text.splitlines()]
        return "\n".join(",".join(line[:column] + line[column + 1 :]) for line in lines) + "\n"

    return change


def reorder(*order: int) -> Change:
    def change(text: str) -> str:
        lines = [line.split(",") for line in text.splitlines()]
        rest = [column for column in range(65) if column not in order]
        return "\n".join(",".join(line[c] for c in [*order, *rest]) for line in lines) + "\n"

    return change


def each_row(header: str, rows: str) -> Change:
    """Put something behind the header and behind every row."""

    def change(text: str) -> str:
        head, *lines = text.splitlines()
        return "\n".join([head + header, *(line + rows for line in lines)]) + "\n"

    return change


def resize(row: int, cells: int) -> Change:
    def change(text: str) -> str:
        lines = text.splitlines()
        lines[row] = ",".join([*lines[row].split(","), "1"][:cells])
        return "\n".join(lines) + "\n"

    return change


MALFORMED: dict[str, tuple[Change, list[str]]] = {
    # columns
    "missing pixel": (drop_column(7), ["no column 'pixel0007'"]),
    "missing last pixel": (drop_column(63), ["63 pixel columns", "no square image"]),
    "missing label": (drop_column(64), ["no column 'label'", "'pixel0063'"]),
    "label only": (lambda _: "label\n4\n", ["no pixel columns"]),
    "extra column": (each_row(",lesion", ",9"), ["column 66 of 66 is 'lesion'"]),
    "extra unnamed column": (each_row(",", ",1"), ["row 0 (line 2) is too long"]),
    "unnamed column in the middle": (edit(0, 9, ""), ["column 10 of 65 is ''", "index=False"]),
    "index of other rows": (
        lambda text: put_before(text, ["", *INDEX[::-1]]),
        ["row 0 (line 2), column 1, the index: found '19'; expected 0", "index=False"],
    ),
    "index with a gap": (
        lambda text: put_before(text, ["", *INDEX[:7], *INDEX[8:], "20"]),
        ["row 7 (line 9), column 1, the index: found '8'; expected 7"],
    ),
    "mistake behind an index": (
        lambda text: put_before(edit(3, 5, "abc")(text), ["", *INDEX]),
        ["row 2 (line 4), column pixel0005: found 'abc'"],
    ),
    "reordered behind an index": (
        lambda text: put_before(reorder(0, 2, 1)(text), ["", *INDEX]),
        ["column 3 is 'pixel0002'", "expected 'pixel0001'"],
    ),
    "two indices": (
        lambda text: put_before(put_before(text, ["", *INDEX]), ["", *INDEX]),
        ["column 2 repeats ''"],
    ),
    "two empty cells after every row": (each_row("", ",,"), ["row 0 (line 2) is too long"]),
    "row of commas in the middle": (
        lambda text: text.replace("\n", f"\n{',' * 64}\n", 1),
        ["row 0 (line 2) is empty, and more rows follow"],
    ),
    "repeated pixel": (edit(0, 9, "pixel0008"), ["column 10 repeats 'pixel0008'", "column 9"]),
    "repeated label": (edit(0, 9, "label"), ["column 65 repeats 'label'"]),
    "reordered pixels": (reorder(0, 2, 1), ["column 2 is 'pixel0002'", "expected 'pixel0001'"]),
    "label first": (reorder(64), ["column 1 is 'label'", "expected 'pixel0000'"]),
    "pixels from 1": (edit(0, 0, "pixel0064"), ["no column 'pixel0000'"]),
    "other capitals": (edit(0, 0, "Pixel0000"), ["column 1 of 65 is 'Pixel0000'"]),
    "no header": (lambda text: text.split("\n", 1)[1], ["no header"]),
    "too many columns": (lambda _: "," * 2**23, ["the first line is too long"]),
    "semicolons": (lambda text: text.replace(",", ";"), ["separated by ';'"]),
    "header without rows": (lambda text: text.split("\n")[0] + "\n", ["a header and no rows"]),
    "header without line end": (lambda text: text.split("\n")[0], ["a header and no rows"]),
    "header and empty lines": (lambda text: text.split("\n")[0] + "\n\n\n", ["no rows"]),
    # cells
    "text": (edit(3, 5, "abc"), ["row 2 (line 4), column pixel0005: found 'abc'", "0–255"]),
    "NaN": (edit(3, 5, "nan"), ["row 2 (line 4), column pixel0005: found 'nan'"]),
    "empty cell": (edit(3, 5, ""), ["row 2 (line 4), column pixel0005: the cell is empty"]),
    "blank cell": (edit(3, 0, "  "), ["row 2 (line 4), column pixel0000: the cell is empty"]),
    "float": (edit(3, 5, "12.5"), ["row 2 (line 4), column pixel0005: found '12.5'"]),
    "negative": (edit(3, 5, "-1"), ["row 2 (line 4), column pixel0005: found '-1'"]),
    "too large": (edit(3, 5, "256"), ["row 2 (line 4), column pixel0005: found '256'"]),
    "far too large": (edit(3, 5, "1000"), ["column pixel0005: found '1000'"]),
    "endless number": (edit(3, 5, "1" * 5000), ["column pixel0005: found '1111"]),
    "infinite": (edit(3, 5, "1e999"), ["column pixel0005: found '1e999'"]),
    "underscore": (edit(3, 5, "1_0"), ["column pixel0005: found '1_0'"]),
    "other digits": (edit(3, 5, "٣"), ["column pixel0005: found '٣'"]),
    "last row": (edit(20, 63, "x"), ["row 19 (line 21), column pixel0063"]),
    "first of two": (
        lambda text: edit(4, 9, "300")(edit(9, 2, "x")(text)),
        ["row 3 (line 5), column pixel0009: found '300'"],
    ),
    "label 7": (edit(8, 64, "7"), ["row 7 (line 9), column label: found '7'", "0–6", "4 nv"]),
    "label -1": (edit(8, 64, "-1"), ["column label: found '-1'"]),
    "label text": (edit(8, 64, "nv"), ["row 7 (line 9), column label: found 'nv'", "6 mel"]),
    "label empty": (edit(8, 64, ""), ["row 7 (line 9), column label: the cell is empty"]),
    # rows
    "row too short": (resize(6, 60), ["row 5 (line 7) is too short: 60 cells", "65"]),
    "row too long": (resize(6, 66), ["row 5 (line 7) is too long: 66 cells"]),
    "first row too long": (resize(1, 66), ["row 0 (line 2) is too long: 66 cells"]),
    "last row too short": (resize(20, 60), ["row 19 (line 21), the last, is cut off"]),
    "every row too long": (each_row("", ",1"), ["row 0 (line 2) is too long", "so is the next"]),
    "every row too short": (
        lambda text: text.replace("pixel0000", "pixel0000,pixel0001", 1),
        ["column 3 repeats 'pixel0001'"],
    ),
    "truncated last line": (
        lambda text: text[: text.rindex("\n", 0, -1) + 60],
        ["row 19 (line 21), the last, is cut off", "ends too early"],
    ),
    "truncated before the label": (lambda text: text[:-2], ["the last, is cut off: it has 64 of"]),
    "empty line between rows": (
        lambda text: text.replace("\n", "\n\n", 3).replace("\n\n", "\n", 2),
        ["row 2 (line 4) is empty"],
    ),
    "open quotation mark": (
        lambda text: edit(3, 5, '"1')(text) + "1,2\n" * 40_000,
        ["line 4 is not CSV: it has more than 69,696 characters", "quotation mark"],
    ),
    "quotation mark open to the end": (
        edit(3, 5, '"1'),
        ["line 4 is not CSV: unexpected end of data", "quotation mark"],
    ),
    "zero byte": (edit(3, 5, "1\0"), ["line 4 is not CSV: it contains zero bytes"]),
    "far too many cells": (resize(6, 66), ["row 5 (line 7) is too long"]),
    "endless line": (lambda text: text + "1," * 40_000, ["line 22 is not CSV", "69,696"]),
    "endless empty lines": (
        lambda text: text + "\n" * 600_000,
        ["more than 10,000 empty lines"],
    ),
}


@pytest.mark.parametrize(("change", "fragments"), MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_first_mistake_is_named(
    tmp_path: Path, change: Change, fragments: list[str], ending: str, packed: bool
) -> None:
    content = change(make_text(*make_table())).replace("\n", ending).encode()
    path = write(tmp_path, gzip.compress(content) if packed else content)
    with pytest.raises(DataError) as caught:
        read_pixel_csv(path)
    assert caught.value.exit_code == 3
    assert caught.value.message.startswith(str(path))
    assert caught.value.message.count("\n") == 0
    assert caught.value.hint
    for fragment in fragments:
        assert fragment in str(caught.value)


def test_pixels_scaled_to_one_are_recognised(tmp_path: Path) -> None:
    table, labels = make_table()
    text = make_text(table, labels).split("\n")[0] + "\n"
    text += "\n".join(",".join(map(str, row / 255)) + ",4" for row in table)
    with pytest.raises(DataError, match="Multiply them by 255"):
        read_pixel_csv(write(tmp_path, text))


TEXT = make_text(*make_table()).encode()
PACKED = gzip.compress(TEXT)

NOT_READABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "empty when unpacked": (gzip.compress(b""), "is empty"),
    "empty first line": (b"\n" + TEXT, "starts with an empty line"),
    "truncated gzip": (PACKED[:-100], "ends too early"),
    "gzip without its checksum": (PACKED[:-4], "ends too early"),
    "corrupt gzip": (PACKED[:900] + b"\x00\xff" * 9 + PACKED[918:], "damaged gzip"),
    "wrong checksum": (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "damaged gzip"),
    "only the gzip magic": (b"\x1f\x8b", "gzip"),
    "zip": (b"PK\x03\x04" + bytes(100), "is a ZIP archive"),
    "utf-16": (TEXT.decode().encode("utf-16"), "is UTF-16 text"),
    "web page": (b"<!DOCTYPE html>\n<html>\n", "is a web page"),
    "image": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not text"),
    "binary": (bytes(range(256)) * 9, "not text"),
    "zeros": (bytes(4096), "not text"),
    "latin-1 in a row": (TEXT.replace(b"\n", b"\n\xe9", 5), "is not text"),
}


@pytest.mark.parametrize(("content", "message"), NOT_READABLE.values(), ids=NOT_READABLE)
def test_files_that_are_no_pixel_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_pixel_csv(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_missing_file_suggests_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, "", "hmnist_28_28_RGB.csv.gz")
    with pytest.raises(DataMissingError, match="does not exist") as caught:
        read_pixel_csv(tmp_path / "hmnist_28_28_RBG.csv")
    assert "Did you mean" in caught.value.hint
    assert "hmnist_28_28_RGB.csv.gz" in caught.value.hint
    with pytest.raises(DataMissingError, match="no folder"):
        read_pixel_csv(tmp_path / "nowhere" / "data.csv")


def test_folder_is_refused_and_its_files_named(tmp_path: Path) -> None:
    write(tmp_path, TEXT)
    with pytest.raises(DataError, match="is a folder") as caught:
        read_pixel_csv(tmp_path)
    assert "hmnist_8_8_L.csv" in caught.value.hint


def test_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="pipe"):
        read_pixel_csv(tmp_path / "pipe.csv")


# Bombs: small files that unpack to what no images are


@pytest.fixture
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.sources.opening.UNPACKED_FREELY", 2**20)


BOMBS: dict[str, bytes] = {
    "one line": b"1" * 2**25,
    "one line of numbers": TEXT + b"0," * 2**24,
    "one header": b"pixel0," * 2**22,
    "commas": b"," * 2**25,
    "empty lines": TEXT + b"\n" * 2**25,
    "rows": TEXT + (b"0," * 64 + b"4\n") * 2**18,
    "rows of commas": TEXT + (b"," * 64 + b"\n") * 2**19,
    "one quotation": TEXT + b'"' + b"0\n" * 2**24,
}


@pytest.mark.usefixtures("_small_limits")
@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path, gzip.compress(content))
    with pytest.raises(DataError, match="unpacks to more than 50 times its size") as caught:
        read_pixel_csv(path)
    assert "HMNIST_TRUST_DATA=1" in caught.value.hint


@pytest.mark.usefixtures("_small_limits")
def test_rows_that_pack_well_are_read_if_they_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = TEXT + (b"0," * 64 + b"4\n") * 2**15
    assert len(read_pixel_csv(write(tmp_path, content))[0]) == 20 + 2**15
    path = write(tmp_path, gzip.compress(content))
    with pytest.raises(DataError, match="unpacks"):
        read_pixel_csv(path)
    monkeypatch.setenv("HMNIST_TRUST_DATA", "1")
    assert len(read_pixel_csv(path)[0]) == 20 + 2**15


@pytest.mark.usefixtures("_small_limits")
def test_random_images_are_no_bomb(tmp_path: Path) -> None:
    table, labels = make_table(6000)
    images, _ = read_pixel_csv(write(tmp_path, gzip.compress(make_text(table, labels).encode())))
    np.testing.assert_array_equal(images.reshape(6000, -1), table)


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The superuser may read everything, so the refusal is put in place by hand.
    path = write(tmp_path, TEXT)
    really_open = Path.open

    def refuse(self: Path, *args: object, **kwargs: object) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return really_open(self, *args, **kwargs)  # type: ignore[call-overload] # passed on

    monkeypatch.setattr(Path, "open", refuse)
    return path


def test_no_permission(locked: Path) -> None:
    with pytest.raises(DataError, match="could not be read: Permission denied"):
        read_pixel_csv(locked)
