"""`plot_confusion`, `plot_errors`: which diagnoses a run confuses, and how often it is wrong."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hmnist.diagnoses import CODES
from hmnist.results import canvas
from hmnist.results.evaluation import Evaluation, check_evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@canvas.drawing()
def plot_confusion(evaluation: Evaluation) -> "Figure":
    """Draw the confusion matrix of a run.

    Parameters
    ----------
    evaluation : Evaluation
        What `hmnist.evaluate_run` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Rows are true diagnoses with their images and lesions, columns predicted ones. Each cell
        has its images and their share of the row.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or it is not an evaluation.

    Examples
    --------
    >>> import hmnist, tempfile
    >>> data = hmnist.load_sample(rows=400)
    >>> run = hmnist.train(data, "majority", out=tempfile.mkdtemp())
    >>> figure = hmnist.plot_confusion(hmnist.evaluate_run(run))
    >>> figure.axes[0].get_xlabel()
    'predicted diagnosis'
    """
    check_evaluation(evaluation)
    counts = np.array(evaluation.report.confusion)
    images = counts.sum(axis=1)
    shares = counts / np.maximum(images[:, None], 1)
    title = "Confusion matrix: images, and their share of the true diagnosis"
    figure = canvas.new_figure(4.5, title, list(_caption(evaluation)))
    texts = [
        [f"{count:,}\n{canvas.share_text(count, total)}" if total else "–" for count in row]
        for row, total in zip(counts.tolist(), images.tolist(), strict=True)
    ]
    axes = canvas.heat_map(figure, shares, texts, darkest=1)
    predictions = evaluation.predictions
    names = canvas.name_with_counts(predictions.labels, predictions.lesions)
    axes.set_yticks(range(len(CODES)), names)
    axes.set_xticks(range(len(CODES)), CODES)
    axes.set(xlabel="predicted diagnosis", ylabel="true diagnosis")
    return figure


@canvas.drawing()
def plot_errors(evaluation: Evaluation) -> "Figure":
    """Draw the share of the images of each diagnosis that a run predicts wrongly.

    Parameters
    ----------
    evaluation : Evaluation
        What `hmnist.evaluate_run` returns.

    Returns
    -------
    matplotlib.figure.Figure
        A bar for each diagnosis, with the 95 % interval of its recall.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or it is not an evaluation.
    """
    check_evaluation(evaluation)
    counts = np.array(evaluation.report.confusion)
    images = counts.sum(axis=1)
    wrong = images - counts.diagonal()
    overall = wrong.sum() / images.sum()
    note = f"Lines: 95 % intervals. Dashed: all images, {wrong.sum():,} of {images.sum():,} wrong."
    title = "Errors: share of the images of each diagnosis that are predicted wrongly"
    figure = canvas.new_figure(2.9, title, [*_caption(evaluation), note])
    axes = figure.subplots()
    axes.axvline(overall, color=canvas.ACCENT, linewidth=1.2, linestyle=(0, (4, 2)))
    for label, code in enumerate(CODES):
        if not images[label]:
            canvas.label_bar(axes, label, 0, "no images")
            continue
        share = wrong[label] / images[label]
        axes.barh(label, share, height=0.62, color=canvas.LIGHT)
        recall = evaluation.report.scores[f"recall_{code}"]
        end = share
        if recall.low is not None and recall.high is not None:
            end = max(share, 1 - recall.low)
            axes.plot([1 - recall.high, 1 - recall.low], [label, label], color="#222222", lw=1)
        share_wrong = canvas.share_text(wrong[label], images[label])
        canvas.label_bar(axes, label, end, f"{wrong[label]:,} of {images[label]:,} ({share_wrong})")
    predictions = evaluation.predictions
    canvas.name_bars(axes, canvas.name_with_counts(predictions.labels, predictions.lesions))
    axes.set_xlim(0, 1.28)
    axes.spines["bottom"].set_bounds(0, 1)
    canvas.show_shares(axes.xaxis)
    axes.grid(visible=True, axis="x")
    return figure


def _caption(evaluation: Evaluation) -> Iterator[str]:
    """Yield what stands under figures of predicted diagnoses."""
    yield from evaluation.caption
    yield f"Decision: {evaluation.decision.kind}."
