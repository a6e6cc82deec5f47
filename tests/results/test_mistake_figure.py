from dataclasses import replace

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.results.evaluation import evaluate_run
from hmnist.results.mistake_figure import find_mistakes, plot_mistakes
from hmnist.runs.run import Run
from hmnist.sources.sample import load_sample
from tests.results.pictures import misplaced, text_of


def test_the_pictures_are_those_of_the_mistakes(run: Run, sample: LesionDataset) -> None:
    evaluation = evaluate_run(run)
    figure = plot_mistakes(evaluation, sample)
    test = run.predictions["test"]
    wrong = np.flatnonzero(test.predicted != test.labels)
    sure = test.probabilities[wrong, test.predicted[wrong]]
    first = wrong[np.argmax(sure)]
    np.testing.assert_array_equal(
        np.asarray(figure.axes[0].images[0].get_array()), sample.images[test.rows[first]]
    )
    true, predicted = CODES[test.labels[first]], CODES[test.predicted[first]]
    assert f"{true} → {predicted}" in figure.axes[0].get_title()
    assert test.image_ids is not None
    assert test.image_ids[first] in text_of(figure)
    assert sum(bool(axes.images) for axes in figure.axes) == min(24, len(wrong))
    assert not misplaced(figure)


def test_other_data_have_the_rows_of_their_own(run: Run) -> None:
    other = replace(load_sample(rows=250, seed=9), metadata=None)
    with pytest.warns(UserWarning, match="synthetic"):
        evaluation = evaluate_run(run, other)
    first = find_mistakes(evaluation.predictions)[0]
    text = text_of(plot_mistakes(evaluation, other))
    assert f"row {evaluation.rows[first]}" in text


def test_grey_images_are_drawn(run: Run, sample: LesionDataset) -> None:
    grey = replace(sample, images=np.ascontiguousarray(sample.images[..., :1]))
    evaluation = replace(evaluate_run(run), image_digest=grey.image_digest)
    assert plot_mistakes(evaluation, grey).axes[0].images


@pytest.mark.parametrize("rows", [100, 400])
def test_other_images_are_refused(rows: int, run: Run) -> None:
    with pytest.raises(UsageError, match="does not hold the images"):
        plot_mistakes(evaluate_run(run), load_sample(rows=rows, seed=2))


def test_without_mistakes_there_is_nothing_to_draw(run: Run, sample: LesionDataset) -> None:
    evaluation = evaluate_run(run)
    right = replace(evaluation.predictions, predicted=evaluation.predictions.labels)
    with pytest.raises(UsageError, match="is the true one"):
        plot_mistakes(replace(evaluation, predictions=right), sample)
