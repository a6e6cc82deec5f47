"""`TrainingBatches`: the training examples in a new order and new versions for every epoch."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32
from hmnist.augmentation import mixup
from hmnist.large_arrays import release
from hmnist.models.network import Examples, Network
from hmnist.patients import hide_patients

MOST_STEPS = 16
"""Batches that are handed over at once: the cost of a call is shared by as many steps."""

MOST_BYTES = 2**24
"""The size of the inputs that are handed over at once, unless a single one or batch is larger."""


def prediction_batch(network: Network, shape: tuple[int, ...]) -> int:
    """Return how many inputs of a shape are predicted at once: fewer if they are large."""
    return max(1, min(network.prediction_batch, MOST_BYTES // (4 * math.prod(shape))))


@dataclass(frozen=True, eq=False)
class Batches:
    """Some batches of equal size, one behind the other: float32.

    Inputs have the shape (steps, batch, …), targets (steps, batch, classes), and the weights of the
    rows (steps, batch). Patient data, if there are any, have the shape (steps, batch, columns).
    """

    inputs: Float32
    targets: Float32
    weights: Float32
    patients: Float32 | None = None


class TrainingBatches:
    """The batches of a training. Order and random versions depend on seed, epoch and step alone."""

    def __init__(self, network: Network, examples: Examples, seed: int) -> None:
        self.network, self.examples, self.seed = network, examples, seed
        self.count, self.batch_size = len(examples.inputs), network.training.batch_size

    @property
    def steps(self) -> int:
        """The number of batches of an epoch."""
        return self.network.training.steps_per_epoch or self._steps_of_pass

    @property
    def _steps_of_pass(self) -> int:
        """The number of batches that show every example once; the last one may be smaller."""
        return -(-self.count // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batches]:
        """Yield the batches of an epoch, a few at once.

        The next ones are made in another thread while the network is trained on these.
        """
        with ThreadPoolExecutor(1) as pool:
            coming = None
            for group in self._group_steps(number):
                ready, coming = coming, pool.submit(self._make, *group)
                if ready is not None:
                    yield ready.result()
            if coming is not None:
                yield coming.result()

    def _group_steps(self, epoch: int) -> Iterator[tuple[int, npt.NDArray[np.int64], range]]:
        """Yield the steps of an epoch that are handed over together, with their pass and order.

        An epoch is one pass through the examples, or as many steps of one or several passes as the
        training plan says.
        """
        size = self.batch_size * math.prod(self.examples.inputs.shape[1:]) * 4
        together = max(1, min(MOST_STEPS, MOST_BYTES // size))
        whole, full = self._steps_of_pass, self.count // self.batch_size
        first, end = epoch * self.steps, (epoch + 1) * self.steps
        for number in range(first // whole, -(-end // whole)):
            order = np.random.default_rng([self.seed, number]).permutation(self.count)
            start, stop = max(0, first - number * whole), min(whole, end - number * whole)
            # The last batch of a pass may be smaller, so it comes alone.
            for step in range(start, min(stop, full), together):
                yield number, order, range(step, min(step + together, stop, full))
            if stop > full:
                yield number, order, range(full, stop)

    def _make(self, number: int, order: npt.NDArray[np.int64], steps: range) -> Batches:
        made = [self._make_batch(number, order, step) for step in steps]
        return Batches(*(np.stack(parts) for parts in zip(*made, strict=True)))

    def _make_batch(
        self, epoch: int, order: npt.NDArray[np.int64], step: int
    ) -> tuple[Float32, ...]:
        """Return inputs, targets, the weights of rows, and patient data if there are any."""
        weights = self.examples.weights
        rows = order[step * self.batch_size : (step + 1) * self.batch_size]
        rng = np.random.default_rng([self.seed, epoch, step])
        batch = self.examples.inputs[rows]
        # Systems may map two megabytes around each row that is read.
        release(self.examples.inputs)
        shares: npt.NDArray[Any] = self.examples.targets[rows]
        if self.network.augment is not None:
            batch = self.network.augment(batch, rng)
        if weights is not None:
            # Before mixup, so that each half of a mixture has the weight of its own image.
            shares = shares * weights[rows, None]
        known = self._hide_some(epoch, step, rows)
        batch, shares, *known = mixup([batch, shares, *known], self.network.training.mixup, rng)
        totals: npt.NDArray[Any] = np.ones(len(rows))
        if weights is not None:
            totals = shares.sum(axis=1)
            shares = shares / np.maximum(totals, np.finfo(np.float32).tiny)[:, None]
        return tuple(np.asarray(part, np.float32) for part in (batch, shares, totals, *known))

    def _hide_some(self, epoch: int, step: int, rows: npt.NDArray[np.int64]) -> list[Float32]:
        """Return the patient data of rows, some of them hidden; nothing if there are none."""
        if self.examples.patients is None:
            return []
        # Drawn apart, so that images are the same with patient data and without.
        draws = np.random.default_rng([self.seed, epoch, step, 1]).random(len(rows))
        return [hide_patients(self.examples.patients[rows], draws)]
