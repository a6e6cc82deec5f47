import os
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.diagnoses import CODES
from hmnist.errors import DataError, DataMissingError
from hmnist.sources.medmnist import read_medmnist

# DermaMNIST's classes as the paper on MedMNIST lists them, independent of the package.
DERMAMNIST = {0: "akiec", 1: "bcc", 2: "bkl", 3: "df", 4: "mel", 5: "nv", 6: "vasc"}


def make_arrays(grey: bool = False) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(3)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for prefix, rows in (("train", 14), ("val", 7), ("test", 9)):
        shape = (rows, 8, 8) if grey else (rows, 8, 8, 3)
        arrays[f"{prefix}_images"] = random.integers(0, 256, shape, dtype=np.uint8)
        arrays[f"{prefix}_labels"] = (np.arange(rows, dtype=np.uint8) % 7)[:, None]
    return arrays


def write(folder: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> Path:
    path = folder / "dermamnist.npz"
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type] # the stubs take ** for options
    return path


def test_parts_labels_and_pixels(tmp_path: Path) -> None:
    arrays = make_arrays()
    data = read_medmnist(write(tmp_path, arrays))
    assert data.name == "dermamnist.npz"
    assert data.image_shape == (8, 8, 3)
    assert data.lesion_ids is None
    assert data.metadata is None
    assert data.own_split is not None
    for part, prefix in (("train", "train"), ("validation", "val"), ("test", "test")):
        chosen = data.own_split == part
        np.testing.assert_array_equal(data.images[chosen], arrays[f"{prefix}_images"])
        codes = [CODES[label] for label in data.labels[chosen]]
        assert codes == [DERMAMNIST[int(label)] for label in arrays[f"{prefix}_labels"].ravel()]


def test_grey_images_get_a_channel(tmp_path: Path) -> None:
    assert read_medmnist(write(tmp_path, make_arrays(grey=True))).image_shape == (8, 8, 1)


