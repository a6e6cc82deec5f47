"""`plot_reliability`: whether a run is as often right as it is confident."""

from typing import TYPE_CHECKING

from hmnist.results import canvas
from hmnist.results.evaluation import Evaluation, check_evaluation
from hmnist.scores.subgroups import wilson_interval
from hmnist.scores.text import score_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@canvas.drawing()
def plot_reliability(evaluation: Evaluation) -> "Figure":
    """Draw the share of right diagnoses against the confidence of a run.

    Parameters
    ----------
    evaluation : Evaluation
        What `hmnist.evaluate_run` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Above, a point for each of the 15 bins of `hmnist.scores.reliability` that has images: the
        share right at their mean confidence, with the 95 % interval of a proportion (Wilson,
        1927) that counts the bin's lesions, or its images where lesions are unknown. Below, the
        images in each bin.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or it is not an evaluation.
    """
    check_evaluation(evaluation)
    bins = [bin_ for bin_ in evaluation.report.reliability if bin_.images]
    error = score_text(evaluation.report.scores["calibration_error"].mean)
    unit = "images" if evaluation.predictions.lesions is None else "lesions"
    note = f"Lines: 95 % intervals (Wilson, over {unit}). Dashed: calibrated. ECE: {error}."
    title = "Reliability: share right by confidence"
    figure = canvas.new_figure(3.9, title, [*evaluation.caption, note], canvas.COLUMN)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    upper.plot([0, 1], [0, 1], color="#222222", linewidth=1, linestyle=(0, (4, 2)))
    intervals = [wilson_interval(bin_.accuracy or 0.0, bin_.observations) for bin_ in bins]
    confidences = [bin_.confidence or 0.0 for bin_ in bins]
    upper.vlines(confidences, *zip(*intervals, strict=True), color=canvas.MAIN, linewidth=1.2)
    right = [bin_.accuracy or 0.0 for bin_ in bins]
    upper.plot(confidences, right, "o", color=canvas.MAIN, markersize=4)
    lower.bar(
        [bin_.low for bin_ in bins],
        [bin_.images for bin_ in bins],
        [bin_.high - bin_.low for bin_ in bins],
        align="edge",
        color=canvas.FADED,
        edgecolor="white",
    )
    upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share right")
    canvas.show_shares(upper.yaxis)
    canvas.show_shares(lower.xaxis)
    lower.set(xlabel="confidence: the largest probability", ylabel="images")
    canvas.whole_counts(lower)
    for axes in (upper, lower):
        axes.grid(visible=True)
    return figure
