import errno
import mmap
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmnist import large_arrays
from hmnist.large_arrays import chunks_of, empty_rows, release, take_rows


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path))
    monkeypatch.setattr(large_arrays, "LARGE", 1)
    monkeypatch.setattr(large_arrays, "CHUNK", 64)
    return tmp_path


def test_small_rows_are_taken_into_memory() -> None:
    assert take_rows(np.eye(3), np.array([1, 1])).base is None


@pytest.mark.usefixtures("everything_is_large")
@given(st.lists(st.integers(0, 49), min_size=1, max_size=200))
def test_rows_taken_into_a_file_equal_those_that_numpy_takes(rows: list[int]) -> None:
    values = np.random.default_rng(0).integers(0, 256, (50, 3, 2), dtype=np.uint8)
    taken = take_rows(values, np.array(rows))
    np.testing.assert_array_equal(taken, values[rows])


def test_values_stay_when_their_pages_are_released(everything_is_large: Path) -> None:
    values = empty_rows((1000, 10), np.float32)
    values[:] = np.arange(10)
    release(values)
    release(values[5:, :3].reshape(-1))
    np.testing.assert_array_equal(values, np.tile(np.arange(10, dtype=np.float32), (1000, 1)))
    assert list(everything_is_large.iterdir()) == []


def test_released_pages_need_no_memory(everything_is_large: Path) -> None:
    if not hasattr(mmap, "MADV_DONTNEED") or not Path("/proc/self/statm").exists():
        pytest.skip("This system does not tell")

    def mapped_pages() -> int:
        return int(Path("/proc/self/statm").read_text().split()[2])

    values = empty_rows((2**24,), np.uint8)
    values[:] = 1
    before = mapped_pages()
    release(values)
    assert before - mapped_pages() > 3000  # of 4,096 pages


@pytest.mark.usefixtures("everything_is_large")
def test_a_full_disk_is_an_error_when_the_array_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="No space left"):
        empty_rows((2, 2), np.uint8)


def test_an_array_in_memory_is_not_changed_by_a_release() -> None:
    values = np.arange(5)
    release(values)
    assert values.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("everything_is_large")
def test_chunks_cover_all_rows_once() -> None:
    values = np.zeros((37, 5), np.uint16)
    parts = list(chunks_of(values))
    assert len(parts) > 1
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(37))


def test_a_row_larger_than_a_chunk_is_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_arrays, "CHUNK", 4)
    assert list(chunks_of(np.zeros((2, 8)))) == [slice(0, 1), slice(1, 2)]


def test_changes_that_are_in_memory_alone_are_not_released(tmp_path: Path) -> None:
    np.save(tmp_path / "values.npy", np.zeros((100, 100)))
    values = np.load(tmp_path / "values.npy", mmap_mode="c")
    values[3] = 7
    release(values)
    release(np.asarray(values)[2:])
    assert (values[3] == 7).all()
