"""Training batches: each image once an epoch, and weights that survive mixup."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.augmentation import mixup
from hmnist.models.keras_setup import load_keras
from hmnist.models.network import Examples, Network, TrainingPlan

IMAGES = np.random.default_rng(0).integers(0, 256, (70, 4, 4, 3), dtype=np.uint8)
LABELS = np.arange(70) % 3
TARGETS = np.eye(3, dtype=np.float32)[LABELS]


def make_batches(weights: npt.NDArray[np.float64], *, strength: float = 0.0) -> Any:
    """Return batches of a network that needs none of its graph."""
    load_keras()
    from hmnist.models.batches import TrainingBatches

    plan = TrainingPlan(epochs=1, batch_size=32, optimizer=lambda _: None, mixup=strength)
    network = Network(build=lambda *_: None, training=plan)
    return TrainingBatches(network, Examples(IMAGES, TARGETS, weights), 5)


def test_batches_contain_each_image_once_and_the_last_may_be_short() -> None:
    batches = make_batches(np.arange(70.0))
    assert batches.num_batches == 3
    for _ in range(2):
        batches.on_epoch_begin()
        parts = [batches[step] for step in range(3)]
        assert [len(images) for images, _, _ in parts] == [32, 32, 6]
        rows = np.concatenate([weights for _, _, weights in parts]).astype(int)
        assert sorted(rows) == list(range(70))
        targets = np.concatenate([targets for _, targets, _ in parts])
        np.testing.assert_array_equal(targets.argmax(axis=1), LABELS[rows])


def test_each_part_of_a_mixture_has_the_weight_of_its_own_image() -> None:
    weights = np.array([1.0, 5.0, 0.25])[LABELS]
    batches = make_batches(weights, strength=0.4)
    images, identity = IMAGES.astype(np.float32), np.eye(70, dtype=np.float32)
    order = np.random.default_rng([5, 0]).permutation(70)
    for step in range(batches.num_batches):
        _, targets, totals = batches[step]
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
        rows = order[step * 32 : (step + 1) * 32]
        # Mixing row numbers instead of images tells which rows are mixed, and how much of each.
        _, shares = mixup(images[rows], identity[rows], 0.4, np.random.default_rng([5, 0, step]))
        assert (np.count_nonzero(shares, axis=1) == 2).any()
        np.testing.assert_allclose(
            targets * totals[:, None], (shares * weights) @ TARGETS, rtol=1e-5
        )
