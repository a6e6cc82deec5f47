"""The temperature against a known truth and a grid search."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics

from hmnist.decisions.calibration import fit_temperature, rescale
from tests.decisions.test_fitting import draw_part


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_a_known_sharpness(sharpness: float) -> None:
    labels, probabilities = draw_part(0, 5000, sharpness=sharpness)

    assert fit_temperature(labels, probabilities) == pytest.approx(sharpness, rel=0.08)


def test_the_temperature_is_that_of_a_grid_search() -> None:
    labels, probabilities = draw_part(1, 400, sharpness=1.8)

    def objective(temperature: float) -> float:
        powered = probabilities ** (1 / temperature)
        powered /= powered.sum(1, keepdims=True)
        loss = metrics.log_loss(labels, powered, normalize=False, labels=np.arange(7))
        return float(loss + np.log(temperature) ** 2 / (2 * 0.5**2))

    grid = np.arange(1.2, 2.6, 0.01)
    best = grid[np.argmin([objective(temperature) for temperature in grid])]
    assert fit_temperature(labels, probabilities) == pytest.approx(best, abs=0.01)


def test_few_images_cannot_throw_the_temperature_far() -> None:
    labels, probabilities = draw_part(2, 4, sharpness=0.3)

    assert 0.4 < fit_temperature(labels, probabilities) < 2.5


def test_rescaled_probabilities_are_a_softmax_of_scaled_logits() -> None:
    _, probabilities = draw_part(3, 50)
    expected = softmax(np.log(probabilities) / 1.7, axis=1)
    np.testing.assert_allclose(rescale(probabilities, 1.7), expected)
    np.testing.assert_allclose(rescale(probabilities, 1.0), probabilities)
