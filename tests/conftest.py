"""What tests share: a small sample, and a command line that can be called."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from hmnist.dataset import LesionDataset
from hmnist.hardware import use_threads
from hmnist.models.signature import KEY_BYTES, KEY_FILE
from hmnist.runs.run import Run


@dataclass(frozen=True)
class Called:
    """What a command did."""

    code: int
    out: str
    err: str


Command = Callable[..., Called]

# TensorFlow cannot change its number of threads in a process: tests that train with several numbers
# would depend on their order. numpy, which is imported above, has more until it is told.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
use_threads(1)

SLOWEST = (
    "tests/test_fuzzing.py",
    "tests/cli/test_killed.py",
    "tests/models/test_training_state.py",
    "tests/experiments/test_cluster.py",
    "tests/cli/test_faults.py",
    "tests/cli/test_work.py",
    "tests/results/test_audit.py",
    "tests/models/test_mutations.py",
    "tests/test_notebook.py",
)
"""Files that begin first, so that no process waits for a long one at the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep pytest-xdist from beginning with the files that have the most tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the slowest files first."""
    place = {name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(SLOWEST)))


# A busy machine takes longer than hypothesis' deadline of a fifth of a second now and then.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")


@pytest.fixture(scope="session")
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of all caches.

    pytest's own factory would list the folders of all tests for each new one.
    """
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(autouse=True, scope="session")
def _own_key(_caches: Path) -> Iterator[None]:
    """Keep what several tests share away from the user's cache, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HMNIST_CACHE", _make_cache(_caches))
        yield


def _make_cache(caches: Path) -> str:
    """Return an empty cache; all have one key, so that networks that tests share are signed."""
    folder = tempfile.mkdtemp(dir=caches)
    (Path(folder) / KEY_FILE).write_bytes(bytes(KEY_BYTES))
    return folder


@pytest.fixture(autouse=True)
def _own_places(_caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the user's cache, data and settings, and give back their threads."""
    for name, value in THREADS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HMNIST_CACHE", _make_cache(_caches))
    for name in ("HMNIST_DATA", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="module")
def few_patches() -> Iterator[None]:
    """Fit the features of a lesion on few patches and colours: most of the time of small models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hmnist.features.patches._SAMPLES", 1000)
        patch.setattr("hmnist.features.codebook._SAMPLES", 1000)
        yield


@contextlib.contextmanager
def running_eagerly() -> Iterator[None]:
    """Run networks without tracing, which takes longer than a few steps."""
    from hmnist.models.keras_setup import load_keras

    load_keras()
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def eager() -> Iterator[None]:
    """Run networks without tracing.

    For tests that do not ask for the bits of a training: those of users are traced.
    """
    with running_eagerly():
        yield


EAGER_WARNINGS = pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning")
"""tf.data warns that it still uses graphs, which is harmless."""

EAGERLY = [pytest.mark.usefixtures("eager"), EAGER_WARNINGS]
"""Marks of tests that may run without tracing."""


def eagerly(test: Callable[..., None]) -> Callable[..., None]:
    """Give a test the marks of `EAGERLY`."""
    for mark in EAGERLY:
        test = mark(test)
    return test


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator that is the same for every test."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def sample() -> LesionDataset:
    """Return 400 generated images."""
    from hmnist.sources.sample import load_sample

    return load_sample(rows=400, seed=1)


@pytest.fixture(scope="session")
def run(sample: LesionDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a logistic regression in its run folder; tests do not change it."""
    from hmnist.experiments.train import train

    folder = tmp_path_factory.mktemp("runs") / "logistic"
    return train(sample, "logistic", features="pixels", effort="quick", threads=1, out=folder)


@pytest.fixture(scope="session")
def patient_run(sample: LesionDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a network on pixels and patient data in its run folder; tests do not change it."""
    from hmnist.experiments.train import train

    return train(
        sample,
        "mlp",
        patients="yes",
        parameters={"epochs": 2, "widths": (4,), "networks": 1},
        features="pixels",
        effort="quick",
        threads=1,
        out=tmp_path_factory.mktemp("runs") / "with-patients",
    )


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Return a function that runs ``hmnist`` in an empty folder."""
    from hmnist.cli import main

    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> Called:
        monkeypatch.setattr("sys.argv", ["hmnist", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capfd.readouterr()
        code = stop.value.code
        return Called(code if isinstance(code, int) else 0, out, err)

    return call
