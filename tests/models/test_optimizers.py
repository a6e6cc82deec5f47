"""The learning rate of every step, and how weights are averaged."""

import numpy as np
import pytest

from hmnist.models.keras_setup import load_keras
from hmnist.models.optimizers import averaging, warm_cosine


def test_the_learning_rate_rises_and_falls_to_nothing() -> None:
    load_keras()
    schedule = warm_cosine(0.3, 200)
    rates = [float(schedule(step)) for step in range(201)]
    assert rates[0] == pytest.approx(0.003)
    assert int(np.argmax(rates)) == 30
    assert max(rates) == pytest.approx(0.3)
    assert (np.diff(rates[:31]) > 0).all()
    assert (np.diff(rates[30:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-6)
    assert rates[115] == pytest.approx(0.15)  # half-way down


@pytest.mark.parametrize(("steps", "last"), [(5000, 100), (400, 40), (1, 2)])
def test_the_last_steps_are_averaged(steps: int, last: float) -> None:
    assert averaging(steps)["ema_momentum"] == pytest.approx(1 - 1 / last)
