"""The training of one network: the same as Keras' own, and a learning rate that falls."""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.models.keras_setup import load_keras, seeded
from hmnist.models.network import Examples, Network, TrainingPlan
from hmnist.models.optimizers import make_adamw
from hmnist.systems.system import Plateau

CLASSES = np.arange(3)


def build(shape: tuple[int, ...], classes: int) -> Any:
    """Return a network that has everything: convolutions, moving averages and dropout."""
    keras = load_keras()
    inputs = keras.Input(shape)
    x = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dropout(0.2)(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(classes)(x))


def make_examples(rng: np.random.Generator, *, weighted: bool) -> Examples:
    images = rng.integers(0, 256, (90, 6, 6, 3), dtype=np.uint8)
    targets = np.eye(3, dtype=np.float32)[rng.integers(3, size=90)]
    weights = rng.uniform(0.5, 2, 90) if weighted else None
    return Examples(images, targets, weights, Examples(images[:31], targets[:31]))


def fit_with_keras(
    network: Network, examples: Examples, seed: int
) -> tuple[Any, dict[str, list[float]]]:
    """Train with Keras' own `fit` on the same batches, one by one."""
    keras = load_keras()
    from hmnist.models.batches import TrainingBatches

    plan = network.training
    ours = TrainingBatches(network, examples, seed)

    class OneByOne(keras.utils.PyDataset):  # type: ignore[name-defined,misc] # keras has no types
        epoch = -1

        @property
        def num_batches(self) -> int:
            return ours.steps

        def on_epoch_begin(self) -> None:
            self.epoch += 1

        def __getitem__(self, step: int) -> tuple[npt.NDArray[Any], ...]:
            parts = [
                batch
                for part in ours.epoch(max(self.epoch, 0))
                for batch in zip(part.inputs, part.targets, part.weights, strict=True)
            ]
            return parts[step]

    with seeded(seed):
        graph = network.build(examples.inputs.shape[1:], 3)
        graph.compile(
            plan.optimizer(plan.epochs * ours.steps),
            keras.losses.CategoricalCrossentropy(True, plan.label_smoothing),
            weighted_metrics=["accuracy"],
        )
        assert examples.validation is not None
        images, targets = examples.validation.inputs, examples.validation.targets
        history = graph.fit(
            OneByOne(),
            epochs=plan.epochs,
            shuffle=False,
            verbose=0,
            validation_data=(images.astype(np.float32), targets),
            validation_batch_size=31,
        ).history
    return graph.get_weights(), history


@pytest.mark.parametrize("weighted", [False, True])
def test_the_weights_are_those_of_keras_own_loop(
    rng: np.random.Generator, *, weighted: bool
) -> None:
    load_keras()
    from hmnist.models.training import train_network

    plan = TrainingPlan(
        epochs=3,
        batch_size=20,
        optimizer=partial(make_adamw, 0.01, 0.05),
        label_smoothing=0.1,
        mixup=0.2,
    )
    network = Network(build=build, training=plan)
    examples = make_examples(rng, weighted=weighted)
    weights, history = train_network(
        network,
        examples,
        classes=CLASSES,
        offset=np.zeros(3),
        label_smoothing=0.1,
        seed=5,
        on_epoch=lambda _, __: None,
    )
    expected, logs = fit_with_keras(network, examples, 5)
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-5)
    for name, values in logs.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-4, err_msg=name)


def test_validation_has_scikit_learns_recalls(rng: np.random.Generator) -> None:
    from sklearn.metrics import recall_score

    keras = load_keras()
    from hmnist.models.training import Steps

    inputs = keras.Input((4,))
    graph = keras.Model(inputs, inputs)
    logits = rng.normal(size=(90, 4)).astype(np.float32)
    true = rng.integers(0, 3, 90)
    steps = Steps(graph, keras.optimizers.SGD(), np.zeros(4), 0.0)
    examples = Examples(logits, np.eye(4, dtype=np.float32)[true])
    scores = steps.validate(examples, np.arange(4), 40)
    expected = recall_score(true, logits.argmax(axis=1), average=None, labels=[0, 1, 2])
    recalls = {name: value for name, value in scores.items() if "recall_" in name}
    assert recalls == {f"val_recall_{label}": pytest.approx(expected[label]) for label in range(3)}
    overall = keras.metrics.Recall()(examples.targets, keras.ops.softmax(logits))
    assert scores["val_recall"] == pytest.approx(float(overall))
    assert 0 < scores["val_recall"] < scores["val_accuracy"]


def test_the_rate_falls_without_a_new_maximum_to_its_floor() -> None:
    keras = load_keras()
    from hmnist.models.training import FallingRate

    optimizer = keras.optimizers.SGD(0.1)
    falling = FallingRate(Plateau(factor=0.5, patience=2), optimizer)
    rates = [falling.after_epoch(each) for each in (0.5, 0.5, 0.1, 0.3, 0.5, 0.6, 0.6)]
    np.testing.assert_allclose(rates, 0.1 * np.array([1, 1, 1, 0.5, 0.5, 0.25, 0.25]))
    assert float(optimizer.learning_rate.value) == pytest.approx(0.1 / 4)
    falling.after_epoch(0.6)
    assert float(optimizer.learning_rate.value) == pytest.approx(0.1 / 8)
    falling = FallingRate(Plateau(factor=0.5, patience=1, floor=0.02), keras.optimizers.SGD(0.1))
    rates = [falling.after_epoch(0.5) for _ in range(6)]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.05, 0.025, 0.02, 0.02])


def test_the_weights_of_the_best_epoch_are_kept(rng: np.random.Generator) -> None:
    keras = load_keras()
    from hmnist.models.training import train_network

    def build(shape: tuple[int, ...], classes: int) -> Any:
        inputs = keras.Input(shape)
        return keras.Model(inputs, keras.layers.Dense(classes)(inputs))

    def train(epochs: int, *, restore_best: bool) -> tuple[Any, list[float]]:
        plan = TrainingPlan(
            epochs=epochs,
            batch_size=8,
            optimizer=lambda _: keras.optimizers.SGD(2.0),  # so large that accuracies jump
            restore_best=restore_best,
        )
        weights, history = train_network(
            Network(build=build, training=plan),
            examples,
            classes=np.arange(3),
            offset=np.zeros(3),
            label_smoothing=0.0,
            seed=5,
            on_epoch=lambda _, __: None,
        )
        return weights, history["val_accuracy"]

    targets = np.eye(3, dtype=np.float32)[rng.integers(0, 3, 60)]
    inputs = rng.normal(size=(60, 4)).astype(np.float32)
    validation = Examples(inputs[40:], targets[40:])
    examples = Examples(inputs[:40], targets[:40], validation=validation)
    kept, accuracies = train(8, restore_best=True)
    best = int(np.argmax(accuracies))
    assert best < 7, "the last epoch is the best: choose another seed"
    expected, _ = train(best + 1, restore_best=False)
    last, _ = train(8, restore_best=False)
    np.testing.assert_array_equal(kept[0], expected[0])
    assert not np.array_equal(kept[0], last[0])
