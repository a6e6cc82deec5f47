"""`train_network`: the training of one network on given inputs and targets."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Float64
from hmnist.models.keras_setup import load_keras, policy, seeded
from hmnist.models.network import Network

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Examples:
    """What a network is trained on.

    Attributes
    ----------
    inputs : numpy.ndarray, shape (n, …)
        What the network reads.
    targets : numpy.ndarray of float32, shape (n, classes)
        The share of each class.
    weights : numpy.ndarray of float64, shape (n,), or None
        The weight of each example.
    validation : tuple of inputs and targets, both float32, or None
        Examples that are measured after each epoch.
    """

    inputs: npt.NDArray[Any]
    targets: Float32
    weights: Float64 | None = None
    validation: tuple[Float32, Float32] | None = None


def train_network(
    network: Network,
    examples: Examples,
    *,
    classes: npt.NDArray[Any],
    offset: Float64,
    label_smoothing: float,
    seed: int,
    callbacks: "list[keras.callbacks.Callback]",
) -> tuple[list[npt.NDArray[Any]], dict[str, list[float]]]:
    """Train one network.

    Parameters
    ----------
    network : Network
    examples : Examples
    classes : numpy.ndarray
        The labels of the columns of the targets.
    offset : numpy.ndarray of float64, shape (classes,)
        Added to the logits in training, if the plan adjusts them.
    label_smoothing : float
        The share of the targets that is spread over all classes.
    seed : int
        The seed of all random draws.
    callbacks : list of keras.callbacks.Callback

    Returns
    -------
    weights : list of numpy.ndarray
        Those of the network, in their order.
    history : dict of list of float
        See `NetworkModel`.
    """
    keras = load_keras()
    from hmnist.models.batches import TrainingBatches
    from hmnist.models.callbacks import FallingRate
    from hmnist.models.metrics import Recalls

    plan = network.training
    if plan.plateau is not None:
        callbacks = [*callbacks, FallingRate(plan.plateau)]
    with seeded(seed):
        with policy(plan.precision):
            graph = network.build(examples.inputs.shape[1:], len(classes))
            trained = _adjust(graph, offset) if plan.logit_adjustment else graph
        if network.prepare is not None:
            network.prepare(graph, examples.inputs)
        batches = TrainingBatches(
            network, examples.inputs, examples.targets, examples.weights, seed
        )
        trained.compile(
            optimizer=plan.optimizer(plan.epochs * batches.num_batches),
            loss=keras.losses.CategoricalCrossentropy(
                from_logits=True, label_smoothing=label_smoothing
            ),
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
    for name in _unknown_recalls(examples, classes):
        del logs[name]
    history = {name: [float(value) for value in values] for name, values in logs.items()}
    return graph.get_weights(), history


def _adjust(graph: "keras.Model", offset: Float64) -> "keras.Model":
    """Return the network with the offset added to its logits; it shares the weights."""
    keras = load_keras()
    logits = keras.ops.add(graph.output, offset.astype(np.float32))
    return keras.Model(graph.input, logits)


def _unknown_recalls(examples: Examples, classes: npt.NDArray[Any]) -> list[str]:
    """Return the recalls in training, whose targets are mixtures, and those without images."""
    names = [f"recall_{label}" for label in classes]
    if examples.validation is not None:
        absent = classes[~examples.validation[1].any(axis=0)]
        names += [f"val_recall_{label}" for label in absent]
    return names
