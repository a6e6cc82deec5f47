import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from hmnist.errors import UsageError, WorkError
from hmnist.hardware import (
    available_cores,
    configure_tensorflow,
    training_precision,
    use_threads,
)

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class FakeThreading:
    """What TensorFlow offers to set its threads; it refuses once it has begun."""

    def __init__(self, *, begun: bool = False, threads: int = 0) -> None:
        self.begun = begun
        self.intra = self.inter = threads

    def get_intra_op_parallelism_threads(self) -> int:
        return self.intra

    def get_inter_op_parallelism_threads(self) -> int:
        return self.inter

    def set_intra_op_parallelism_threads(self, threads: int) -> None:
        if self.begun:
            raise RuntimeError("Intra op parallelism cannot be modified after initialization.")
        self.intra = threads

    def set_inter_op_parallelism_threads(self, threads: int) -> None:
        if self.begun:
            raise RuntimeError("Inter op parallelism cannot be modified after initialization.")
        self.inter = threads


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave environment, libraries and TensorFlow as they were."""
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "3")
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    with threadpoolctl.threadpool_limits(limits=None):
        yield


def install(monkeypatch: pytest.MonkeyPatch, threading: FakeThreading) -> None:
    fake = types.ModuleType("tensorflow")
    fake.__dict__["config"] = types.SimpleNamespace(threading=threading)
    monkeypatch.setitem(sys.modules, "tensorflow", fake)


def test_there_is_a_core_at_least() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_the_cores_of_this_process_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert available_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores() == 1


def test_libraries_loaded_later_are_told() -> None:
    use_threads(2)
    assert [os.environ[variable] for variable in VARIABLES] == ["2", "2", "2"]


def test_libraries_loaded_already_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # numpy's own pool is there long before anything that brings threadpoolctl.
    monkeypatch.delitem(sys.modules, "threadpoolctl")
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    assert np.ones((2, 2)) @ np.ones(2) is not None
    with threadpoolctl.threadpool_limits(2):
        use_threads(1)
        assert {pool["num_threads"] for pool in threadpoolctl.threadpool_info()} == {1}


def test_models_without_a_network_may_use_any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeThreading(begun=True, threads=2))
    use_threads(1)


def test_tensorflow_is_not_loaded_for_it() -> None:
    use_threads(1)
    assert "tensorflow" not in sys.modules


def test_tensorflow_is_told_when_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    use_threads(2)
    threading = FakeThreading()
    install(monkeypatch, threading)
    configure_tensorflow()
    assert (threading.intra, threading.inter) == (2, 2)


def test_tensorflow_that_has_begun_cannot_change(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeThreading(begun=True, threads=2))
    use_threads(2)
    configure_tensorflow()
    use_threads(1)
    with pytest.raises(WorkError, match="not with 1 threads") as caught:
        configure_tensorflow()
    assert "start a new process" in caught.value.hint


def test_tensorflow_that_has_begun_with_all_cores_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, FakeThreading(begun=True))
    use_threads(available_cores())
    configure_tensorflow()
    use_threads(available_cores() + 1)
    with pytest.raises(WorkError):
        configure_tensorflow()


@pytest.mark.parametrize("value", [None, "", "4,2", "many", "0"])
def test_what_names_no_number_leaves_tensorflow_alone(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    # OpenMP takes lists, one number for each level of nesting.
    threading = FakeThreading(threads=7)
    install(monkeypatch, threading)
    if value is None:
        monkeypatch.delenv(VARIABLES[0])
    else:
        monkeypatch.setenv(VARIABLES[0], value)
    configure_tensorflow()
    assert (threading.intra, threading.inter) == (7, 7)


@pytest.mark.parametrize("threads", [0, -1])
def test_no_thread_at_all_is_refused(threads: int) -> None:
    with pytest.raises(UsageError, match=f"{threads} threads"):
        use_threads(threads)
    assert os.environ[VARIABLES[0]] == "3"


WITHOUT = "processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16x\nbugs\t\t: avx512_bf16\n"
WITH = "processor\t: 0\nflags\t\t: fpu avx2 {}\nbogomips\t: 4000.00\n"


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    training_precision.cache_clear()
    yield
    training_precision.cache_clear()


def pretend(monkeypatch: pytest.MonkeyPatch, text: str | None, machine: str = "x86_64") -> None:
    def read_text(self: Path, **_: Any) -> str:
        assert self == Path("/proc/cpuinfo")
        if text is None:
            raise FileNotFoundError(self)
        return text

    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(Path, "read_text", read_text)


@pytest.mark.parametrize(
    ("text", "machine", "expected"),
    [
        (WITH.format("avx512_bf16"), "x86_64", "mixed_bfloat16"),
        (WITH.format("amx_bf16 amx_tile"), "x86_64", "mixed_bfloat16"),
        (WITH.format("avx512_bf16"), "aarch64", "float32"),
        (WITHOUT, "x86_64", "float32"),
        ("", "x86_64", "float32"),
        (None, "x86_64", "float32"),
    ],
)
def test_brain_floats_are_used_where_the_processor_has_them(
    monkeypatch: pytest.MonkeyPatch, text: str | None, machine: str, expected: str
) -> None:
    pretend(monkeypatch, text, machine)
    assert training_precision() == expected


def test_the_processor_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, WITH.format("avx512_bf16"))
    training_precision()
    pretend(monkeypatch, None)
    assert training_precision() == "mixed_bfloat16"


@pytest.mark.parametrize(("named", "expected"), [(None, "passive"), ("active", "active")])
def test_waiting_threads_leave_the_cores_unless_the_user_says_otherwise(
    named: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if named is not None:
        monkeypatch.setenv("OMP_WAIT_POLICY", named)
    use_threads(1)
    assert os.environ["OMP_WAIT_POLICY"] == expected
