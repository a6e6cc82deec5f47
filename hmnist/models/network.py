"""`NetworkModel`: a Keras network as a scikit-learn classifier.

The state of a network is its weights and this package's code: the graph is built anew wherever the
model goes, so clones, pickles and run folders never carry a configuration that someone else could
have written.
"""

import contextlib
import os
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.errors import UsageError
from hmnist.models.base import Images, Labels, Model, Shape, Validation, Weights
from hmnist.threads import configure_tensorflow

if TYPE_CHECKING:
    import keras

__all__ = ["NetworkModel", "load_keras"]


class NetworkModel(Model):
    """The base of the Keras models: training loop, prediction, state.

    Subclasses build the network, and may augment batches and average views.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    epochs : int
        How often the training images are seen.
    batch_size : int
        Images per step.
    learning_rate : float
        The peak of the schedule: a linear warm-up, then a half cosine to zero.
    weight_decay : float
        AdamW's decoupled decay (Loshchilov & Hutter 2019).
    label_smoothing : float
        The share of the target that is spread over all classes (Szegedy et al. 2016).

    Attributes
    ----------
    weights_ : list of numpy.ndarray
        The fitted weights in the order of the network.
    history_ : dict of list of float
        Loss and accuracy of each epoch, and those on validation if it was given.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        epochs: int = 30,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__(classes, image_shape, random_state)
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing

    def _build(self, shape: Shape, outputs: int) -> "keras.Model":
        """Return an untrained network from pixels 0–255 to probabilities."""
        raise NotImplementedError

    def _prepare(self, network: "keras.Model", images: Images) -> None:
        """Set what is measured on the training images rather than learnt: scales, filters."""

    def augment(self, images: Images, rng: np.random.Generator) -> npt.NDArray[Any]:
        """Return new views of a training batch."""
        del rng
        return images

    def _views(self, images: Images) -> Iterator[Images]:
        """Yield the views of an image over which predictions are averaged."""
        yield images

    def _fit(
        self,
        images: Images,
        labels: Labels,
        weights: Weights | None,
        validation: Validation | None,
    ) -> None:
        if len(self.classes_) < 2:
            raise UsageError("A network needs at least two classes; the labels hold one class.")
        keras = load_keras()
        seed = self._seed()
        with _seeded(seed):
            network = self._build(self._shape(), len(self.classes_))
            self._prepare(network, images)
            batches = _training_batches(self, images, labels, weights, seed)
            network.compile(
                optimizer=self._optimizer(batches.num_batches),
                loss=keras.losses.CategoricalCrossentropy(label_smoothing=self.label_smoothing),
                weighted_metrics=["accuracy"],
            )
            history = network.fit(
                batches,
                epochs=self.epochs,
                shuffle=False,
                verbose=0,
                validation_data=None if validation is None else _as_targets(self, *validation),
                validation_batch_size=512,
                callbacks=[_reporter(self)],
            )
            batches.release()
        self.history_ = {
            name: [float(value) for value in values] for name, values in history.history.items()
        }
        self.weights_ = [np.asarray(weight) for weight in network.get_weights()]
        # The trained network would keep its optimiser: three more copies of its weights.
        self.network_ = self._rebuild()

    def _optimizer(self, steps_per_epoch: int) -> "keras.optimizers.Optimizer":
        import keras

        steps = self.epochs * steps_per_epoch
        warm_up = max(1, steps // 10)
        return keras.optimizers.AdamW(
            learning_rate=keras.optimizers.schedules.CosineDecay(
                initial_learning_rate=self.learning_rate / 25,
                decay_steps=max(1, steps - warm_up),
                warmup_target=self.learning_rate,
                warmup_steps=warm_up,
            ),
            weight_decay=self.weight_decay,
            use_ema=True,
            ema_momentum=0.995 if steps >= 1000 else 0.98,
        )

    def _predict(self, images: Images) -> npt.NDArray[Any]:
        network = self._network()
        total = np.zeros((len(images), len(self.classes_)))
        for view in self._views(images):
            for start in range(0, len(view), 512):
                batch = np.ascontiguousarray(view[start : start + 512], dtype=np.float32)
                # Called, not predict(): that would trace a graph for every model that is made.
                total[start : start + 512] += np.asarray(network(batch, training=False))
        return np.asarray(total / total.sum(axis=1, keepdims=True))

    def _shape(self) -> Shape:
        return self.image_shape_ or (1, self.n_features_in_, 1)

    def _network(self) -> "keras.Model":
        """Return the network, built anew if this model came through a pickle."""
        if getattr(self, "network_", None) is None:
            self.network_ = self._rebuild()
        return self.network_

    def _rebuild(self) -> "keras.Model":
        load_keras()
        with _seeded(0):
            network = self._build(self._shape(), len(self.classes_))
        network.set_weights(self.weights_)
        return network

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "network_"}

    @property
    def parameter_count(self) -> int:
        """The number of weights, trainable or not."""
        return sum(weight.size for weight in self.weights_)

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        arrays = {f"weight{number:03d}": weight for number, weight in enumerate(self.weights_)}
        np.savez(folder / "weights.npz", allow_pickle=False, **arrays)
        return {"history": self.history_}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        self.history_ = facts["history"]
        with (folder / "weights.npz").open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            self.weights_ = [arrays[name] for name in sorted(arrays.files)]
        self.network_ = self._rebuild()


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


def _as_targets(
    model: NetworkModel, images: Images, labels: Labels
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    eye = np.eye(len(model.classes_), dtype=np.float32)
    return images.astype(np.float32), eye[labels]


def _training_batches(
    model: NetworkModel, images: Images, labels: Labels, weights: Weights | None, seed: int
) -> Any:
    """Return a `keras.utils.PyDataset` whose order and views depend on seed and epoch alone.

    Keras' own shuffling draws the same permutation in every epoch once a seed is set.
    """
    import keras

    count, batch_size = len(images), model.batch_size
    targets = np.eye(len(model.classes_), dtype=np.float32)[labels]

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
            augment, images, targets, weights = self.data
            rows = self.order[step * batch_size : (step + 1) * batch_size]
            rng = np.random.default_rng([seed, self.epoch, step])
            views = np.asarray(augment(images[rows], rng), dtype=np.float32)
            if weights is None:
                return views, targets[rows]
            return views, targets[rows], weights[rows].astype(np.float32)

        def release(self) -> None:
            # TensorFlow never forgets a generator that it has read from; nor would its images.
            del self.data

    return Batches(model.augment, images, targets, weights)


def _reporter(model: NetworkModel) -> Any:
    import keras

    class Reporter(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
            if model.on_step is not None:
                model.on_step(epoch + 1, model.epochs)

    return Reporter()


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
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
