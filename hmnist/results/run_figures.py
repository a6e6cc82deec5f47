"""`plot_run`: the pictures of one run, under the diagnoses' names.

What was decided (confusion, errors), and how surely (reliability), is drawn for the test part or
for other data; how the training went (loss, accuracy, recall over epochs) for networks, which alone
have epochs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.results.canvas import (
    ACCENT,
    FADED,
    LIGHT,
    MAIN,
    SHARES,
    check_drawing,
    drawing,
    full_names,
    label_bar,
    new_figure,
    panels,
    save_figure,
    share_text,
    short_names,
    whole_counts,
    whole_epochs,
)
from hmnist.results.evaluation import Evaluation, evaluate_run
from hmnist.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_run"]

_RECALL = "val_recall_"

_AS_TRAINED = (
    "Each epoch is measured with the weights at its end; the model's own may be a mean of them."
)


def plot_run(
    run: Run, out: str | Path | None = None, *, evaluation: Evaluation | None = None
) -> list[Path]:
    """Draw what a run achieves.

    Parameters
    ----------
    run : Run
        An opened run.
    out : str, pathlib.Path or None
        The folder for the figures; None takes ``figures`` in the run's folder.
    evaluation : Evaluation or None
        What `hmnist.evaluate_run` found; None evaluates the run's own test part. That of other
        data needs a folder of its own.

    Returns
    -------
    list of pathlib.Path
        ``confusion.png``, ``errors.png`` and ``reliability.png``; for networks ``training.png``
        and ``recall.png`` as well, unless the evaluation is of other data.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or figures of other data would take the place of the run's.
    WorkError
        If they cannot be written.
    """
    check_drawing()
    if evaluation is None:
        evaluation = evaluate_run(run)
    if out is None and not evaluation.own:
        raise UsageError(
            "Figures of other data do not belong in the run's folder.", "Name another: out=..."
        )
    folder = run.folder / "figures" if out is None else Path(out)
    with drawing():
        return [
            save_figure(figure, folder / f"{name}.png")
            for name, figure in _figures(run, evaluation)
        ]


def _figures(run: Run, evaluation: Evaluation) -> "Iterator[tuple[str, Figure]]":
    caption = [f"Run: {evaluation.title}.", *evaluation.origin]
    decided = [*caption, f"Decision: {run.decision.describe()}."]
    yield "confusion", _confusion(evaluation, decided)
    yield "errors", _errors(evaluation, decided)
    yield "reliability", _reliability(evaluation, caption)
    history = run.history
    if history is None or not evaluation.own:
        return
    trained = [
        f"Run: {run.manifest.model} on {run.manifest.data.name}.",
        *evaluation.origin,
    ]
    yield "training", _training(history, trained)
    if any(f"{_RECALL}{code}" in history for code in CODES):
        images = np.bincount(run.predictions["validation"].labels, minlength=len(CODES))
        yield "recall", _recalls(history, images.tolist(), trained)


def _confusion(evaluation: Evaluation, caption: Sequence[str]) -> "Figure":
    counts = np.array(evaluation.report.confusion)
    images = counts.sum(axis=1)
    shares = counts / np.maximum(images[:, None], 1)
    title = "Confusion matrix: images, and their share of the true diagnosis"
    figure = new_figure(4.5, title, caption)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (true, decided), share in np.ndenumerate(shares):
        count = int(counts[true, decided])
        total = int(images[true])
        text = f"{count:,}\n{share_text(count, total)}" if total else "–"
        colour = "white" if share > 0.65 else "#222222" if count else "#999999"
        axes.text(decided, true, text, ha="center", va="center", color=colour, size=8)
    labels = [f"{name}\n{count:,} images" for name, count in zip(full_names(), images, strict=True)]
    axes.set_yticks(range(len(CODES)), labels)
    axes.set_xticks(range(len(CODES)), CODES)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted diagnosis", ylabel="true diagnosis")
    return figure


def _errors(evaluation: Evaluation, caption: Sequence[str]) -> "Figure":
    counts = np.array(evaluation.report.confusion)
    images = counts.sum(axis=1)
    wrong = images - counts.diagonal()
    overall = wrong.sum() / images.sum()
    note = (
        f"Black: 95 % interval over lesions. Dashed: all images, {wrong.sum():,} of "
        f"{images.sum():,} ({overall:.0%}) wrong."
    )
    title = "Errors: share of each true diagnosis that was predicted otherwise"
    figure = new_figure(2.5, title, [*caption, note])
    axes = figure.subplots()
    for place, code in enumerate(CODES):
        if not images[place]:
            label_bar(axes, place, 0, "no images")
            continue
        share = wrong[place] / images[place]
        axes.barh(place, share, height=0.62, color=LIGHT)
        recall = evaluation.report.scores[f"recall_{code}"]
        end = share
        if recall.low is not None and recall.high is not None:
            end = max(share, 1 - recall.low)
            axes.plot([1 - recall.high, 1 - recall.low], [place, place], color="#222222", lw=1)
        label_bar(
            axes,
            place,
            end,
            f"{wrong[place]:,} of {images[place]:,} ({share_text(wrong[place], images[place])})",
        )
    axes.axvline(overall, color=ACCENT, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set_yticks(range(len(CODES)), full_names())
    axes.set_xlim(0, 1.28)
    axes.spines["bottom"].set_bounds(0, 1)
    axes.set_xticks(SHARES, [f"{share:.0%}" for share in SHARES])
    axes.invert_yaxis()
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    return figure


def _reliability(evaluation: Evaluation, caption: Sequence[str]) -> "Figure":
    bins = [bin_ for bin_ in evaluation.report.reliability if bin_.images]
    note = (
        "Filled: share of images in the bin whose likeliest diagnosis is the true one; the line: "
        "where it would equal the confidence; points: at the mean confidence. Below: images in "
        "each bin."
    )
    title = "Reliability: how sure it was, and how often right"
    figure = new_figure(4.2, title, [*caption, note])
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    widths = [bin_.high - bin_.low for bin_ in bins]
    lows = [bin_.low for bin_ in bins]
    upper.bar(
        lows, [bin_.accuracy or 0 for bin_ in bins], widths, align="edge", color=LIGHT,
        edgecolor="white",
    )  # fmt: skip
    upper.plot([0, 1], [0, 1], color="#222222", linewidth=1, linestyle=(0, (4, 2)))
    upper.plot(
        [bin_.confidence for bin_ in bins], [bin_.accuracy for bin_ in bins], "o", color=ACCENT,
        markersize=4,
    )  # fmt: skip
    lower.bar(lows, [bin_.images for bin_ in bins], widths, align="edge", color=FADED,
              edgecolor="white")  # fmt: skip
    upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share right")
    upper.set_yticks(SHARES, [f"{share:.0%}" for share in SHARES])
    lower.set_xticks(SHARES, [f"{share:.0%}" for share in SHARES])
    lower.set(xlabel="confidence: the largest probability", ylabel="images")
    whole_counts(lower)
    for axes in (upper, lower):
        axes.grid(visible=True)
    return figure


def _training(history: "pd.DataFrame", caption: Sequence[str]) -> "Figure":
    figure = new_figure(2.5, "Training: loss and accuracy over the epochs", [*caption, _AS_TRAINED])
    drawn = panels(figure, 2, "epoch", columns=2)
    for axes, what in zip(drawn, ("loss", "accuracy"), strict=True):
        for name, label, colour in (
            (what, "training", MAIN),
            (f"val_{what}", "validation", ACCENT),
        ):
            if name in history:
                style = "-" if colour == MAIN else (0, (5, 1.5))
                marker = "o" if len(history) == 1 else None
                axes.plot(
                    history["epoch"], history[name], color=colour, label=label, linestyle=style,
                    marker=marker, markersize=4,
                )  # fmt: skip
        axes.set_title(what + (_cut(axes, history) if what == "loss" else ""))
        whole_epochs(axes)
    drawn[0].legend(loc="upper right")
    return figure


def _cut(axes: "Axes", history: "pd.DataFrame") -> str:
    """Cut off a loss on validation that starts so high that nothing else could be seen."""
    top = 2 * float(history["loss"].max())
    highest = float(history["val_loss"].max()) if "val_loss" in history else 0.0
    if highest <= top:
        return ""
    axes.set_ylim(top=top)
    return f" (cut off; validation goes up to {highest:.3g})"


def _recalls(history: "pd.DataFrame", images: Sequence[int], caption: Sequence[str]) -> "Figure":
    title = "Recall of each diagnosis on validation over the epochs"
    figure = new_figure(3.4, title, ["Grey: the other diagnoses.", *caption, _AS_TRAINED])
    names = [f"{_RECALL}{code}" for code in CODES]
    for place, axes in enumerate(panels(figure, len(CODES), "epoch", sharex=True, sharey=True)):
        for name in names:
            if name in history:
                axes.plot(history["epoch"], history[name], color="#D8D8D8", linewidth=0.8)
        if names[place] in history:
            marker = "o" if len(history) == 1 else None
            axes.plot(
                history["epoch"], history[names[place]], color=MAIN, marker=marker, markersize=4
            )
        count = f"{images[place]:,} image{'s' if images[place] != 1 else ''}"
        axes.set_title(f"{short_names()[place]}\n{CODES[place]} · {count}")
        axes.set_ylim(-0.03, 1.03)
        axes.set_yticks(SHARES, [f"{share:.0%}" for share in SHARES])
        whole_epochs(axes)
    return figure
