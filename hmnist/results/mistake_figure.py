"""`plot_mistakes`: the images that a run is most confident about, and wrong."""

from typing import TYPE_CHECKING

import numpy as np

from hmnist.arrays import Indices
from hmnist.dataset import LesionDataset, check_loaded
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.results import canvas
from hmnist.results.evaluation import Evaluation, check_evaluation
from hmnist.scores.predictions import Predictions
from hmnist.scores.text import score_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROWS, _COLUMNS = 4, 6


@canvas.drawing()
def plot_mistakes(evaluation: Evaluation, data: LesionDataset) -> "Figure":
    """Draw the images with wrong predicted diagnoses, the most confident first.

    Parameters
    ----------
    evaluation : Evaluation
        What `hmnist.evaluate_run` returns.
    data : LesionDataset
        The data set that the images come from: the one that the run was evaluated on or, if that
        was its own test part, the one that it was trained on.

    Returns
    -------
    matplotlib.figure.Figure
        Up to 24 images, each with true and predicted diagnosis, the probability of the predicted
        one, and its image id (its row, where there are no ids).

    Raises
    ------
    UsageError
        If matplotlib is not installed, it is not an evaluation, the data are others, or there are
        no mistakes.
    """
    check_evaluation(evaluation)
    check_loaded(data)
    predictions, rows = evaluation.predictions, evaluation.rows
    if data.image_digest != evaluation.image_digest:
        raise UsageError(
            f"{data.name} does not hold the images that were evaluated.",
            "Pass the data that the run was evaluated on.",
        )
    wrong = find_mistakes(predictions)
    if not len(wrong):
        raise UsageError(f"{evaluation.title}: every predicted diagnosis is the true one.")
    shown = wrong[: _ROWS * _COLUMNS]
    lines = -(-len(shown) // _COLUMNS)
    title = "Mistakes: true → predicted diagnosis, and its probability"
    note = f"{len(shown):,} of {len(wrong):,} mistakes, those of the highest probability first."
    figure = canvas.new_figure(1.48 * lines, title, [note, *evaluation.caption])
    all_axes = figure.subplots(lines, _COLUMNS, squeeze=False).ravel().tolist()
    for axes, number in zip(all_axes, shown.tolist(), strict=False):
        row, predicted = int(rows[number]), int(predictions.predicted[number])
        canvas.show_image(axes, data.images[row], data.name_of(row))
        change = f"{CODES[predictions.labels[number]]} → {CODES[predicted]}"
        confidence = score_text(float(predictions.probabilities[number, predicted]))
        axes.set_title(f"{change}  {confidence}", size=7.5, pad=2, loc="center")
    for axes in all_axes:
        axes.set_axis_off()
    return figure


def find_mistakes(predictions: Predictions) -> Indices:
    """Return which predictions are wrong, those of the highest probability first.

    Examples
    --------
    >>> labels, predicted = np.array([4, 4, 6, 6]), np.array([4, 6, 4, 4])
    >>> probabilities = np.full((4, 7), 0.04)
    >>> probabilities[range(4), predicted] = 0.76
    >>> probabilities[3] = np.full(7, 1 / 7)
    >>> find_mistakes(Predictions(labels, probabilities, predicted)).tolist()
    [1, 2, 3]
    """
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    confidence = predictions.probabilities[wrong, predictions.predicted[wrong]]
    return wrong[np.argsort(-confidence, kind="stable")]
