from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from hmnist.results.evaluation import evaluate_run
from hmnist.results.reliability_figure import plot_reliability
from hmnist.runs.run import Run
from hmnist.scores.reliability import sort_into_bins
from hmnist.sources.sample import load_sample
from tests.results.pictures import misplaced, text_of


def wilson(share: float, count: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the interval by Wilson's formula, as in his paper of 1927."""
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    half /= 1 + z**2 / count
    return float(middle - half), float(middle + half)


@pytest.mark.filterwarnings("ignore::hmnist.errors.SampleWarning")
@pytest.mark.parametrize("unit", ["lesions", "images"])
def test_each_bin_has_its_interval(unit: str, run: Run) -> None:
    data = load_sample(rows=250, seed=9)
    if unit == "images":
        data = replace(data, lesion_ids=None, metadata=None)
    evaluation = evaluate_run(run, data)
    figure = plot_reliability(evaluation)
    assert f"over {unit})" in text_of(figure)
    [lines] = [part for part in figure.axes[0].collections if isinstance(part, LineCollection)]
    tested = evaluation.predictions
    confidence = tested.probabilities.max(axis=1)
    right = tested.probabilities.argmax(axis=1) == tested.labels
    filled = [rows for rows in sort_into_bins(confidence) if len(rows)]
    for segment, rows in zip(lines.get_segments(), filled, strict=True):
        (x, low), (_, high) = np.asarray(segment, dtype=np.float64)
        assert x == pytest.approx(confidence[rows].mean())
        count = len(rows) if tested.lesions is None else len(np.unique(tested.lesions[rows]))
        assert (low, high) == pytest.approx(wilson(float(right[rows].mean()), count))
    assert (tested.lesions is None) == (unit == "images")
    assert not misplaced(figure)
