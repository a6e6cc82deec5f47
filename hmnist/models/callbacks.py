"""Callbacks of a training: a learning rate that falls, and the report of steps."""

import math
from collections.abc import Callable

import keras

from hmnist.systems.system import Plateau


class FallingRate(keras.callbacks.Callback):
    """Lower the learning rate when the loss has had no new minimum for some epochs.

    The loss is that on validation, or in training without validation. The rate of each epoch
    becomes part of the history.

    `keras.callbacks.ReduceLROnPlateau` does the same, but reads the rate in a way that makes numpy
    2 warn in every epoch.

    Parameters
    ----------
    plateau : Plateau
        By how much the rate falls, and after how many epochs.
    """

    def __init__(self, plateau: Plateau) -> None:
        super().__init__()
        self.plateau = plateau

    def on_train_begin(self, _logs: dict[str, float] | None = None) -> None:
        """Start with the rate of the optimiser."""
        self.minimum, self.waited = math.inf, 0
        self.rate = float(keras.ops.convert_to_tensor(self.model.optimizer.learning_rate))

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


class StepReporter(keras.callbacks.Callback):
    """Report the end of every epoch.

    Parameters
    ----------
    on_step : callable or None
        Called as ``on_step(done, total)``.
    done : int
        The epochs that were done before this training.
    total : int
        All epochs.
    """

    def __init__(self, on_step: Callable[[int, int], None] | None, done: int, total: int) -> None:
        super().__init__()
        self.on_step, self.done, self.total = on_step, done, total

    def on_epoch_end(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Report the epochs that are done."""
        if self.on_step is not None:
            self.on_step(self.done + epoch + 1, self.total)
