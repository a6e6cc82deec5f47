"""Training batches: each image once an epoch, and weights that survive mixup."""

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.augmentation import mixup
from hmnist.models.batches import MOST_BYTES, Batches, TrainingBatches, prediction_batch
from hmnist.models.network import Examples, Network, TrainingPlan

IMAGES = np.random.default_rng(0).integers(0, 256, (70, 4, 4, 3), dtype=np.uint8)
LABELS = np.arange(70) % 3
TARGETS = np.eye(3, dtype=np.float32)[LABELS]


def make_batches(
    weights: npt.NDArray[np.float64] | None, *, strength: float = 0.0
) -> TrainingBatches:
    """Return batches of a network that needs none of its graph."""
    plan = TrainingPlan(epochs=1, batch_size=32, optimizer=lambda _: None, mixup=strength)
    network = Network(build=lambda *_: None, training=plan)
    return TrainingBatches(network, Examples(IMAGES, TARGETS, weights), 5)


def one_by_one(parts: list[Batches]) -> list[tuple[npt.NDArray[np.float32], ...]]:
    return [
        batch
        for part in parts
        for batch in zip(part.inputs, part.targets, part.weights, strict=True)
    ]


def test_batches_contain_each_image_once_and_the_last_may_be_short() -> None:
    batches = make_batches(np.arange(70.0))
    assert batches.steps == 3
    for epoch in range(2):
        parts = one_by_one(list(batches.epoch(epoch)))
        assert [len(images) for images, _, _ in parts] == [32, 32, 6]
        rows = np.concatenate([weights for _, _, weights in parts]).astype(int)
        assert sorted(rows) == list(range(70))
        targets = np.concatenate([targets for _, targets, _ in parts])
        np.testing.assert_array_equal(targets.argmax(axis=1), LABELS[rows])


def test_without_weights_every_row_counts_once() -> None:
    parts = one_by_one(list(make_batches(None).epoch(0)))
    np.testing.assert_array_equal(np.concatenate([weights for _, _, weights in parts]), np.ones(70))


def test_what_is_handed_over_at_once_changes_no_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.arange(70.0)
    together = list(make_batches(weights, strength=0.4).epoch(1))
    assert [len(part.inputs) for part in together] == [2, 1]
    monkeypatch.setattr("hmnist.models.batches.MOST_BYTES", 1)
    apart = list(make_batches(weights, strength=0.4).epoch(1))
    assert [len(part.inputs) for part in apart] == [1, 1, 1]
    for first, second in zip(one_by_one(together), one_by_one(apart), strict=True):
        for ours, theirs in zip(first, second, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("shape", "expected"), [((28, 28, 3), 512), ((5000, 5000, 3), 1)])
def test_prediction_takes_the_usual_batch_of_usual_images(
    shape: tuple[int, ...], expected: int
) -> None:
    assert prediction_batch(make_batches(None).network, shape) == expected


def test_a_batch_of_predicted_images_has_a_limited_size() -> None:
    count = prediction_batch(make_batches(None).network, (112, 112, 3))
    assert count * 112 * 112 * 3 * 4 <= MOST_BYTES < (count + 1) * 112 * 112 * 3 * 4


def test_each_part_of_a_mixture_has_the_weight_of_its_own_image() -> None:
    weights = np.array([1.0, 5.0, 0.25])[LABELS]
    batches = make_batches(weights, strength=0.4)
    images, identity = IMAGES.astype(np.float32), np.eye(70, dtype=np.float32)
    order = np.random.default_rng([5, 0]).permutation(70)
    for step, (_, targets, totals) in enumerate(one_by_one(list(batches.epoch(0)))):
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
        rows = order[step * 32 : (step + 1) * 32]
        # Mixing row numbers instead of images tells which rows are mixed, and how much of each.
        _, shares = mixup(images[rows], identity[rows], 0.4, np.random.default_rng([5, 0, step]))
        assert (np.count_nonzero(shares, axis=1) == 2).any()
        np.testing.assert_allclose(
            targets * totals[:, None], (shares * weights) @ TARGETS, rtol=1e-5
        )
