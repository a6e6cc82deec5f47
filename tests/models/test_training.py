"""The training of one network: the learning rate that falls, and the recalls it counts."""

import numpy as np
import pytest

from hmnist.models.keras_setup import load_keras
from hmnist.systems.system import Plateau


def test_the_rate_falls_without_a_new_minimum() -> None:
    keras = load_keras()
    from hmnist.models.training import FallingRate

    inputs = keras.Input((1,))
    network = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    network.set_weights([np.zeros((1, 1)), np.zeros(1)])
    falling = [FallingRate(Plateau(factor=0.5, patience=2))]
    network.compile(keras.optimizers.SGD(0.1), "mse")
    # Targets of training and validation are opposite: what it learns makes validation worse.
    ones, opposite = np.ones((8, 1)), -np.ones((8, 1))
    held_out = (ones, opposite)
    history = network.fit(
        ones, ones, 8, epochs=7, verbose=0, validation_data=held_out, callbacks=falling
    )
    rates = np.array(history.history["learning_rate"])
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert int(np.argmin(history.history["val_loss"])) == 0
    np.testing.assert_allclose(rates, 0.1 * np.array([1, 1, 1, 0.5, 0.5, 0.25, 0.25]))
    assert float(network.optimizer.learning_rate.value) == pytest.approx(0.1 / 8)
    # Without validation the loss in training counts, which still falls.
    network.optimizer.learning_rate = 0.01
    history = network.fit(ones, ones, 8, epochs=4, verbose=0, callbacks=falling)
    np.testing.assert_allclose(history.history["learning_rate"], 0.01)


def test_recalls_are_scikit_learns(rng: np.random.Generator) -> None:
    from sklearn.metrics import recall_score

    load_keras()
    from hmnist.models.training import Recalls

    metric = Recalls(["a", "b", "c", "d"])
    true, logits = rng.integers(0, 3, 90), rng.normal(size=(90, 4))
    for rows in (slice(50), slice(50, 90)):
        metric.update_state(np.eye(4)[true[rows]], logits[rows])
    recalls = [float(value) for value in metric.result().values()]
    expected = recall_score(true, logits.argmax(axis=1), average=None, labels=[0, 1, 2])
    assert recalls == pytest.approx([*expected, 0])
    assert list(metric.result()) == ["a", "b", "c", "d"]
