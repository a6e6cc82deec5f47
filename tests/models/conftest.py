"""What tests of models share: training without tracing, and features that are kept."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hmnist.features.store import keep_results
from hmnist.models.keras_setup import load_keras


@pytest.fixture
def eager() -> Iterator[None]:
    """Run networks without tracing, which takes longer than a few steps.

    For tests that do not ask for the bits of a training: those of users are traced.
    """
    load_keras()
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


EAGERLY = [
    pytest.mark.usefixtures("eager"),
    # tf.data warns that it still uses graphs, which is harmless.
    pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning"),
]
"""Marks of tests that may run without tracing."""


def eagerly(test: Callable[..., None]) -> Callable[..., None]:
    """Give a test the marks of `EAGERLY`."""
    for mark in EAGERLY:
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def _features_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture
def kept_features(_features_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compute the features of the same images once in a module, where small models need them."""
    monkeypatch.setenv("HMNIST_CACHE", str(_features_folder))
    with keep_results():
        yield
