"""`plot_roc`, `plot_precision_recall`: each diagnosis against the rest, at all thresholds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hmnist.arrays import Booleans, Float64
from hmnist.diagnoses import CODES
from hmnist.results import canvas
from hmnist.results.evaluation import Evaluation, check_evaluation
from hmnist.scores.text import score_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES: dict[str, tuple[str, Any]] = {
    "akiec": ("#000000", "-"),
    "bcc": ("#0072B2", "-"),
    "bkl": ("#E69F00", (0, (2.5, 1))),
    "df": ("#CC79A7", (0, (1.2, 1))),
    "nv": ("#009E73", (0, (5, 1.5))),
    "vasc": ("#56B4E9", (0, (5, 1, 1.2, 1))),
    "mel": ("#D55E00", "-"),
}
"""Colours of Okabe & Ito (2008). Malignant diagnoses have solid lines, others a pattern."""

_SQUARE_INCHES, _LEGEND_INCHES = 3.2, 1.35
_ENTRY = "{:<6}{:>5}  {}"  # of the legend: code, area, counts


@canvas.drawing()
def plot_roc(evaluation: Evaluation) -> "Figure":
    """Draw the ROC curve of each diagnosis against the rest.

    Parameters
    ----------
    evaluation : Evaluation
        What `hmnist.evaluate_run` returns.

    Returns
    -------
    matplotlib.figure.Figure
        A line for each diagnosis, by its calibrated probability. The legend has the area under
        it (AUC), and how many images and lesions have the diagnosis.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or it is not an evaluation.

    Examples
    --------
    >>> import hmnist, tempfile
    >>> data = hmnist.load_sample(rows=400)
    >>> run = hmnist.train(data, "majority", out=tempfile.mkdtemp())
    >>> hmnist.plot_roc(hmnist.evaluate_run(run)).axes[0].get_ylabel()
    'sensitivity'
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    check_evaluation(evaluation)
    mean = evaluation.report.scores["roc_auc_ovr"].mean
    notes = [*evaluation.caption, f"Mean AUC: {score_text(mean)}."]
    figure, axes = _new_square("ROC: each diagnosis against the rest", notes, "AUC")
    axes.plot([0, 1], [0, 1], label=_ENTRY.format("chance", ".500", ""), **_CHANCE)
    for code, has_it, probability, count in _against_the_rest(evaluation):
        if has_it.all() or not has_it.any():
            axes.plot([], [], label=_ENTRY.format(code, "–", count), color="white")
            continue
        false, true, _ = roc_curve(has_it, probability)
        area = score_text(float(roc_auc_score(has_it, probability)))
        colour, style = _STYLES[code]
        axes.plot(
            false, true, color=colour, linestyle=style, label=_ENTRY.format(code, area, count)
        )
    axes.set(xlabel="1 − specificity", ylabel="sensitivity")
    _add_legend(figure)
    return figure


@canvas.drawing()
def plot_precision_recall(evaluation: Evaluation) -> "Figure":
    """Draw precision against recall for each diagnosis against the rest.

    Parameters
    ----------
    evaluation : Evaluation
        What `hmnist.evaluate_run` returns.

    Returns
    -------
    matplotlib.figure.Figure
        A line for each diagnosis, by its calibrated probability; a thin dotted line at its
        prevalence, which is the precision of chance. The legend has the average precision (AP),
        and how many images and lesions have the diagnosis.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or it is not an evaluation.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    check_evaluation(evaluation)
    title = "Precision–recall: each against the rest"
    notes = [*evaluation.caption, "Thin dotted lines: prevalence, the precision of chance."]
    figure, axes = _new_square(title, notes, "AP")
    for code, has_it, probability, count in _against_the_rest(evaluation):
        if not has_it.any():
            axes.plot([], [], label=_ENTRY.format(code, "–", count), color="white")
            continue
        precision, recall, _ = precision_recall_curve(has_it, probability)
        average = score_text(float(average_precision_score(has_it, probability)))
        colour, style = _STYLES[code]
        axes.axhline(has_it.mean(), color=colour, linewidth=0.8, linestyle=(0, (1, 3)))
        axes.plot(
            recall, precision, color=colour, linestyle=style, drawstyle="steps-post",
            label=_ENTRY.format(code, average, count),
        )  # fmt: skip
    axes.set(xlabel="recall", ylabel="precision")
    _add_legend(figure)
    return figure


_CHANCE: dict[str, Any] = {"color": "#888888", "linewidth": 1, "linestyle": (0, (1, 2))}


def _against_the_rest(evaluation: Evaluation) -> Iterator[tuple[str, Booleans, Float64, str]]:
    """Yield each diagnosis with who has it, its probabilities, and its counts in words."""
    predictions = evaluation.predictions
    counts = canvas.count_texts(predictions.labels, predictions.lesions)
    for label, code in enumerate(CODES):
        has_it = predictions.labels == label
        yield code, has_it, predictions.probabilities[:, label], counts[label]


def _new_square(title: str, notes: list[str], area: str) -> "tuple[Figure, Axes]":
    """Return a figure of one column with square axes, and empty ones for a legend below them."""
    figure = canvas.new_figure(_SQUARE_INCHES + _LEGEND_INCHES, title, notes, canvas.COLUMN)
    axes, below = figure.subplots(2, 1, height_ratios=(_SQUARE_INCHES, _LEGEND_INCHES))
    below.set_axis_off()
    axes.set_box_aspect(1)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        canvas.show_shares(axis)
    axes.grid(visible=True)
    axes.plot([], [], color="white", label=_ENTRY.format("", area, ""))  # a heading
    return figure, axes


def _add_legend(figure: "Figure") -> None:
    """Write the legend of the upper axes into the lower ones, in columns."""
    axes, below = figure.axes
    below.legend(
        *axes.get_legend_handles_labels(),
        prop={"family": "DejaVu Sans Mono", "size": 7},
        loc="center",
        handlelength=2.8,
        borderpad=0,
    )
