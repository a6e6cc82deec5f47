"""Files that are changed at random are read, or refused with one sentence; never anything else.

``FUZZ_CASES=2000 pytest tests/sources/test_mutations.py`` looks longer.
"""

import gzip
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hmnist.cli.settings import read_settings
from hmnist.errors import DataError, UsageError
from hmnist.files import cache_folder
from hmnist.sources import cache, load
from hmnist.sources.images import read_photograph
from hmnist.sources.metadata import read_metadata
from hmnist.splits.split_file import read_split_file

CASES = int(os.environ.get("FUZZ_CASES", "12"))  # of each kind

PIECES = [
    b"\0", b"\r", b"\n", b"\r\n", b'"', b",", b",,,", b"=", b"[", b"{", b"\x1a", b"\xff\xfe", b"-1",
    b"1e999", b"nan", b"\xef\xbb\xbf", b"99999999999999999999", b"PK\x03\x04", b"\x1f\x8b", b"a.a",
    b"\xff" * 4, b"\xff" * 8, b"sep=,\n", b"(", b"'", b"label", b"pixel0000", b"0", b"\x80\x04N.",
]  # fmt: skip


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a few places: bits, pieces put in, taken out or repeated, an end cut off."""
    for _ in range(rng.integers(1, 5)):
        start, end = np.sort(rng.integers(0, len(content) + 1, 2)).tolist()
        part = content[start:end]
        near = min(end, start + int(rng.integers(1, 9)))
        flipped = bytes(byte ^ int(1 << rng.integers(8)) for byte in content[start:near])
        content = [
            content[:start] + flipped + content[near:],
            content[:start] + PIECES[rng.integers(len(PIECES))] + content[start:],
            content[:start] + PIECES[rng.integers(len(PIECES))] + content[near:],
            content[:start] + content[near:],
            content[:start] + part[:300] + content[start:],
            content[:start] + rng.bytes(6) + content[near:],
            content[:start] if rng.random() < 0.2 else content,
        ][rng.integers(7)]
    return content


def pixel_file() -> bytes:
    rows = np.random.default_rng(1).integers(0, 256, (9, 12))
    names = [f"pixel{index:04d}" for index in range(12)]
    lines = [[*names, "label"], *([*row, row[0] % 7] for row in rows.tolist())]
    return "".join(",".join(map(str, line)) + "\n" for line in lines).encode()


def indexed_pixel_file() -> bytes:
    lines = zip(["", *range(9)], pixel_file().decode().splitlines(), strict=True)
    return "".join(f"{index},{line},\r\n" for index, line in lines).encode()


def metadata_file() -> bytes:
    rows = [f"L_{row // 2},I_{row},nv,histo,{row}0,male,back\n" for row in range(9)]
    return "".join(["lesion_id,image_id,dx,dx_type,age,sex,localization\n", *rows]).encode()


def split_file() -> bytes:
    return "".join(["row,part\n", *(f"{row},train\n" for row in range(9))]).encode()


def npz(save: Callable[..., None]) -> Callable[[], bytes]:
    def make() -> bytes:
        rng, file = np.random.default_rng(2), io.BytesIO()
        arrays: dict[str, npt.NDArray[np.uint8]] = {}
        for part in ("train", "val", "test"):
            arrays[f"{part}_images"] = rng.integers(0, 256, (7, 3, 3, 3), dtype=np.uint8)
            arrays[f"{part}_labels"] = np.arange(7, dtype=np.uint8)[:, None]
        save(file, **arrays)
        return file.getvalue()

    return make


def photograph(kind: str) -> Callable[[], bytes]:
    def make() -> bytes:
        pixels = np.random.default_rng(3).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        file, exif = io.BytesIO(), Image.Exif()
        exif[274] = 6
        Image.fromarray(pixels).save(file, kind, exif=exif)
        return file.getvalue()

    return make


def settings_file() -> bytes:
    return b'effort = "quick"\nseeds = 3\nmodels = ["cnn", "mlp"]\n[set.cnn]\nepochs = 20\n'


def read_split(path: Path) -> None:
    read_split_file(path, 9, None)


def read_picture(path: Path) -> None:
    read_photograph(path, (4, 4, 3))


def npy_header() -> bytes:
    file = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (7, 3, 3, 3)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def read_below_header(path: Path) -> object:
    """Read an archive that is sound but for the header of an array, which the file holds."""
    header = path.read_bytes()
    path.write_bytes(npz(np.savez)())
    with ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["train_images.npy"] = header + members["train_images.npy"][128:]
    with ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return load(path)


def refusal(read: Callable[[Path], object], path: Path) -> str:
    """Return the sentence with which a file is refused, empty if it is read."""
    try:
        read(path)
    except (DataError, UsageError) as error:
        return error.message
    return ""


KINDS: dict[str, tuple[str, Callable[[], bytes], Callable[[Path], object]]] = {
    "pixels": ("a.csv", pixel_file, load),
    "pixels with an index": ("a.csv", indexed_pixel_file, load),
    "packed pixels": ("a.csv.gz", lambda: gzip.compress(pixel_file()), load),
    "metadata": ("m.csv", metadata_file, read_metadata),
    "split": ("s.csv", split_file, read_split),
    "npz": ("d.npz", npz(np.savez), load),
    "packed npz": ("d.npz", npz(np.savez_compressed), load),
    "header in an npz": ("d.npz", npy_header, read_below_header),
    "settings": ("hmnist.toml", settings_file, read_settings),
    **{
        kind: (f"p.{kind.lower()}", photograph(kind), read_picture)
        for kind in ("JPEG", "PNG", "TIFF", "WEBP", "BMP")
    },
}


@pytest.mark.parametrize(("name", "make", "read"), KINDS.values(), ids=KINDS)
def test_a_changed_file_is_read_or_refused_with_a_sentence(
    tmp_path: Path, name: str, make: Callable[[], bytes], read: Callable[[Path], object]
) -> None:
    path, content = tmp_path / name, make()
    path.write_bytes(content)
    with warnings.catch_warnings(action="ignore"):
        read(path)
        for seed in range(CASES):
            path.write_bytes(mutate(content, np.random.default_rng([seed, len(content)])))
            message = refusal(read, path)
            assert not message or (name in message and "\n" not in message), (seed, message)


@pytest.mark.parametrize("name", ["*.seen", "*.pixels/state.json", "*.pixels/labels"])
def test_a_changed_cache_is_never_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(cache, "SMALLEST_FILE", 0)
    monkeypatch.setattr(cache, "SETTLED", -(10**18))
    path = tmp_path / "a.csv"
    path.write_bytes(pixel_file())
    expected = load(path).digest
    for seed in range(CASES):
        changed = next((cache_folder() / "pixels").glob(name))
        changed.write_bytes(mutate(changed.read_bytes(), np.random.default_rng(seed)))
        assert load(path).digest == expected, seed
