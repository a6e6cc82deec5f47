"""`FallingRate`: a learning rate that falls when the loss stands still."""

import math

import keras

from hmnist.systems.system import Plateau

__all__ = ["FallingRate"]


class FallingRate(keras.callbacks.Callback):
    """Lower the learning rate when the loss has found no new minimum for some epochs.

    It watches the loss on validation if there is one, else that in training, and notes the rate of
    each epoch in the history.

    `keras.callbacks.ReduceLROnPlateau` does the same, but reads the rate as an array in a way that
    numpy 2 warns of in every epoch.

    Parameters
    ----------
    plateau : Plateau
        By how much the rate falls, and after how many epochs.
    """

    def __init__(self, plateau: Plateau) -> None:
        super().__init__()
        self.plateau = plateau

    def on_train_begin(self, _logs: dict[str, float] | None = None) -> None:
        """Begin anew, at the rate that the optimiser has."""
        self.least, self.waited = math.inf, 0
        self.rate = float(keras.ops.convert_to_tensor(self.model.optimizer.learning_rate))

    def on_epoch_end(self, _epoch: int, logs: dict[str, float]) -> None:
        """Note the rate, and lower it if the loss has stood still for long enough."""
        logs["learning_rate"] = self.rate
        loss = logs.get("val_loss", logs["loss"])
        self.waited = 0 if loss < self.least else self.waited + 1
        self.least = min(self.least, loss)
        if self.waited >= self.plateau.patience:
            self.rate *= self.plateau.factor
            self.model.optimizer.learning_rate = self.rate
            self.waited = 0
