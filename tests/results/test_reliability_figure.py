import numpy as np
import pytest
from matplotlib.collections import LineCollection

from hmnist.results.evaluation import evaluate_run
from hmnist.results.reliability_figure import plot_reliability
from hmnist.runs.run import Run
from hmnist.scores.reliability import measure_reliability
from tests.results.pictures import misplaced


def wilson(right: int, images: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the interval by Wilson's formula, as in his paper of 1927."""
    share = right / images
    middle = (share + z**2 / (2 * images)) / (1 + z**2 / images)
    half = z * np.sqrt(share * (1 - share) / images + z**2 / (4 * images**2))
    half /= 1 + z**2 / images
    return float(middle - half), float(middle + half)


def test_each_bin_has_its_interval(run: Run) -> None:
    figure = plot_reliability(evaluate_run(run))
    [lines] = [part for part in figure.axes[0].collections if isinstance(part, LineCollection)]
    filled = [bin_ for bin_ in measure_reliability([run.part("test")]) if bin_.images]
    for segment, bin_ in zip(lines.get_segments(), filled, strict=True):
        (x, low), (_, high) = np.asarray(segment, dtype=np.float64)
        assert x == pytest.approx(bin_.confidence)
        right = round((bin_.accuracy or 0.0) * bin_.images)
        assert (low, high) == pytest.approx(wilson(right, bin_.images))
    assert not misplaced(figure)
