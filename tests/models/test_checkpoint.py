"""Checkpoints of PyTorch: their numbers are read, and nothing in them is run."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.models.checkpoint import read_checkpoint

TENSORS: dict[str, npt.NDArray[Any]] = {
    "stem.weight": np.linspace(-1, 1, 12, dtype=np.float32),
    "bn.running_var": np.array([0.5, 2.5], np.float32),
    "bn.num_batches_tracked": np.array([2**40]),
    "last.bias": np.array([7], np.float32),
}

KEYS = {
    "stem.weight": "31",
    "bn.running_var": "4",
    "bn.num_batches_tracked": "22",
    "last.bias": "1",
}


def write(path: Path, tensors: Any, keys: Any, rows: Mapping[str, npt.NDArray[Any]]) -> Path:
    """Write a file as PyTorch did: five pickles of protocol 2, and the numbers by their keys."""
    pickled: list[Any] = [0x1950, 1001, {}, tensors, keys]
    parts = [pickle.dumps(part, protocol=2) for part in pickled]
    for name in sorted(rows, key=KEYS.__getitem__):
        parts += [len(rows[name]).to_bytes(8, "little"), rows[name].tobytes()]
    path.write_bytes(b"".join(parts))
    return path


def referred(names: Mapping[str, str]) -> dict[str, Any]:
    """Return what PyTorch pickles of tensors: names, and where their numbers are."""
    return {name: ("storage", key, "cpu", 12, None) for name, key in names.items()}


def test_tensors_come_by_name_in_their_own_order(tmp_path: Path) -> None:
    tensors = [referred(KEYS), {"_metadata": ["stem", "bn", "version"]}]
    found = read_checkpoint(write(tmp_path / "a.pth", tensors, sorted(KEYS.values()), TENSORS))
    assert list(found) == list(TENSORS)
    for name, values in TENSORS.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


class Program:
    """Writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_nothing_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    tensors = [referred(KEYS), Program(mark)]
    path = write(tmp_path / "a.pth", tensors, sorted(KEYS.values()), TENSORS)
    assert list(read_checkpoint(path)) == list(TENSORS)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Program(mark)))  # what a loaded pickle would do
    assert mark.exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.pth", referred(KEYS), sorted(KEYS.values()), TENSORS).read_bytes()
    cut = tmp_path / "cut.pth"
    for length in (0, 40, len(whole) - 1):
        cut.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"pickle|buffer|no more"):
            read_checkpoint(cut)
    other = write(tmp_path / "b.pth", referred(KEYS), ["31", "4", "22", "5"], TENSORS)
    with pytest.raises(ValueError, match="not those of its list"):
        read_checkpoint(other)
