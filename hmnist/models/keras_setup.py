"""Keras without side effects: imported quietly, with seeds and policies that last one block."""

import contextlib
import os
import random
import sys
from collections.abc import Iterator
from typing import Any

from hmnist.hardware import configure_tensorflow
from hmnist.models.stderr import without_stderr


def load_keras() -> Any:
    """Import Keras on TensorFlow, without the lines that TensorFlow writes to stderr at its start.

    They come from C++ before any log level applies, and report missing GPUs.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        os.environ["KERAS_BACKEND"] = "tensorflow"
        with without_stderr():
            import keras  # noqa: F401 - for sys.modules
            import tensorflow as tf

            configure_tensorflow()
            tf.config.list_physical_devices()
    # Someone else may have imported Keras, and TensorFlow begins with the first network.
    configure_tensorflow()
    return sys.modules["keras"]


@contextlib.contextmanager
def policy(precision: str) -> Iterator[None]:
    """Build layers under a Keras policy, and restore the caller's."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Fix the random draws of Keras' layers, and restore the caller's generator.

    Initialisers and dropout take their seeds from Python's generator when they are made.
    `keras.utils.set_random_seed` would also seed numpy and TensorFlow, and would fix the order of
    every later training in this process.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
