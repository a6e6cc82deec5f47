"""`plot_scores`, `plot_times`: the models of a benchmark side by side, and what training costs."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.errors import UsageError, check_kind
from hmnist.results import canvas
from hmnist.results.costs import fit_cost
from hmnist.results.figure_files import save_figures
from hmnist.results.labels import label_points
from hmnist.results.rows import ScoreSummary, TableRow, data_note, label_rows
from hmnist.results.table import Table
from hmnist.scores.text import as_sentence_list, score_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = {"balanced_accuracy": "balanced accuracy", "accuracy": "accuracy", "roc_auc_ovr": "AUC"}
_ROW_INCHES = 0.19


@canvas.drawing()
def plot_scores(table: Table) -> "Figure":
    """Draw the models of a benchmark side by side: balanced accuracy, accuracy and AUC.

    Parameters
    ----------
    table : Table
        What `hmnist.benchmark` returns.

    Returns
    -------
    matplotlib.figure.Figure
        A point for the mean of each row of the table, and a line for its 95 % interval. An arrow
        stands for a baseline that is too far from the models to be shown.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or it is not a table.

    Examples
    --------
    >>> import hmnist, tempfile
    >>> data = hmnist.load_sample(rows=400)
    >>> table = hmnist.benchmark(data, models=["majority"], out=tempfile.mkdtemp())
    >>> [axes.get_title(loc="left") for axes in hmnist.plot_scores(table).axes]
    ['balanced accuracy', 'accuracy', 'AUC']
    """
    _check_table(table)
    note = f"Lines: 95 % intervals over {table.data.unit}."
    height = 0.6 + _ROW_INCHES * len(table.rows)
    figure = canvas.new_figure(height, "Scores of the models", [note, *_caption(table)])
    all_axes = figure.subplots(1, len(_SHOWN), sharey=True)
    canvas.name_bars(all_axes[0], label_rows(table.rows))
    for axes, (name, title) in zip(all_axes, _SHOWN.items(), strict=True):
        low, high = _limits([row.scores[name] for row in _without_baseline(table.rows)])
        axes.set(xlim=(low, high + 0.3 * (high - low)), ylim=(len(table.rows) - 0.4, -0.6))
        for position, row in enumerate(table.rows):
            _draw_summary(axes, position, row.scores[name], low)
        axes.set_title(title)
        canvas.show_scores(axes.xaxis)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
    return figure


@canvas.drawing()
def plot_times(table: Table) -> "Figure":
    """Draw the balanced accuracy of the models against the time that their training took.

    Parameters
    ----------
    table : Table
        What `hmnist.benchmark` returns.

    Returns
    -------
    matplotlib.figure.Figure
        A point for each row of the table but the baseline, at the mean time of a training; a line
        for its 95 % interval. An ensemble has the time of all its members.

    Raises
    ------
    UsageError
        If matplotlib is not installed, it is not a table, or no row has both a score and a time.
    """
    _check_table(table)
    drawn = [
        (label, row.scores["balanced_accuracy"], seconds)
        for label, row in zip(label_rows(table.rows), table.rows, strict=True)
        if (seconds := training_seconds(row, table.rows))
    ]
    if not drawn:
        raise UsageError("The table has no model with a time of training.")
    labels, summaries, times = zip(*drawn, strict=True)
    intervals_note = f"Lines: 95 % intervals over {table.data.unit}."
    notes = [intervals_note, *_caption(table), *_time_notes(table)]
    figure = canvas.new_figure(3.4, "Balanced accuracy by training time", notes)
    axes = figure.subplots()
    intervals = [_interval(summary) for summary in summaries]
    axes.set(xscale="log", xlim=(min(times) / 1.3, max(times) * 2), ylim=_limits(summaries))
    axes.set(xlabel="training time, seconds (logarithmic scale)", ylabel="balanced accuracy")
    points = np.array([(seconds, summary.mean) for _, summary, seconds in drawn], dtype=np.float64)
    axes.vlines(times, *zip(*intervals, strict=True), color=canvas.LIGHT, linewidth=1.2)
    axes.plot(*points.T, "o", color=canvas.MAIN, markersize=5)
    canvas.round_ticks(axes.xaxis)
    canvas.show_scores(axes.yaxis)
    axes.grid(visible=True)
    label_points(axes, labels, points, intervals)
    return figure


def save_table_figures(
    table: Table, out: str | Path, *, formats: str | Iterable[str] = ("png",)
) -> list[Path]:
    """Write the figures of a table into a folder.

    Parameters
    ----------
    table : Table
        What `hmnist.benchmark` returns.
    out : str or pathlib.Path
        The folder for the figures.
    formats : str or iterable of str
        ``png``, ``svg``, ``pdf``.

    Returns
    -------
    list of pathlib.Path
        ``scores`` and, unless the baseline is alone, ``times``.

    Raises
    ------
    UsageError
        If matplotlib is not installed, it is not a table, or a format is unknown or there is none.
    WorkError
        If they cannot be written.
    """
    _check_table(table)
    return save_figures(draw_table(table), out, formats)


def draw_table(table: Table) -> "Iterator[tuple[str, Figure]]":
    """Yield the figures that `save_table_figures` writes, each with its name."""
    yield "scores", plot_scores(table)
    if any(training_seconds(row, table.rows) for row in table.rows):
        yield "times", plot_times(table)


def training_seconds(row: TableRow, rows: Sequence[TableRow]) -> float | None:
    """Return the mean time of a training, as `fit_cost` does.

    None also for the baseline, which is not trained, and for a row without a score.
    """
    if row.baseline or row.scores["balanced_accuracy"].mean is None:
        return None
    return fit_cost(row, rows) or None


def _check_table(table: object) -> None:
    """Refuse what is not a `Table`, such as the folder of a benchmark."""
    check_kind(
        table,
        Table,
        "Read the file table.json of a benchmark: hmnist.Table.from_json(path.read_text())",
    )


def _caption(table: Table) -> list[str]:
    split = table.split
    return [data_note(table.data), f"Split: {split.description}{split.fold_text}. {split.proof}"]


def _time_notes(table: Table) -> Iterator[str]:
    yield f"{table.settings}."
    if table.settings.side_by_side:
        yield "Models were trained side by side: their times are not comparable."
    unknown = [
        label
        for label, row in zip(label_rows(table.rows), table.rows, strict=True)
        if not training_seconds(row, table.rows)
    ]
    if unknown:
        yield f"Not shown: {as_sentence_list(unknown)}."


def _without_baseline(rows: Sequence[TableRow]) -> Sequence[TableRow]:
    return [row for row in rows if not row.baseline] or rows


def _interval(summary: ScoreSummary) -> tuple[float, float]:
    """Return the interval, or the mean twice where it is unknown."""
    values = (summary.low, summary.high, summary.mean)
    low, high, mean = (np.nan if value is None else value for value in values)
    return (mean if np.isnan(low) else low), (mean if np.isnan(high) else high)


def _limits(summaries: Sequence[ScoreSummary]) -> tuple[float, float]:
    """Return the ends of an axis that shows all intervals, a margin on both sides."""
    ends = [end for summary in summaries for end in _interval(summary) if not np.isnan(end)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    margin = max(0.08 * (high - low), 0.01)
    return low - margin, high + margin


def _draw_summary(axes: "Axes", position: int, summary: ScoreSummary, left: float) -> None:
    """Draw one score of one row; an arrow at the `left` end if it is lower than that."""
    low, high = _interval(summary)
    if summary.mean is None:
        canvas.label_bar(axes, position, left, "unknown")
    elif summary.mean < left:
        canvas.label_bar(axes, position, left, f"← {score_text(summary.mean)}")
    else:
        axes.hlines(position, low, high, color=canvas.MAIN, linewidth=1.2)
        axes.plot(summary.mean, position, "o", color=canvas.MAIN, markersize=4)
        canvas.label_bar(axes, position, high, score_text(summary.mean))
