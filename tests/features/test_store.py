"""Results that are kept: computed once, checked, and the same whether kept or not."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist import large_arrays
from hmnist.arrays import Array
from hmnist.features import store
from hmnist.features.store import digest, keep_results, kept


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path))
    return tmp_path / "features"


class Worker:
    """Computes two arrays, and counts how often."""

    def __init__(self, number: int = 3) -> None:
        self.number, self.times = number, 0

    def __call__(self) -> dict[str, Array]:
        self.times += 1
        return {"rows": np.arange(12.0).reshape(6, 2) * self.number, "shape": np.array([1, 2])}

    def facts(self) -> dict[str, Any]:
        return {"number": self.number}


def test_a_result_is_computed_once() -> None:
    worker = Worker()
    with keep_results():
        first, second = kept(worker.facts, worker), kept(worker.facts, worker)
    with keep_results():
        third = kept(worker.facts, worker)
    assert worker.times == 1
    for arrays in (second, third):
        np.testing.assert_array_equal(arrays["rows"], first["rows"])
        np.testing.assert_array_equal(arrays["shape"], first["shape"])


def test_other_facts_are_another_result() -> None:
    with keep_results():
        assert kept(Worker(2).facts, Worker(2))["rows"][0, 1] == 2
        assert kept(Worker(5).facts, Worker(5))["rows"][0, 1] == 5


def test_another_version_computes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker()
    with keep_results():
        kept(worker.facts, worker)
        monkeypatch.setattr("hmnist.__version__", "99.0")
        kept(worker.facts, worker)
    assert worker.times == 2


def test_nothing_is_kept_outside_of_the_block(cache: Path) -> None:
    worker = Worker()
    kept(worker.facts, worker)
    kept(worker.facts, worker)
    assert worker.times == 2
    assert not cache.exists()


def test_the_seconds_are_those_of_the_work_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two blocks, each of which waits for the lock; one computation.
    clock = iter([100.0, 101.0, 103.0, 103.0, 110.0, 112.0, 200.0, 201.0, 205.0, 206.0])
    monkeypatch.setattr("hmnist.features.store.time.perf_counter", lambda: next(clock))
    worker = Worker()
    with keep_results() as first:
        kept(worker.facts, worker)
    with keep_results() as second:
        kept(worker.facts, worker)
    assert first.seconds == 12 - 2
    assert second.seconds == 6 - 4 + 7


@pytest.mark.parametrize("damage", ["cut", "changed", "no facts", "other facts", "missing"])
def test_a_damaged_result_is_computed_again(cache: Path, damage: str) -> None:
    worker = Worker()
    with keep_results():
        kept(worker.facts, worker)
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    rows, facts = folder / "rows.npy", folder / "facts.json"
    content = rows.read_bytes()
    if damage == "cut":
        rows.write_bytes(content[:-9])
    elif damage == "changed":
        rows.write_bytes(content[:-1] + b"\x01")
    elif damage == "no facts":
        facts.unlink()
    elif damage == "other facts":
        facts.write_text(json.dumps({"seconds": "long", "digests": {"rows": 3}}))
    else:
        rows.unlink()
    with keep_results():
        np.testing.assert_array_equal(kept(worker.facts, worker)["rows"], worker()["rows"])
        kept(worker.facts, worker)
    assert worker.times == 3


def test_a_cache_that_cannot_be_written_is_done_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("HMNIST_CACHE", str(blocked))
    worker = Worker()
    with keep_results():
        assert kept(worker.facts, worker)["rows"].shape == (6, 2)


def test_a_full_disk_is_done_without(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    worker = Worker()
    with keep_results():
        assert kept(worker.facts, worker)["rows"].shape == (6, 2)
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_the_oldest_results_make_room(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    workers = [Worker(number) for number in (1, 2, 3)]
    monkeypatch.setattr(store, "LATELY", 0)
    with keep_results():
        for worker in workers[:2]:
            kept(worker.facts, worker)
        for folder in filter(Path.is_dir, cache.iterdir()):
            os.utime(folder, (1, 1))
        kept(workers[0].facts, workers[0])  # used again, so the second is the oldest
        size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
        # Results differ by a few bytes: the seconds that they took have more digits or fewer.
        monkeypatch.setattr(store, "LIMIT", size + 20)
        kept(workers[2].facts, workers[2])
        kept(workers[0].facts, workers[0])
        assert [worker.times for worker in workers] == [1, 1, 1]
        kept(workers[1].facts, workers[1])
    assert [worker.times for worker in workers] == [1, 2, 1]


def test_what_was_used_lately_is_kept_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIMIT", 1)
    workers = [Worker(number) for number in (1, 2)]
    with keep_results():
        for worker in (*workers, *workers):
            kept(worker.facts, worker)
    assert [worker.times for worker in workers] == [1, 1]


def test_processes_wait_for_each_other(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
import numpy as np
from hmnist.features.store import keep_results, kept

def compute():
    with Path({str(tmp_path / "computed")!r}).open("a") as file:
        file.write("once ")
    time.sleep(0.5)
    return {{"rows": np.arange(3)}}

with keep_results():
    assert kept(lambda: {{"a": 1}}, compute)["rows"].tolist() == [0, 1, 2]
"""
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "computed").read_text() == "once "


def test_the_digest_tells_type_shape_and_values(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(12, dtype=np.uint8).reshape(6, 2)
    others = [values.astype(np.int8), values.reshape(4, 3), values[::-1]]
    assert len({digest(array) for array in (values, *others)}) == 4
    whole = digest(values)
    monkeypatch.setattr(large_arrays, "CHUNK", 4)
    assert digest(np.asfortranarray(values)) == whole


def test_deleting_the_cache_loses_nothing(cache: Path) -> None:
    worker = Worker()
    with keep_results():
        arrays = kept(worker.facts, worker)
        arrays = kept(worker.facts, worker)
        shutil.rmtree(cache)
        assert arrays["rows"].sum() == 3 * 66
        kept(worker.facts, worker)
    assert worker.times == 2
