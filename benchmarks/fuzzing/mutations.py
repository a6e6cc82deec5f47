"""Damaging a file: its bytes, or its structure by the ending of its name.

Everything is drawn from one `random.Random`, so that a seed gives the same damage again. The files
that come in are sound; what comes out has the damage of somebody who knows the format.
"""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.fuzzing.arrays import damage_array, zeros_header
from benchmarks.fuzzing.photographs import damage_photograph
from benchmarks.fuzzing.texts import damage_csv, damage_toml

Damage = Callable[[bytes, Random], bytes]

EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 2**63 - 1, 2**64 - 1)

ABSURD = (
    "null", "true", "false", "0", "1", "-1", "7", "0.5", "-0.0", "1e999", "-1e999", "NaN",
    "Infinity", "1e308", "1e-320", "1000000000", "9223372036854775807", "-9223372036854775808",
    "18446744073709551616", "1" + "0" * 400, '""', '"x"', f'"{"x" * 5000}"', '"../../x"', '"/"',
    '"\\u0000"', '"\\ud800"', '"NaN"', "[]", "{}", "[1, 2]", "[[]]", '[null, "a"]', '{"a": {}}',
    "[" * 100 + "]" * 100, "[" * 100_000 + "]" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000,
    f"[{','.join('0' * 100_000)}]",
)  # fmt: skip
"""Values that no file of this package contains, as the text of JSON."""

BOMB = 1500  # megabytes that a small file of zeros unpacks to


def damage(name: str, content: bytes, random: Random) -> bytes:
    """Damage the content of a file, in half of the cases its structure."""
    structural = _BY_ENDING.get(Path(name).suffix)
    if structural is None or random.random() < 0.5:
        return damage_bytes(content, random)
    return structural(content, random)


