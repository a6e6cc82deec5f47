"""Keras, with manners: imported quietly, seeded without touching the caller's, fed reproducibly."""

import contextlib
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hmnist.hardware import configure_tensorflow
from hmnist.models.base import Weights

__all__ = [
    "Trainable",
    "load_keras",
    "policy",
    "recalls",
    "reporter",
    "seeded",
    "training_batches",
    "without_unknown",
]


class Trainable(Protocol):
    """What `hmnist.models.network.NetworkModel` offers to its training."""

    epochs: int
    batch_size: int
    networks: int
    on_step: Callable[[int, int], None] | None

    def _augment(
        self, inputs: npt.NDArray[Any], targets: npt.NDArray[Any], rng: np.random.Generator
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]: ...


def load_keras() -> Any:
    """Import Keras on TensorFlow, without the lines that TensorFlow's start writes to stderr.

    They come from C++ before any log level applies, and tell of missing GPUs.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        import keras
        import tensorflow as tf

        configure_tensorflow()
        tf.config.list_physical_devices()
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
    return keras


def training_batches(
    model: Trainable,
    inputs: npt.NDArray[Any],
    targets: npt.NDArray[np.float32],
    weights: Weights | None,
    seed: int,
) -> Any:
    """Return a `keras.utils.PyDataset` whose order and views depend on seed and epoch alone.

    Keras' own shuffling draws the same permutation in every epoch once a seed is set.
    """
    import keras

    count, batch_size = len(inputs), model.batch_size

    class Batches(keras.utils.PyDataset):
        def __init__(self, *data: Any) -> None:
            super().__init__()
            self.data = data
            self.next_epoch = 0
            self._begin(0)  # Keras looks at two batches before the first epoch

        @property
        def num_batches(self) -> int:
            return -(-count // batch_size)

        def on_epoch_begin(self) -> None:
            # Not on_epoch_end, which Keras also calls once before the first epoch.
            self._begin(self.next_epoch)
            self.next_epoch += 1

        def _begin(self, epoch: int) -> None:
            self.epoch = epoch
            self.order = np.random.default_rng([seed, epoch]).permutation(count)

        def __getitem__(self, step: int) -> tuple[npt.NDArray[Any], ...]:
            augment, inputs, targets, weights = self.data
            rows = self.order[step * batch_size : (step + 1) * batch_size]
            rng = np.random.default_rng([seed, self.epoch, step])
            if weights is None:
                views, shares = augment(inputs[rows], targets[rows], rng)
                return np.asarray(views, dtype=np.float32), shares
            # Weighed before images are mixed, so that each half counts as its own image does.
            views, shares = augment(inputs[rows], targets[rows] * weights[rows, None], rng)
            totals = shares.sum(axis=1)
            shares = shares / np.maximum(totals, np.finfo(np.float32).tiny)[:, None]
            found = (views, shares, totals)
            return tuple(np.asarray(part, dtype=np.float32) for part in found)

        def release(self) -> None:
            # TensorFlow never forgets a generator that it has read from; nor would its images.
            del self.data

    return Batches(model._augment, inputs, targets, weights)  # noqa: SLF001 - the model's own loop


@contextlib.contextmanager
def policy(precision: str) -> Iterator[None]:
    """Build layers under a Keras policy, and give the caller's back."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def reporter(model: Trainable, done: int) -> Any:
    """Return a callback that tells `on_step` of each epoch; `done` epochs came before."""
    import keras

    class Reporter(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
            if model.on_step is not None:
                model.on_step(done + epoch + 1, model.networks * model.epochs)

    return Reporter()


def recalls(names: Sequence[str]) -> Any:
    """Return a metric of the share of each class that is recognised, each under its name.

    It counts along while Keras asks for the loss: nothing is predicted a second time.
    """
    import keras
    from keras import ops

    class Recalls(keras.metrics.Metric):
        def __init__(self) -> None:
            super().__init__(name="recalls")
            self.images, self.hits = (
                self.add_weight(shape=(len(names),), initializer="zeros", name=name)
                for name in ("images", "hits")
            )

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            del sample_weight
            true = ops.argmax(y_true, axis=-1)
            right = ops.cast(true == ops.argmax(y_pred, axis=-1), "float32")
            members = ops.one_hot(true, len(names), dtype="float32")
            self.images.assign_add(ops.sum(members, axis=0))
            self.hits.assign_add(ops.sum(members * right[:, None], axis=0))

        def result(self) -> dict[str, Any]:
            shares = ops.divide_no_nan(self.hits, self.images)
            return {name: shares[place] for place, name in enumerate(names)}

    return Recalls()


def without_unknown(
    history: dict[str, list[float]],
    held_out: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None,
    classes: npt.NDArray[Any],
) -> dict[str, list[float]]:
    """Leave out the recalls in training, whose targets are mixtures, and those of no image."""
    found = {name: values for name, values in history.items() if not name.startswith("recall_")}
    if held_out is not None:
        for absent in classes[~held_out[1].any(axis=0)]:
            del found[f"val_recall_{absent}"]
    return found


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Fix what Keras' layers draw, and give the caller's generator back as it was.

    Initialisers and dropout take their seeds from Python's generator when they are made.
    `keras.utils.set_random_seed` would go on to fix numpy, TensorFlow and the order of every
    later fit in this process, whoever made it.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
