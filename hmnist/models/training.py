"""`train_network`: the training of one network on given examples.

The loop is our own instead of Keras' `fit`: several steps are one call of a compiled function, and
the next batches are made meanwhile. Keras is imported at the top, so this module is imported after
`load_keras`.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from hmnist.arrays import Float32, Float64, softmax
from hmnist.models.batches import TrainingBatches, prediction_batch
from hmnist.models.keras_setup import policy, seeded
from hmnist.models.network import Examples, Network, call_graph
from hmnist.models.training_state import TrainingState, ignore_notes
from hmnist.systems.system import Plateau


def train_network(
    network: Network,
    examples: Examples,
    *,
    classes: npt.NDArray[Any],
    offset: Float64,
    label_smoothing: float,
    seed: int,
    on_epoch: Callable[[int, dict[str, float]], None],
    state_file: Path | None = None,
    note: Callable[[str], None] = ignore_notes,
) -> tuple[list[npt.NDArray[Any]], dict[str, list[float]]]:
    """Train one network; return its weights in their order, and its history (see `NetworkModel`).

    The columns of the targets have the labels `classes`. `offset` is added to the logits in
    training. `on_epoch` is called with the number of finished epochs, and what the last one adds to
    the history. The state of the training is kept in `state_file`, so that one that was interrupted
    goes on there, and `note` is called with a sentence that says so.
    """
    plan = network.training
    batches = TrainingBatches(network, examples, seed)
    with seeded(seed):
        graph = _build(network, examples, len(classes))
        optimizer = plan.optimizer(plan.epochs * batches.steps)
        steps = Steps(graph, optimizer, offset, label_smoothing)
        rate = None if plan.plateau is None else FallingRate(plan.plateau, optimizer)
        best = BestWeights(graph, keep=plan.restore_best and examples.validation is not None)
        changing = [*graph.variables, *optimizer.variables, *best.variables]
        state = TrainingState(state_file, changing, note)
        done, history = _resume(state, rate)
        if done:
            if done < plan.epochs:
                note(f"resumed at epoch {done} of {plan.epochs}")
            on_epoch(done, {name: values[-1] for name, values in history.items()})
        for epoch in range(done, plan.epochs):
            logs = steps.train_epoch(batches, epoch)
            if examples.validation is not None:
                size = prediction_batch(network, examples.inputs.shape[1:])
                logs |= steps.validate(examples.validation, classes, size)
            if rate is not None:
                accuracy = logs.get("val_accuracy", logs["accuracy"])
                logs["learning_rate"] = rate.after_epoch(accuracy)
            for name, value in logs.items():
                history.setdefault(name, []).append(value)
            best.after_epoch(history.get("val_accuracy", []))
            state.keep(
                {
                    "epochs": epoch + 1,
                    "history": history,
                    "rate": None if rate is None else rate.facts(),
                },
                at_once=epoch + 1 == plan.epochs,
            )
            on_epoch(epoch + 1, logs)
    if best.variables:
        return [np.asarray(weights) for weights in best.variables], history
    # The averaged weights take the place of the last ones.
    optimizer.finalize_variable_values(graph.trainable_variables)
    return graph.get_weights(), history


def _build(network: Network, examples: Examples, classes: int) -> keras.Model:
    """Return the network, as it is before its training."""
    with policy(network.training.policy):
        graph = network.build_for(
            examples.inputs.shape[1:], classes, uses_patients=examples.patients is not None
        )
    if network.prepare is not None:
        network.prepare(graph, examples.inputs)
    return graph


def _resume(state: TrainingState, rate: "FallingRate | None") -> tuple[int, dict[str, list[float]]]:
    """Go on where a training was interrupted; return its finished epochs, and its history."""
    facts = state.restore()
    if facts is None:
        return 0, {}
    if rate is not None:
        rate.restore(facts["rate"])
    return facts["epochs"], facts["history"]


class Steps:
    """The compiled functions that train a network, and score it on validation images.

    The loss is categorical cross-entropy of the logits plus `offset`, times the weights of the
    rows, averaged over a batch.
    """

    def __init__(
        self,
        graph: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        offset: Float64,
        label_smoothing: float,
    ) -> None:
        self._graph, self._optimizer = graph, optimizer
        self._offset = tf.constant(offset, tf.float32)
        self._losses = keras.losses.CategoricalCrossentropy(True, label_smoothing, reduction=None)
        optimizer.build(graph.trainable_variables)
        # Sizes are left open, so that a smaller last batch needs no second compilation.
        inputs, *patients = [(None, *source.shape[1:]) for source in graph.inputs]
        scored = [inputs, (None, len(offset)), *patients]
        trained = [inputs, (None, len(offset)), (None,), *patients]
        self._train = tf.function(
            self._take_steps, input_signature=[tf.TensorSpec((None, *shape)) for shape in trained]
        )
        self._score = tf.function(
            self._score_batch, input_signature=[tf.TensorSpec(shape) for shape in scored]
        )

    def train_epoch(self, batches: TrainingBatches, epoch: int) -> dict[str, float]:
        """Train one epoch; return its loss and its accuracy, weighted by the rows' weights."""
        sums = [
            self._train(part.inputs, part.targets, part.weights, *_if_any(part.patients))
            for part in batches.epoch(epoch)
        ]
        loss, hits, rows, weights = np.array(sums, dtype=np.float64).sum(axis=0).tolist()
        return {"loss": loss / rows, "accuracy": hits / max(weights, math.ulp(0.0))}

    def validate(
        self, examples: Examples, classes: npt.NDArray[Any], size: int
    ) -> dict[str, float]:
        """Return loss, accuracy, recall and that of each class that occurs, in batches."""
        targets = examples.targets
        arrays = (examples.inputs, targets, *_if_any(examples.patients))
        scored = [
            self._score(*(array[start : start + size].astype(np.float32) for array in arrays))
            for start in range(0, len(targets), size)
        ]
        losses, logits = (np.concatenate(part) for part in zip(*scored, strict=True))
        true = targets.argmax(axis=1)
        hits = logits.argmax(axis=1) == true
        # As Keras counts the recall over all classes: a probability above one half.
        recalled = softmax(logits)[np.arange(len(true)), true] > 0.5
        recalls = {
            f"val_recall_{label}": float(hits[true == number].mean())
            for number, label in enumerate(classes.tolist())
            if (true == number).any()
        }
        return {
            "val_loss": float(losses.mean()),
            "val_accuracy": float(hits.mean()),
            "val_recall": float(recalled.mean()),
            **recalls,
        }

    def _take_steps(self, inputs: Any, targets: Any, weights: Any, patients: Any = None) -> Any:
        """Take a step for each batch; return the sums of loss, hits, rows and weights."""
        sums = tf.zeros(4)
        for step in tf.range(tf.shape(inputs)[0]):
            true, weight = targets[step], weights[step]
            known = None if patients is None else patients[step]
            with tf.GradientTape() as tape:
                logits = self._logits(inputs[step], known, training=True)
                losses = self._losses(true, logits) * weight
                loss = tf.reduce_mean(losses)
            variables = self._graph.trainable_variables
            self._optimizer.apply(tape.gradient(loss, variables), variables)
            hits = tf.cast(tf.argmax(logits, 1) == tf.argmax(true, 1), tf.float32) * weight
            rows = tf.cast(tf.size(weight), tf.float32)
            sums += tf.stack(
                [tf.reduce_sum(losses), tf.reduce_sum(hits), rows, tf.reduce_sum(weight)]
            )
        return sums

    def _score_batch(self, inputs: Any, targets: Any, patients: Any = None) -> Any:
        logits = self._logits(inputs, patients, training=False)
        return self._losses(targets, logits), logits

    def _logits(self, inputs: Any, patients: Any, *, training: bool) -> Any:
        logits = call_graph(self._graph, inputs, patients, training=training)
        return tf.cast(logits, tf.float32) + self._offset


