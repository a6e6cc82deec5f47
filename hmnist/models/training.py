"""`train_network`: the training of one network on given examples.

Keras is imported at the top, so this module is imported after `load_keras`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from hmnist.arrays import Float64
from hmnist.models.batches import TrainingBatches
from hmnist.models.keras_setup import policy, seeded
from hmnist.models.network import Examples, Network
from hmnist.systems.system import Plateau


def train_network(
    network: Network,
    examples: Examples,
    *,
    classes: npt.NDArray[Any],
    offset: Float64,
    label_smoothing: float,
    seed: int,
    on_epoch: Callable[[int], None],
) -> tuple[list[npt.NDArray[Any]], dict[str, list[float]]]:
    """Train one network; return its weights in their order, and its history (see `NetworkModel`).

    The columns of the targets have the labels `classes`. `offset` is added to the logits in
    training, if the plan adjusts them. `on_epoch` is called with the number of finished epochs.
    """
    plan = network.training
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, _: on_epoch(epoch + 1))]
    if plan.plateau is not None:
        callbacks.append(FallingRate(plan.plateau))
    with seeded(seed):
        with policy(plan.precision):
            graph = network.build(examples.inputs.shape[1:], len(classes))
            trained = graph
            if plan.logit_adjustment:  # another network with the same weights
                logits = ops.add(graph.output, offset.astype(np.float32))
                trained = keras.Model(graph.input, logits)
        if network.prepare is not None:
            network.prepare(graph, examples.inputs)
        loss = keras.losses.CategoricalCrossentropy(True, label_smoothing)
        batches = TrainingBatches(network, examples, seed)
        trained.compile(
            optimizer=plan.optimizer(plan.epochs * batches.num_batches),
            loss=loss,
            metrics=[Recalls([f"recall_{label}" for label in classes])],
            weighted_metrics=["accuracy"],
        )
        logs = trained.fit(
            batches,
            epochs=plan.epochs,
            shuffle=False,
            verbose=0,
            validation_data=examples.validation,
            validation_batch_size=network.prediction_batch,
            callbacks=callbacks,
        ).history
        batches.release()
    # Targets in training are mixtures, so only validation has recalls: those of its classes.
    unknown = [f"recall_{label}" for label in classes]
    if examples.validation is not None:
        unknown += [f"val_recall_{label}" for label in classes[~examples.validation[1].any(axis=0)]]
    history = {name: list(map(float, logs[name])) for name in logs if name not in unknown}
    return graph.get_weights(), history


class FallingRate(keras.callbacks.Callback):
    """Lower the learning rate when the loss has had no new minimum for some epochs.

    The loss is that on validation, or in training without validation. The rate of each epoch
    becomes part of the history. `keras.callbacks.ReduceLROnPlateau` does the same, but reads the
    rate in a way that makes numpy 2 warn in every epoch.
    """

    def __init__(self, plateau: Plateau) -> None:
        super().__init__()
        self.plateau = plateau

    def on_train_begin(self, _logs: dict[str, float] | None = None) -> None:
        """Start with the rate of the optimiser."""
        self.minimum, self.waited = math.inf, 0
        self.rate = float(ops.convert_to_tensor(self.model.optimizer.learning_rate))

    def on_epoch_end(self, _epoch: int, logs: dict[str, float]) -> None:
        """Record the rate, and lower it after enough epochs without a new minimum."""
        logs["learning_rate"] = self.rate
        loss = logs.get("val_loss", logs["loss"])
        self.waited = 0 if loss < self.minimum else self.waited + 1
        self.minimum = min(self.minimum, loss)
        if self.waited >= self.plateau.patience:
            self.rate *= self.plateau.factor
            self.model.optimizer.learning_rate = self.rate
            self.waited = 0


class Recalls(keras.metrics.Metric):
    """The recall of each class. It is counted with the loss: no image is predicted twice."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(name="recalls")
        self.names = names
        self.images, self.hits = (
            self.add_weight(shape=(len(names),), initializer="zeros", name=name)
            for name in ("images", "hits")
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count the images of each class and those that are recognised."""
        del sample_weight
        true = ops.argmax(y_true, axis=-1)
        right = ops.cast(true == ops.argmax(y_pred, axis=-1), "float32")
        members = ops.one_hot(true, len(self.names), dtype="float32")
        self.images.assign_add(ops.sum(members, axis=0))
        self.hits.assign_add(ops.sum(members * right[:, None], axis=0))

    def result(self) -> dict[str, Any]:
        """Return the recalls; 0 for classes without images."""
        shares = ops.divide_no_nan(self.hits, self.images)
        return {name: shares[index] for index, name in enumerate(self.names)}
