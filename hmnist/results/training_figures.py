"""`plot_training`, `plot_recall`: how the training of a network went, epoch by epoch."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.results import canvas
from hmnist.results.evaluation import describe_origin
from hmnist.runs.opened import check_opened
from hmnist.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RECALL = "val_recall_"
_RECALL_OF_ALL = "val_recall"
_FLAT = 2  # how many times the highest training loss a validation loss may be on a linear scale


@canvas.drawing()
def plot_training(run: Run) -> "Figure":
    """Draw loss and accuracy over the epochs.

    Parameters
    ----------
    run : Run
        An opened run of a network.

    Returns
    -------
    matplotlib.figure.Figure
        Training and validation. The loss has a logarithmic scale where validation starts so high
        that the rest would be flat.

    Raises
    ------
    UsageError
        If matplotlib is not installed, it is not a run, or the model has no epochs.
    """
    history = _read_history(run)
    title = "Training: loss and accuracy over the epochs"
    figure = canvas.new_figure(2.5, title, _caption(run))
    all_axes = canvas.panels(figure, 2, "epoch", columns=2)
    for axes, quantity in zip(all_axes, ("loss", "accuracy"), strict=True):
        for column, part, colour, style in (
            (quantity, "training", canvas.MAIN, "-"),
            (f"val_{quantity}", "validation", canvas.ACCENT, (0, (5, 1.5))),
        ):
            if column in history:
                _plot_curve(axes, history, column, color=colour, label=part, linestyle=style)
        axes.set_title(quantity)
        canvas.whole_epochs(axes)
    if _is_steep(history):
        all_axes[0].set_yscale("log")
        all_axes[0].set_title("loss (logarithmic scale)")
        canvas.round_ticks(all_axes[0].yaxis)
    all_axes[0].legend(loc="upper right")
    return figure


@canvas.drawing()
def plot_recall(run: Run) -> "Figure":
    """Draw the recall of each diagnosis on validation over the epochs, and that of all together.

    Parameters
    ----------
    run : Run
        An opened run of a network.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each diagnosis, with the others in grey. The last panel is the recall over all
        images as Keras counts it: the share whose diagnosis has a probability above one half.

    Raises
    ------
    UsageError
        If matplotlib is not installed, it is not a run, or the model has no epochs with recalls.
    """
    history = _read_history(run)
    if not has_recalls(history):
        raise UsageError(f"{run.folder.name} recorded no recalls while it was trained.")
    title = "Recall of each diagnosis on validation over the epochs"
    figure = canvas.new_figure(3.4, title, ["Grey: the other diagnoses.", *_caption(run)])
    columns = [f"{_RECALL}{code}" for code in CODES]
    validation = run.predictions["validation"]
    counts = canvas.count_texts(validation.labels, validation.lesion_ids)
    shown = [*columns, _RECALL_OF_ALL]
    all_axes = canvas.panels(figure, len(shown), "epoch", sharex=True, sharey=True)
    for label, (column, axes) in enumerate(zip(shown, all_axes, strict=True)):
        for other in columns:
            if other in history:
                axes.plot(history["epoch"], history[other], color="#D8D8D8", linewidth=0.8)
        if column in history:
            _plot_curve(axes, history, column, color=canvas.MAIN)
        if column == _RECALL_OF_ALL:
            axes.set_title("all together\nprobability above .5", size=canvas.PANEL_TITLE)
        else:
            canvas.title_panel(axes, label, counts[label])
        axes.set_ylim(-0.03, 1.03)
        canvas.show_shares(axes.yaxis)
        canvas.whole_epochs(axes)
    return figure


def has_recalls(history: "pd.DataFrame") -> bool:
    """Tell whether a history has the recall of any diagnosis."""
    return any(f"{_RECALL}{code}" in history for code in CODES)


def _read_history(run: Run) -> "pd.DataFrame":
    check_opened(run)
    if run.history is None:
        raise UsageError(
            f"{run.folder.name} has no epochs to draw.", "Draw the training of a network: cnn, mlp."
        )
    return run.history


def _caption(run: Run) -> list[str]:
    return [
        f"{run.manifest.model} on {run.manifest.data.name}.",
        *describe_origin(run, None),
        "Weights at the end of each epoch; the final ones may be a mean of several.",
    ]


def _is_steep(history: "pd.DataFrame") -> bool:
    """Tell whether validation loss is so high somewhere that no other loss could be seen."""
    if "val_loss" not in history:
        return False
    training, validation = (
        history[name].to_numpy(dtype=np.float64) for name in ("loss", "val_loss")
    )
    losses = np.concatenate([training, validation])
    positive = (losses[np.isfinite(losses)] > 0).all()
    return bool(positive and np.nanmax(validation) > _FLAT * np.nanmax(training))


def _plot_curve(axes: "Axes", history: "pd.DataFrame", column: str, **style: Any) -> None:
    marker = "o" if len(history) == 1 else None  # a single epoch is a point, which has no line
    axes.plot(history["epoch"], history[column], marker=marker, markersize=4, **style)
