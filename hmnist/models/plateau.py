"""`PlateauNetwork`: a Keras network that brings its own rule for the learning rate."""

import math
from typing import Any

import keras

from hmnist.models.systems import Plateau

__all__ = ["PlateauNetwork"]


class PlateauNetwork(keras.Model):
    """A network whose learning rate falls when its loss stands still.

    Keras asks for such rules when a network is fitted; a system's rule belongs to the system, so
    the network hands it over by itself.

    Attributes
    ----------
    plateau : Plateau or None
        The rule; None for a constant rate.
    at_once : int
        Images per batch of validation: wide networks on large images take gigabytes for 512.
    """

    plateau: Plateau | None = None
    at_once: int = 64

    def fit(self, *data: Any, callbacks: Any = (), **options: Any) -> Any:
        """Fit as Keras does, with the rule among the callbacks."""
        rules = [] if self.plateau is None else [_Falling(self.plateau)]
        options["validation_batch_size"] = self.at_once
        return super().fit(*data, callbacks=[*callbacks, *rules], **options)


class _Falling(keras.callbacks.Callback):
    """`keras.callbacks.ReduceLROnPlateau`, which numpy 2 warns of: it reads the rate as an array.

    It watches the loss on validation if there is one, else that in training, and notes the rate of
    each epoch in the history.
    """

    def __init__(self, plateau: Plateau) -> None:
        super().__init__()
        self.plateau = plateau

    def on_train_begin(self, _logs: dict[str, float] | None = None) -> None:
        self.least, self.waited = math.inf, 0
        self.rate = float(keras.ops.convert_to_tensor(self.model.optimizer.learning_rate))

    def on_epoch_end(self, _epoch: int, logs: dict[str, float]) -> None:
        logs["learning_rate"] = self.rate
        loss = logs.get("val_loss", logs["loss"])
        self.waited = 0 if loss < self.least else self.waited + 1
        self.least = min(self.least, loss)
        if self.waited >= self.plateau.patience:
            self.rate *= self.plateau.factor
            self.model.optimizer.learning_rate = self.rate
            self.waited = 0
