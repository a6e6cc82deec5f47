import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from hmnist import hardware
from hmnist.errors import UsageError, WorkError
from hmnist.hardware import (
    available_cores,
    choose_device,
    configure_tensorflow,
    find_gpu,
    processor_name,
    use_device,
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
    fake.__dict__["config"] = types.SimpleNamespace(
        threading=threading, get_visible_devices=lambda _: []
    )
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


@pytest.fixture
def _asked_anew() -> Iterator[None]:
    processor_name.cache_clear()
    yield
    processor_name.cache_clear()


@pytest.mark.usefixtures("_asked_anew")
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel\t: 1\nmodel name\t: AMD EPYC 9B14: 2\n", "AMD EPYC 9B14: 2"),
        ("processor\t: 0\n", "arm"),
        (None, "arm"),
    ],
)
def test_the_processor_has_a_name(
    monkeypatch: pytest.MonkeyPatch, text: str | None, name: str
) -> None:
    def read_text(self: Path, **_: Any) -> str:
        assert self == Path("/proc/cpuinfo")
        if text is None:
            raise FileNotFoundError(self)
        return text

    monkeypatch.setattr("platform.processor", lambda: "arm")
    monkeypatch.setattr(Path, "read_text", read_text)
    assert processor_name() == name


# The device


def pretend_gpu(monkeypatch: pytest.MonkeyPatch, name: str | None, *, installed: bool) -> None:
    monkeypatch.setattr("hmnist.hardware.find_gpu", lambda: name)
    found = object() if installed else None
    monkeypatch.setattr("importlib.util.find_spec", lambda _: found)


def test_a_gpu_is_taken_where_it_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpu(monkeypatch, "NVIDIA H100", installed=True)
    assert choose_device("auto") == ("gpu", "NVIDIA H100, as there is one.")
    assert choose_device("gpu") == ("gpu", "NVIDIA H100, as asked.")
    assert choose_device("cpu") == ("cpu", "The processor, as asked.")


def test_without_any_package_of_nvidia_the_processor_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find_spec(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name.partition('.')[0]!r}")

    pretend_gpu(monkeypatch, "NVIDIA T4", installed=False)
    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    assert choose_device("auto")[0] == "cpu"


@pytest.mark.parametrize(
    ("name", "reason"),
    [(None, "there is no NVIDIA GPU"), ("NVIDIA T4", "without the libraries for NVIDIA T4")],
)
def test_without_a_gpu_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str | None, reason: str
) -> None:
    pretend_gpu(monkeypatch, name, installed=False)
    device, told = choose_device("auto")
    assert device == "cpu"
    assert reason in told
    with pytest.raises(UsageError, match=reason):
        choose_device("gpu")


class Driver:
    """The functions of NVIDIA's driver that are asked."""

    def __init__(self, count: int, error: int = 0) -> None:
        self.count, self.error = count, error

    def cuInit(self, _flags: int) -> int:  # noqa: N802 - its name
        return self.error

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802 - its name
        count._obj.value = self.count
        return 0

    def cuDeviceGet(self, _gpu: Any, _number: int) -> int:  # noqa: N802 - its name
        return 0

    def cuDeviceGetName(self, name: Any, _size: int, _gpu: Any) -> int:  # noqa: N802 - its name
        name.value = b"NVIDIA H100"
        return 0


@pytest.mark.parametrize(
    ("driver", "name"),
    [(Driver(1), "NVIDIA H100"), (Driver(0), None), (Driver(1, error=100), None), (None, None)],
)
def test_the_driver_is_asked_for_gpus(
    monkeypatch: pytest.MonkeyPatch, driver: Driver | None, name: str | None
) -> None:
    def load(_name: str) -> Driver:
        if driver is None:
            raise OSError("no such library")
        return driver

    monkeypatch.setattr("ctypes.CDLL", load)
    find_gpu.cache_clear()
    assert find_gpu() == name
    find_gpu.cache_clear()


def test_gpus_are_hidden_unless_they_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeThreading())
    config, visible = sys.modules["tensorflow"].config, ["GPU:0"]

    def show(devices: list[str], _kind: str) -> None:
        visible[:] = devices

    def refuse(*_: Any) -> None:
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    config.list_physical_devices = lambda _: ["GPU:0"]
    config.get_visible_devices = lambda _: visible
    config.set_visible_devices = show
    monkeypatch.setitem(hardware._chosen, "device", "cpu")
    for device, seen in (("gpu", ["GPU:0"]), ("cpu", []), ("gpu", ["GPU:0"])):
        use_device(device)
        configure_tensorflow()
        assert visible == seen
    config.set_visible_devices = refuse
    configure_tensorflow()
    use_device("cpu")
    with pytest.raises(WorkError, match="already runs on a GPU"):
        configure_tensorflow()
    visible.clear()
    use_device("gpu")
    with pytest.raises(WorkError, match="already runs on the processor"):
        configure_tensorflow()


def test_a_gpu_that_tensorflow_does_not_find_is_not_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, FakeThreading())
    sys.modules["tensorflow"].config.list_physical_devices = lambda _: []
    monkeypatch.setattr("hmnist.hardware.find_gpu", lambda: "NVIDIA K80")
    monkeypatch.setitem(hardware._chosen, "device", "gpu")
    with pytest.raises(WorkError, match="finds no GPU, although there is one: NVIDIA K80"):
        configure_tensorflow()


@pytest.mark.parametrize(
    ("named", "expected"),
    [({}, "3000"), ({"GOMP_SPINCOUNT": "9"}, "9"), ({"OMP_WAIT_POLICY": "active"}, None)],
)
def test_waiting_threads_leave_the_cores_unless_the_user_says_otherwise(
    named: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in named.items():
        monkeypatch.setenv(variable, value)
    use_threads(1)
    assert os.environ.get("GOMP_SPINCOUNT") == expected


def test_scipys_own_linear_algebra_can_be_limited_to_one_thread() -> None:
    """numpy's keeps its threads, and afterwards scipy's has as many as before."""
    import scipy.linalg  # noqa: F401 - threadpoolctl sees only what is loaded
    from threadpoolctl import threadpool_info

    def threads() -> dict[str, int]:
        return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}

    before = threads()
    if not any("scipy.libs" in path or "/scipy/" in path for path in before):
        pytest.skip("numpy and scipy share a library here")
    with hardware.limit_scipy_blas():
        within = threads()
    assert threads() == before
    for path, number in within.items():
        assert number == (1 if "scipy" in path.replace("libscipy", "") else before[path])
