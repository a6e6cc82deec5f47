"""Damaging numpy's files: type, shape and order of the header, or the numbers."""

import io
from random import Random
from typing import Any

import numpy as np

from hmnist.arrays import Array

TYPES = (
    "<f8", "<f4", ">f4", "<f2", "<i8", ">i8", "<i4", "|i1", "|u1", "<u8", "|b1", "<c16", "|O",
    "|S5", "<U3", "<M8[s]", "|V3", "|V0", "<f16", "x", "",
)  # fmt: skip
"""What a header may say of the type; the last two are none."""

SIDES = (0, 1, 2, 3, 7, 1000, 10**6, 2**31, 2**40, 10**12, 2**62, 2**64, -1, 1.5, None, "a")


def damage_array(content: bytes, random: Random) -> bytes:
    """Damage a ``.npy`` file: what its header says, or its numbers."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    header: dict[str, Any] = {
        "descr": np.lib.format.dtype_to_descr(array.dtype),
        "fortran_order": False,
        "shape": array.shape,
    }
    body = array.tobytes()
    match random.randrange(12):  # half of them change numbers
        case 0:
            header["descr"] = random.choice(TYPES)
        case 1:
            header["shape"] = _other_shape(array.shape, random)
        case 2:
            array = array.astype(random.choice(TYPES[:12])) if array.dtype.kind in "iufb" else array
            header["descr"], body = array.dtype.str, array.tobytes()
        case 3:
            header["fortran_order"] = random.choice((True, 1, None))
        case 4:
            rows = np.atleast_1d(array)
            changed = random.choice((rows[:-1], rows[::-1], np.concatenate([rows, rows])))
            header["shape"], body = changed.shape, changed.tobytes()
        case 5:
            body = random.choice((body[: len(body) // 2], body + body, b""))
        case _:
            body = _other_numbers(array, random).tobytes()
    return _npy(header, body)


def _other_shape(shape: tuple[int, ...], random: Random) -> Any:
    sides: list[Any] = list(shape)
    match random.randrange(5):
        case 0:
            random.shuffle(sides)
        case 1:
            sides.append(random.choice(SIDES))
        case 2:
            return random.choice(((), 5, None, (0,), (-1,), [1], (10**12,), (1,) * 70))
        case _ if sides:
            sides[random.randrange(len(sides))] = random.choice(SIDES)
    return tuple(sides)


def _other_numbers(array: Array, random: Random) -> Array:
    """Change one number, several, or all of them; of a record, those of one field."""
    changed = array.copy()
    if not changed.size:
        return changed
    if changed.ndim == 0:
        changed = changed.reshape(1)
    field = changed
    if changed.dtype.names:
        field = changed[random.choice(changed.dtype.names)]
    flat = field.reshape(-1)
    rng = np.random.default_rng(random.getrandbits(64))
    places = rng.integers(len(flat), size=random.choice((1, 1, 3, len(flat))))
    if flat.dtype.kind == "f":
        extreme = random.choice((np.nan, np.inf, -np.inf, 0, -1, 1e30, 1e-30, 1e300))
        with np.errstate(over="ignore"):  # it is infinite in float32
            flat[places] = extreme
    elif flat.dtype.kind in "iu":
        limits = np.iinfo(flat.dtype)
        near = rng.integers(0, max(2, min(len(flat), limits.max)), len(places))
        outermost = random.choice((limits.min, limits.max, 0, 1))
        flat[places] = near if random.random() < 0.5 else outermost
    elif flat.dtype.kind == "b":
        flat[places] = ~flat[places]
    else:
        rng.shuffle(flat)
    field[...] = flat.reshape(field.shape)
    return changed.reshape(array.shape)


def _npy(header: dict[str, Any], body: bytes) -> bytes:
    text = repr(header).encode() + b"\n"
    text = text.rjust((len(text) + 10 + 63) // 64 * 64 - 10)
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def zeros_header(count: int) -> bytes:
    """Return the beginning of a ``.npy`` file of so many zero bytes."""
    return _npy({"descr": "|u1", "fortran_order": False, "shape": (count or 10**9,)}, b"")