def test_flat_labels_and_more_arrays_are_accepted(tmp_path: Path) -> None:
    arrays = make_arrays()
    arrays["val_labels"] = arrays["val_labels"].ravel().astype(np.int32)
    arrays["note"] = np.array(["anything"])
    assert len(read_medmnist(write(tmp_path, arrays))) == 30


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "missing array": ({"val_labels": None}, "no array 'val_labels'; it holds train_images"),
    "float pixels": ({"test_images": np.zeros((9, 8, 8, 3))}, "test_images is float64"),
    "volumes": ({"train_images": np.zeros((14, 8, 8, 8), np.uint8)}, r"shape \(14, 8, 8, 8\)"),
    "flat pixels": ({"train_images": np.zeros((14, 192), np.uint8)}, r"shape \(14, 192\)"),
    "no pixels": ({"val_images": np.zeros((7, 8, 0, 3), np.uint8)}, r"shape \(7, 8, 0, 3\)"),
    "no images": (
        {"val_images": np.zeros((0, 8, 8, 3), np.uint8), "val_labels": np.zeros((0, 1), int)},
        r"shape \(0, 8, 8, 3\)",
    ),
    "NaN labels": ({"val_labels": np.full((7, 1), np.nan)}, "val_labels is float64"),
    "far too large label": (
        {"val_labels": np.full((7, 1), 2**64 - 1, np.uint64)},
        "not DermaMNIST: its labels are -1, 0",
    ),
    "other size": ({"val_images": np.zeros((7, 9, 9, 3), np.uint8)}, "different shapes"),
    "too few labels": ({"val_labels": np.zeros((6, 1), int)}, r"expected .*\(7, 1\)"),
    "many labels each": ({"val_labels": np.zeros((7, 14), int)}, r"shape \(7, 14\)"),
    "float labels": ({"val_labels": np.zeros((7, 1))}, "val_labels is float64"),
    "objects": ({"val_labels": np.array([[{}]] * 7, dtype=object)}, "could not be read"),
    "label 7": ({"train_labels": np.arange(14)[:, None] % 8}, "not DermaMNIST.*6, 7; expected"),
    "label -1": ({"val_labels": np.full((7, 1), -1)}, "not DermaMNIST: its labels are -1, 0"),
    "two classes": (
        {
            f"{part}_labels": np.arange(n) % 2
            for part, n in (("train", 14), ("val", 7), ("test", 9))
        },
        "not DermaMNIST: its labels are 0, 1; expected each of 0–6",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_other_arrays_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    arrays = {
        name: values for name, values in (make_arrays() | changes).items() if values is not None
    }
    path = write(tmp_path, arrays)
    with pytest.raises(DataError, match=message) as caught:
        read_medmnist(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 3


def test_order_in_memory_and_byte_order_do_not_matter(tmp_path: Path) -> None:
    arrays = make_arrays()
    expected = read_medmnist(write(tmp_path, arrays)).digest
    arrays["train_images"] = np.asfortranarray(arrays["train_images"])
    arrays["train_labels"] = arrays["train_labels"].astype(">i4")
    arrays["val_labels"] = np.asfortranarray(arrays["val_labels"].astype("<u2"))
    assert read_medmnist(write(tmp_path, arrays)).digest == expected


def change_member(path: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of an array in an archive that stays sound."""
    with zipfile.ZipFile(path) as archive:
        contents = {each: archive.read(each) for each in archive.namelist()}
    contents[f"{name}.npy"] = change(contents[f"{name}.npy"])
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in contents.items():
            archive.writestr(member, content)


def with_header(text: str) -> Callable[[bytes], bytes]:
    """Replace the header of an array."""
    header = text.encode("latin-1").ljust(117) + b"\n"
    return lambda content: content[:8] + struct.pack("<H", len(header)) + header + content[128:]


def shaped(shape: str, dtype: str = "|u1") -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"


HEADERS = {
    "huge": shaped("(1000000000000, 8, 8, 3)"),
    "beyond 64 bits": shaped("(4294967296, 4294967296, 4294967296)"),
    "negative": shaped("(-14, -8, 8, 3)"),
    "one too many": shaped("(15, 8, 8, 3)"),
    "one too few": shaped("(13, 8, 8, 3)"),
    "no tuple": shaped("14"),
    "texts": shaped("('14', 8, 8, 3)"),
    "objects": shaped("(14, 8, 2, 1)", "|O"),
    "no type": shaped("(14, 8, 8, 3)", "|X9"),
    "nothing in each": shaped("(14, 8, 8, 3)", "|V0"),
    "fields": "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (14, 8, 8, 3)}",
    "no dictionary": "[]",
    "open bracket": "{'descr': (",
    "deep": "(" * 110,
    "zero byte": "{'descr': '\0'",
    "call": "__import__('os').abort()",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_impossible_headers_are_refused(tmp_path: Path, header: str) -> None:
    path = write(tmp_path, make_arrays())
    change_member(path, "train_images", with_header(header))
    with pytest.raises(DataError) as caught:
        read_medmnist(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:0],
        lambda content: content[:7],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"\x93NUMPY\x09\x00" + content[8:],
        lambda content: b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + content[12:],
        lambda content: b"\x80\x04N." + content,
    ],
)
def test_members_that_are_no_arrays_are_refused(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    path = write(tmp_path, make_arrays())
    change_member(path, "val_labels", change)
    with pytest.raises(DataError, match=r"could not be read as an \.npz file"):
        read_medmnist(path)


def test_an_array_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, make_arrays())
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("val_labels.npy", archive.read("val_labels.npy"))
    with pytest.raises(DataError, match="more than one array 'val_labels'"):
        read_medmnist(path)


def test_bytes_before_the_archive_do_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path, make_arrays())
    expected = read_medmnist(path).digest
    np.save(tmp_path / "one.npy", np.zeros(3))
    path.write_bytes((tmp_path / "one.npy").read_bytes() + path.read_bytes())
    assert read_medmnist(path).digest == expected


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.sources.opening.UNPACKED_FREELY", 2**20)
    arrays = make_arrays()
    arrays["train_images"] = np.zeros((14, 256, 1024, 3), np.uint8)
    path = write(tmp_path, arrays)
    with pytest.raises(DataError, match="unpacks to more than 50 times its size") as caught:
        read_medmnist(path)
    assert "HMNIST_TRUST_DATA=1" in caught.value.hint
    monkeypatch.setenv("HMNIST_TRUST_DATA", "1")
    with pytest.raises(DataError, match="different shapes"):
        read_medmnist(path)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(DataError, match="pipe"):
        read_medmnist(tmp_path / "pipe.npz")


@pytest.mark.parametrize("kept", [0, 10, 500, -30])
def test_cut_off_file(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path, make_arrays())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"could not be read as an \.npz file"):
        read_medmnist(path)


def test_flipped_bits_are_refused_or_harmless(tmp_path: Path) -> None:
    path = write(tmp_path, make_arrays())
    content, expected = path.read_bytes(), read_medmnist(path).digest
    refused = 0
    for index in range(0, len(content), len(content) // 60):
        flipped = bytes([content[index] ^ 0x55])
        path.write_bytes(content[:index] + flipped + content[index + 1 :])
        try:
            assert read_medmnist(path).digest == expected
        except DataError:
            refused += 1
    assert refused > 40


def test_other_files_under_that_name(tmp_path: Path) -> None:
    path = tmp_path / "dermamnist.npz"
    with pytest.raises(DataMissingError, match="does not exist"):
        read_medmnist(path)
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(path)
    with pytest.raises(DataError, match="not a zip file"):
        read_medmnist(path)
