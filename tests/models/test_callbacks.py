import numpy as np
import pytest

from hmnist.models.training import load_keras
from hmnist.systems.system import Plateau


def test_the_rate_falls_when_the_loss_stands_still() -> None:
    keras = load_keras()
    from hmnist.models.plateau import FallingRate

    inputs = keras.Input((1,))
    network = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    network.set_weights([np.zeros((1, 1)), np.zeros(1)])
    falling = [FallingRate(Plateau(factor=0.5, patience=2))]
    network.compile(keras.optimizers.SGD(0.1), "mse")
    # Training is told one thing and validated on another: what it learns makes it worse.
    told, asked = np.ones((8, 1)), -np.ones((8, 1))
    held_out = (told, asked)
    history = network.fit(
        told, told, 8, epochs=7, verbose=0, validation_data=held_out, callbacks=falling
    )
    rates = np.array(history.history["learning_rate"])
    assert history.history["loss"][-1] < history.history["loss"][0]
    least = int(np.argmin(history.history["val_loss"]))
    assert least == 0
    np.testing.assert_allclose(rates, 0.1 * np.array([1, 1, 1, 0.5, 0.5, 0.25, 0.25]))
    assert float(network.optimizer.learning_rate.value) == pytest.approx(0.1 / 8)
    # Without validation the loss in training counts, which does not stand still.
    network.optimizer.learning_rate = 0.01
    history = network.fit(told, told, 8, epochs=4, verbose=0, callbacks=falling)
    np.testing.assert_allclose(history.history["learning_rate"], 0.01)
