"""`plot_run`: the figures of one run.

Confusion matrix, errors and reliability are drawn for the test part or for other data. Loss,
accuracy and recall over the epochs are drawn for networks; other models have no epochs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.results import canvas
from hmnist.results.evaluation import Evaluation, evaluate_run
from hmnist.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RECALL = "val_recall_"

_WEIGHTS_NOTE = (
    "Each epoch is scored with the weights at its end; the model's final weights may be a mean of "
    "several epochs."
)


def plot_run(
    run: Run, out: str | Path | None = None, *, evaluation: Evaluation | None = None
) -> list[Path]:
    """Draw the scores of a run, and its training, into PNG files.

    Parameters
    ----------
    run : Run
        An opened run.
    out : str, pathlib.Path or None
        The folder for the figures; None takes ``figures`` in the run's folder.
    evaluation : Evaluation or None
        The result of `hmnist.evaluate_run`; None evaluates the run's own test part. Figures of
        other data need a folder of their own.

    Returns
    -------
    list of pathlib.Path
        ``confusion.png``, ``errors.png`` and ``reliability.png``; for networks ``training.png``
        and ``recall.png`` as well, unless the evaluation is of other data.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or figures of other data would go into the run's folder.
    WorkError
        If they cannot be written.
    """
    canvas.check_drawing()
    if evaluation is None:
        evaluation = evaluate_run(run)
    if out is None and not evaluation.own:
        raise UsageError(
            "Figures of other data do not belong in the run's folder.", "Name another: out=..."
        )
    folder = run.folder / "figures" if out is None else Path(out)
    return canvas.save_figures(draw_run(run, evaluation), folder)


def draw_run(run: Run, evaluation: Evaluation) -> "Iterator[tuple[str, Figure]]":
    """Yield the figures that `plot_run` writes, each with its name; call it within `drawing`."""
    caption = [f"Run: {evaluation.title}.", *evaluation.origin]
    with_decision = [*caption, f"Decision: {run.decision.describe()}."]
    yield "confusion", _draw_confusion(evaluation, with_decision)
    yield "errors", _draw_errors(evaluation, with_decision)
    yield "reliability", _draw_reliability(evaluation, caption)
    history = run.history
    if history is None or not evaluation.own:
        return
    caption = [f"Run: {run.manifest.model} on {run.manifest.data.name}.", *evaluation.origin]
    yield "training", _draw_training(history, caption)
    if any(f"{_RECALL}{code}" in history for code in CODES):
        images = np.bincount(run.predictions["validation"].labels, minlength=len(CODES))
        yield "recall", _draw_recalls(history, images.tolist(), caption)


def _draw_confusion(evaluation: Evaluation, caption: Sequence[str]) -> "Figure":
    counts = np.array(evaluation.report.confusion)
    images = counts.sum(axis=1)
    shares = counts / np.maximum(images[:, None], 1)
    title = "Confusion matrix: images, and their share of the true diagnosis"
    figure = canvas.new_figure(4.5, title, caption)
    texts = [
        [f"{count:,}\n{canvas.share_text(count, total)}" if total else "–" for count in row]
        for row, total in zip(counts.tolist(), images.tolist(), strict=True)
    ]
    axes = canvas.heat_map(figure, shares, texts, darkest=1)
    labels = [
        f"{name}\n{count:,} images" for name, count in zip(canvas.full_names(), images, strict=True)
    ]
    axes.set_yticks(range(len(CODES)), labels)
    axes.set_xticks(range(len(CODES)), CODES)
    axes.set(xlabel="predicted diagnosis", ylabel="true diagnosis")
    return figure


def _draw_errors(evaluation: Evaluation, caption: Sequence[str]) -> "Figure":
    counts = np.array(evaluation.report.confusion)
    images = counts.sum(axis=1)
    wrong = images - counts.diagonal()
    overall = wrong.sum() / images.sum()
    note = (
        f"Black: 95 % interval over lesions. Dashed: all images, {wrong.sum():,} of "
        f"{images.sum():,} ({overall:.0%}) wrong."
    )
    title = "Errors: share of the images of each diagnosis that are predicted wrongly"
    figure = canvas.new_figure(2.5, title, [*caption, note])
    axes = figure.subplots()
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
    axes.axvline(overall, color=canvas.ACCENT, linewidth=1.2, linestyle=(0, (4, 2)))
    canvas.name_bars(axes, canvas.full_names())
    axes.set_xlim(0, 1.28)
    axes.spines["bottom"].set_bounds(0, 1)
    canvas.show_shares(axes.xaxis)
    axes.grid(visible=True, axis="x")
    return figure


def _draw_reliability(evaluation: Evaluation, caption: Sequence[str]) -> "Figure":
    bins = [bin_ for bin_ in evaluation.report.reliability if bin_.images]
    note = (
        "Bars: the share of images in the bin whose likeliest diagnosis is the true one. Points: "
        "the same share at the mean confidence of the bin. Dashed line: share and confidence are "
        "equal. Below: images in each bin."
    )
    title = "Reliability: share of right diagnoses by confidence"
    figure = canvas.new_figure(4.2, title, [*caption, note])
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    widths = [bin_.high - bin_.low for bin_ in bins]
    lows = [bin_.low for bin_ in bins]
    bars: Any = {"width": widths, "align": "edge", "edgecolor": "white"}
    right = [bin_.accuracy for bin_ in bins]
    upper.bar(lows, [share or 0 for share in right], color=canvas.LIGHT, **bars)
    upper.plot([0, 1], [0, 1], color="#222222", linewidth=1, linestyle=(0, (4, 2)))
    confidences = [bin_.confidence for bin_ in bins]
    upper.plot(confidences, right, "o", color=canvas.ACCENT, markersize=4)
    lower.bar(lows, [bin_.images for bin_ in bins], color=canvas.FADED, **bars)
    upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share right")
    canvas.show_shares(upper.yaxis)
    canvas.show_shares(lower.xaxis)
    lower.set(xlabel="confidence: the largest probability", ylabel="images")
    canvas.whole_counts(lower)
    for axes in (upper, lower):
        axes.grid(visible=True)
    return figure


def _draw_training(history: "pd.DataFrame", caption: Sequence[str]) -> "Figure":
    title = "Training: loss and accuracy over the epochs"
    figure = canvas.new_figure(2.5, title, [*caption, _WEIGHTS_NOTE])
    all_axes = canvas.panels(figure, 2, "epoch", columns=2)
    for axes, quantity in zip(all_axes, ("loss", "accuracy"), strict=True):
        for column, part, colour, style in (
            (quantity, "training", canvas.MAIN, "-"),
            (f"val_{quantity}", "validation", canvas.ACCENT, (0, (5, 1.5))),
        ):
            if column in history:
                _plot_curve(axes, history, column, color=colour, label=part, linestyle=style)
        axes.set_title(quantity + (_limit_loss(axes, history) if quantity == "loss" else ""))
        canvas.whole_epochs(axes)
    all_axes[0].legend(loc="upper right")
    return figure


def _limit_loss(axes: "Axes", history: "pd.DataFrame") -> str:
    """Cut off a validation loss that is so high that no other loss could be seen; say so."""
    top = 2 * float(history["loss"].max())
    highest = float(history["val_loss"].max()) if "val_loss" in history else 0.0
    if highest <= top:
        return ""
    axes.set_ylim(top=top)
    return f" (cut off; validation goes up to {highest:.3g})"


def _draw_recalls(
    history: "pd.DataFrame", images: Sequence[int], caption: Sequence[str]
) -> "Figure":
    title = "Recall of each diagnosis on validation over the epochs"
    figure = canvas.new_figure(3.4, title, ["Grey: the other diagnoses.", *caption, _WEIGHTS_NOTE])
    columns = [f"{_RECALL}{code}" for code in CODES]
    all_axes = canvas.panels(figure, len(CODES), "epoch", sharex=True, sharey=True)
    for label, axes in enumerate(all_axes):
        for column in columns:
            if column in history:
                axes.plot(history["epoch"], history[column], color="#D8D8D8", linewidth=0.8)
        if columns[label] in history:
            _plot_curve(axes, history, columns[label], color=canvas.MAIN)
        count = f"{images[label]:,} image{'s' if images[label] != 1 else ''}"
        axes.set_title(f"{canvas.short_names()[label]}\n{CODES[label]} · {count}")
        axes.set_ylim(-0.03, 1.03)
        canvas.show_shares(axes.yaxis)
        canvas.whole_epochs(axes)
    return figure


def _plot_curve(axes: "Axes", history: "pd.DataFrame", column: str, **style: Any) -> None:
    marker = "o" if len(history) == 1 else None  # a single epoch is a point, which has no line
    axes.plot(history["epoch"], history[column], marker=marker, markersize=4, **style)
