"""`TrainingBatches`: the training images in a new order and new versions for every epoch.

Keras is imported at the top, so this module is imported after `load_keras`.
"""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from hmnist.augmentation import mixup
from hmnist.models.network import Examples, Network


class TrainingBatches(keras.utils.PyDataset):
    """Batches whose order and random versions depend on seed and epoch alone.

    Keras' own shuffling draws the same order for every epoch once a seed is set.
    """

    def __init__(self, network: Network, examples: Examples, seed: int) -> None:
        super().__init__()
        self.network, self.examples, self.seed = network, examples, seed
        self.count, self.batch_size = len(examples.inputs), network.training.batch_size
        self.next_epoch = 0
        self._begin(0)  # Keras asks for two batches before the first epoch

    @property
    def num_batches(self) -> int:
        """The number of batches; the last one may be short."""
        return -(-self.count // self.batch_size)

    def on_epoch_begin(self) -> None:
        """Draw a new order. Keras calls `on_epoch_end` before the first epoch, too."""
        self._begin(self.next_epoch)
        self.next_epoch += 1

    def _begin(self, epoch: int) -> None:
        self.epoch = epoch
        self.order = np.random.default_rng([self.seed, epoch]).permutation(self.count)

    def __getitem__(self, step: int) -> tuple[npt.NDArray[Any], ...]:
        """Return inputs and targets, and the weights of rows if there are any."""
        weights = self.examples.weights
        rows = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        rng = np.random.default_rng([self.seed, self.epoch, step])
        batch = self.examples.inputs[rows]
        shares: npt.NDArray[Any] = self.examples.targets[rows]
        if self.network.augment is not None:
            batch = self.network.augment(batch, rng)
        if weights is not None:
            # Before mixup, so that each half of a mixture has the weight of its own image.
            shares = shares * weights[rows, None]
        batch, shares = mixup(batch, shares, self.network.training.mixup, rng)
        if weights is None:
            return np.asarray(batch, dtype=np.float32), shares
        totals = shares.sum(axis=1)
        shares = shares / np.maximum(totals, np.finfo(np.float32).tiny)[:, None]
        return tuple(np.asarray(part, dtype=np.float32) for part in (batch, shares, totals))

    def release(self) -> None:
        """Forget the images: TensorFlow keeps every data set that it has read from."""
        del self.network, self.examples
