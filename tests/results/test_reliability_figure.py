import numpy as np
import pytest
from matplotlib.collections import LineCollection

from hmnist.results.evaluation import evaluate_run
from hmnist.results.reliability_figure import plot_reliability, wilson_interval
from hmnist.runs.run import Run
from hmnist.scores.reliability import ReliabilityBin
from tests.results.pictures import misplaced


def wilson(right: int, images: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the interval by Wilson's formula, as in his paper of 1927."""
    share = right / images
    middle = (share + z**2 / (2 * images)) / (1 + z**2 / images)
    half = z * np.sqrt(share * (1 - share) / images + z**2 / (4 * images**2))
    half /= 1 + z**2 / images
    return float(middle - half), float(middle + half)


@pytest.mark.parametrize(("right", "images"), [(0, 4), (3, 3), (7, 50), (600, 610)])
def test_the_interval_is_wilsons(right: int, images: int) -> None:
    filled = ReliabilityBin(0.2, 0.3, images, 0.25, right / images)
    assert wilson_interval(filled) == pytest.approx(wilson(right, images))


def test_each_bin_has_its_interval(run: Run) -> None:
    figure = plot_reliability(evaluate_run(run))
    [lines] = [part for part in figure.axes[0].collections if isinstance(part, LineCollection)]
    filled = [bin_ for bin_ in run.manifest.reliability if bin_.images]
    for segment, bin_ in zip(lines.get_segments(), filled, strict=True):
        (x, low), (_, high) = np.asarray(segment, dtype=np.float64)
        assert x == pytest.approx(bin_.confidence)
        assert (low, high) == pytest.approx(wilson_interval(bin_))
    assert not misplaced(figure)
