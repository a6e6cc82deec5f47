"""What tests of models share: training without tracing, and features that are quickly fitted."""

from collections.abc import Callable, Iterator

import pytest

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


@pytest.fixture(autouse=True, scope="module")
def _few_patches(few_patches: None) -> None:
    """Fit features in little time: models ask only that they are the same again."""
