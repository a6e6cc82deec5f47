from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.metrics import average_precision_score, roc_auc_score

from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.results.curve_figures import plot_precision_recall, plot_roc
from hmnist.results.evaluation import Evaluation, evaluate_run
from hmnist.results.formatting import score_text
from hmnist.runs.run import Run
from hmnist.scores.predictions import Predictions
from tests.results.pictures import misplaced, text_of


@pytest.fixture(scope="module")
def evaluation(run: Run) -> Evaluation:
    return evaluate_run(run)


def entries(evaluation: Evaluation, code: str, area: float) -> str:
    """Return how the legend begins the line of a diagnosis."""
    images = (evaluation.predictions.labels == CODES.index(code)).sum()
    return f"{code} {score_text(area)} {images} image"


def test_the_legend_has_areas_and_images(evaluation: Evaluation) -> None:
    roc, curves = plot_roc(evaluation), plot_precision_recall(evaluation)
    for label, code in enumerate(CODES):
        has_it = evaluation.predictions.labels == label
        probability = evaluation.predictions.probabilities[:, label]
        area = float(roc_auc_score(has_it, probability))
        average = float(average_precision_score(has_it, probability))
        assert entries(evaluation, code, area) in text_of(roc)
        assert entries(evaluation, code, average) in text_of(curves)
    for figure in (roc, curves):
        assert not misplaced(figure)


def test_the_area_under_a_line_is_the_auc_of_its_diagnosis(evaluation: Evaluation) -> None:
    lines = {str(line.get_label())[:6].strip(): line for line in plot_roc(evaluation).axes[0].lines}
    for label, code in enumerate(CODES):
        x, y = np.asarray(lines[code].get_xydata(), dtype=np.float64).T
        has_it = evaluation.predictions.labels == label
        expected = roc_auc_score(has_it, evaluation.predictions.probabilities[:, label])
        assert np.trapezoid(y, x) == pytest.approx(expected)


def test_the_precision_of_chance_is_the_prevalence(evaluation: Evaluation) -> None:
    levels = [
        float(np.asarray(line.get_ydata(), dtype=np.float64)[0])
        for line in plot_precision_recall(evaluation).axes[0].lines
        if len(np.asarray(line.get_xdata())) == 2 and str(line.get_label()).startswith("_")
    ]
    images = np.bincount(evaluation.predictions.labels, minlength=7)
    np.testing.assert_allclose(levels, images / images.sum())


def test_lines_differ_without_colours_by_malignancy_and_with_them_all(
    evaluation: Evaluation,
) -> None:
    lines = {str(line.get_label())[:6].strip(): line for line in plot_roc(evaluation).axes[0].lines}
    drawn = [lines[code] for code in CODES]
    assert len({to_hex(line.get_color()) for line in drawn}) == 7
    solid = [label for label, line in enumerate(drawn) if line.get_linestyle() == "-"]
    assert solid == list(MALIGNANT)


def test_a_diagnosis_that_nobody_or_everybody_has_has_no_line(evaluation: Evaluation) -> None:
    labels = np.full(5, 4)
    predictions = Predictions(labels, np.full((5, 7), 1 / 7), labels)
    alone = replace(evaluation, predictions=predictions)
    assert "nv – 5 images" in text_of(plot_roc(alone))
    text = text_of(plot_precision_recall(alone))
    assert "nv 1.000 5 images" in text
    assert "df – 0 images" in text
