"""Training batches: each image once an epoch, and weights that survive mixup."""

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.augmentation import mixup
from hmnist.models.batches import MOST_BYTES, Batches, TrainingBatches, prediction_batch
from hmnist.models.network import Examples, Network, TrainingPlan
from hmnist.patients import HIDDEN_SHARE, PATIENT_COLUMNS, find_unknown

IMAGES = np.random.default_rng(0).integers(0, 256, (70, 4, 4, 3), dtype=np.uint8)
LABELS = np.arange(70) % 3
TARGETS = np.eye(3, dtype=np.float32)[LABELS]


def make_batches(
    weights: npt.NDArray[np.float64] | None, *, strength: float = 0.0, steps: int | None = None
) -> TrainingBatches:
    """Return batches of a network that needs none of its graph."""
    plan = TrainingPlan(
        epochs=1,
        batch_size=32,
        optimizer=lambda _: None,
        mixup=strength,
        steps_per_epoch=steps,
    )
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


@pytest.mark.parametrize("steps", [1, 2, 4, 7])
def test_an_epoch_of_so_many_steps_goes_on_where_the_last_one_ended(steps: int) -> None:
    weights = np.arange(70.0)
    whole, cut = make_batches(weights), make_batches(weights, steps=steps)
    assert cut.steps == steps
    passes = [batch for number in range(4) for batch in one_by_one(list(whole.epoch(number)))]
    epochs = [one_by_one(list(cut.epoch(number))) for number in range(12 // steps)]
    assert all(len(batches) == steps for batches in epochs)
    for ours, expected in zip((batch for each in epochs for batch in each), passes, strict=False):
        for first, second in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(first, second)


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
        mixed = mixup([images[rows], identity[rows]], 0.4, np.random.default_rng([5, 0, step]))
        shares = mixed[1]
        assert (np.count_nonzero(shares, axis=1) == 2).any()
        np.testing.assert_allclose(
            targets * totals[:, None], (shares * weights) @ TARGETS, rtol=1e-5
        )


PATIENTS = np.random.default_rng(4).normal(size=(70, len(PATIENT_COLUMNS))).astype(np.float32)


def patients_of(epoch: int, *, strength: float = 0.0) -> npt.NDArray[np.float32]:
    """Return the patient data of an epoch, in the order of the images."""
    batches = make_batches(None, strength=strength)
    batches.examples = Examples(IMAGES, TARGETS, patients=PATIENTS)
    parts = [part.patients for part in batches.epoch(epoch)]
    given = np.concatenate([np.concatenate(part) for part in parts if part is not None])
    order = np.random.default_rng([5, epoch]).permutation(70)
    return np.asarray(given[np.argsort(order)])


def test_some_patients_are_hidden_anew_in_each_epoch() -> None:
    hidden = []
    for epoch in range(20):
        given = patients_of(epoch)
        hidden.append(find_unknown(given))
        np.testing.assert_array_equal(given[~hidden[-1]], PATIENTS[~hidden[-1]])
        np.testing.assert_array_equal(given, patients_of(epoch))
    assert np.mean(hidden) == pytest.approx(HIDDEN_SHARE, abs=0.03)
    assert np.any(hidden, axis=0).mean() > 0.9
    assert not np.any(np.all(hidden, axis=0))


def test_images_are_the_same_with_patient_data_and_without() -> None:
    without = make_batches(None, strength=0.4)
    joined = make_batches(None, strength=0.4)
    joined.examples = Examples(IMAGES, TARGETS, patients=PATIENTS)
    for ours, theirs in zip(joined.epoch(1), without.epoch(1), strict=True):
        np.testing.assert_array_equal(ours.inputs, theirs.inputs)
        np.testing.assert_array_equal(ours.targets, theirs.targets)
        assert theirs.patients is None


def test_patients_are_mixed_as_their_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.models.batches.hide_patients", lambda patients, _: patients)
    batches = make_batches(None, strength=0.4)
    # Images that are the patient data themselves.
    images = PATIENTS[:, None, None]
    batches.examples = Examples(images, TARGETS, patients=PATIENTS)
    for part in batches.epoch(0):
        np.testing.assert_array_equal(part.inputs[:, :, 0, 0], part.patients)