def damage_bytes(content: bytes, random: Random) -> bytes:
    """Flip, delete, insert, cut off, copy or repeat some bytes, one to four times."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        content = random.choice(_BYTES)(content, random)
    return content


def _flip(content: bytes, random: Random) -> bytes:
    start, _ = _part(content, random)
    flipped = bytes(byte ^ 1 << random.randrange(8) for byte in content[start : start + 1])
    return content[:start] + flipped + content[start + 1 :]


def _overwrite(content: bytes, random: Random) -> bytes:
    start, end = _part(content, random)
    return content[:start] + random.randbytes(end - start) + content[end:]


def _set_extreme(content: bytes, random: Random) -> bytes:
    start, _ = _part(content, random)
    size = random.choice((1, 2, 4, 8))
    value = (random.choice(EXTREMES) % (1 << 8 * size)).to_bytes(size, "little")
    return content[:start] + random.choice((value, value[::-1])) + content[start + size :]


def _delete(content: bytes, random: Random) -> bytes:
    start, end = _part(content, random)
    return content[:start] + content[end:]


def _insert(content: bytes, random: Random) -> bytes:
    start, end = _part(content, random)
    return content[:start] + random.randbytes(end - start) + content[start:]


def _cut_off(content: bytes, random: Random) -> bytes:
    return content[: _part(content, random)[0]]


def _copy(content: bytes, random: Random) -> bytes:
    start, end = _part(content, random)
    target = _part(content, random)[0]
    return content[:target] + content[start:end] + content[target + end - start :]


def _repeat(content: bytes, random: Random) -> bytes:
    start, end = _part(content, random)
    return content[:start] + content[start:end] * random.choice((2, 3, 50)) + content[end:]


_BYTES: tuple[Damage, ...] = (
    _flip,
    _overwrite,
    _set_extreme,
    _delete,
    _insert,
    _cut_off,
    _copy,
    _repeat,
)


def _part(content: bytes, random: Random) -> tuple[int, int]:
    """Return where a part of some bytes begins and ends; most are short."""
    start = random.randrange(len(content) + 1)
    return start, min(len(content), start + random.choice((1, 1, 2, 4, 8, 16, 100, 1000)))


def damage_json(content: bytes, random: Random) -> bytes:
    """Replace, remove, repeat or exchange values of a JSON file, one to three times."""
    facts = json.loads(content)
    raw: dict[str, str] = {}  # texts that `json` would not write, by the word that stands for them
    for _ in range(random.choice((1, 1, 2, 3))):
        parents = list(_containers(facts))
        if not parents:
            break
        parent = random.choice(parents)
        key = random.choice(list(_keys(parent)))
        match random.randrange(6):
            case 0 | 1:
                word = f"@{len(raw)}@"
                raw[f'"{word}"'] = random.choice(ABSURD)
                parent[key] = word
            case 2:
                del parent[key]
            case 3 if isinstance(parent, dict):
                word = f"@{len(raw)}@"
                raw[f'"{word}"'] = json.dumps(key)  # the same key once more
                parent[word] = random.choice((parent[key], None, 0))
            case 4:
                other = random.choice(parents)
                parent[key] = json.loads(json.dumps(random.choice([*other, 0])))
            case _:
                parent[key] = _other_number(parent[key], random)
    text = json.dumps(facts, indent=1)
    for word, value in raw.items():
        text = text.replace(word, value)
    return text.encode()


def _other_number(value: Any, random: Random) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [value]
    return random.choice((-value, value + 1, value - 1, value * 1e6, value / 1e6, str(value)))


def _containers(facts: Any) -> "list[Any]":
    """Return every list and mapping in some JSON that is not empty."""
    found, waiting = [], [facts]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list) and value:
            found.append(value)
            waiting.extend(value.values() if isinstance(value, dict) else value[:50])
    return found


def _keys(parent: Any) -> Any:
    return parent if isinstance(parent, dict) else range(len(parent))


def damage_zip(content: bytes, random: Random) -> bytes:
    """Damage a member of an archive, or remove, repeat, rename, add, exchange or inflate one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    number = random.randrange(len(members))
    name, inside = members[number]
    match random.randrange(12):
        case 0:
            del members[number]
        case 1:
            members.append((name, random.choice(members)[1]))
        case 2:
            members[number] = (random.choice(("x.npy", "../x.npy", "/x", "", name * 9)), inside)
        case 3:
            members.append((random.choice(("x.npy", "x", "../x.npy")), inside))
        case 4:
            members[number] = (name, random.choice(members)[1])
        case 5:
            return _archive(members[:number] + members[number + 1 :], bomb=name)
        case _:
            structural = _BY_ENDING.get(Path(name).suffix, damage_bytes)
            members[number] = (name, structural(inside, random))
            # Written as numpy does, so that nothing but the content is wrong.
            return _archive(members)
    random.shuffle(members)
    return _archive(members, random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def _archive(members: list[tuple[str, bytes]], method: int = 0, bomb: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with archive.open(info, "w", force_zip64=True) as member:  # as numpy does
                member.write(content)
        if bomb:
            packed, crc = _zeros(zeros_header(BOMB << 20))
            info = zipfile.ZipInfo(bomb)
            info.compress_type, info.CRC = zipfile.ZIP_DEFLATED, crc
            # A stored member of these bytes; then the directory says that they are packed.
            info.header_offset = file.tell()
            info.compress_size, info.file_size = len(packed), len(zeros_header(0)) + (BOMB << 20)
            file.write(info.FileHeader(zip64=False) + packed)
            archive.filelist.append(info)
            archive.NameToInfo[bomb] = info
            archive.start_dir = file.tell()
    return file.getvalue()


@cache
def _zeros(header: bytes = b"", byte: bytes = b"\0") -> tuple[bytes, int]:
    """Return a header and many equal bytes packed, and their checksum.

    A block that is flushed whole can be repeated, so that nothing has to be packed at length.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(header) + packer.flush(zlib.Z_FULL_FLUSH)
    megabyte = byte * (1 << 20)
    block = packer.compress(megabyte) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = zlib.crc32(header)
    for _ in range(BOMB):
        crc = zlib.crc32(megabyte, crc)
    return start + block * BOMB + packer.flush(), crc


def damage_gzip(content: bytes, random: Random) -> bytes:
    """Damage the file inside, or take one that unpacks to far too much."""
    inside = gzip.decompress(content)
    if random.randrange(40) == 0:
        header = random.choice((inside, inside[: inside.index(b"\n") + 1], b""))
        packed, crc = _zeros(header, random.choice((b"0", b"\n", b",")))
        sizes = crc.to_bytes(4, "little") + (len(header) + (BOMB << 20)).to_bytes(4, "little")
        return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + packed + sizes
    packed = gzip.compress(damage_csv(inside, random), mtime=0)
    return packed * 2 if random.randrange(20) == 0 else packed


_BY_ENDING: dict[str, Damage] = {
    ".json": damage_json,
    ".csv": damage_csv,
    ".gz": damage_gzip,
    ".npy": damage_array,
    ".npz": damage_zip,
    ".toml": damage_toml,
    ".png": damage_photograph,
    ".jpg": damage_photograph,
}
"""How the structure of a file is damaged, by the ending of its name."""