def _if_any(patients: Float32 | None) -> list[Float32]:
    return [] if patients is None else [patients]


class BestWeights:
    """The weights after the epoch with the highest accuracy on validation, the first of equals.

    Parameters
    ----------
    graph : keras.Model
        The network that is trained.
    keep : bool
        Whether they are kept; otherwise there are no `variables`.
    """

    def __init__(self, graph: keras.Model, *, keep: bool) -> None:
        self._graph = graph
        self.variables = [
            keras.Variable(each, dtype=each.dtype, trainable=False)
            for each in graph.weights
            if keep
        ]

    def after_epoch(self, accuracies: Sequence[float]) -> None:
        """Keep the present weights if the last of the accuracies is the highest so far."""
        if self.variables and accuracies[-1] > max(accuracies[:-1], default=-math.inf):
            for kept, weights in zip(self.variables, self._graph.weights, strict=True):
                kept.assign(weights)


class FallingRate:
    """Lowers the learning rate when the accuracy has had no new maximum for some epochs."""

    def __init__(self, plateau: Plateau, optimizer: keras.optimizers.Optimizer) -> None:
        self._plateau, self._optimizer = plateau, optimizer
        self._maximum, self._waited = -math.inf, 0
        self._rate = float(optimizer.learning_rate.numpy())

    def facts(self) -> dict[str, float]:
        """Return what `restore` needs."""
        return {"maximum": self._maximum, "waited": self._waited, "rate": self._rate}

    def restore(self, facts: dict[str, Any]) -> None:
        """Go on where another one was."""
        self._maximum, self._waited = facts["maximum"], facts["waited"]
        self._rate = facts["rate"]

    def after_epoch(self, accuracy: float) -> float:
        """Return the rate of this epoch, and lower it for the next ones if it is time."""
        rate = self._rate
        self._waited = 0 if accuracy > self._maximum else self._waited + 1
        self._maximum = max(self._maximum, accuracy)
        if self._waited >= self._plateau.patience:
            self._rate = max(self._rate * self._plateau.factor, self._plateau.floor)
            self._optimizer.learning_rate = self._rate
            self._waited = 0
        return rate
