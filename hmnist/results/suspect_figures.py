"""`plot_near_pairs` and `plot_improbable_labels`: images that may be wrong, to be looked at."""

from typing import TYPE_CHECKING

from hmnist.checks.suspects import Suspects, find_suspects
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.results import canvas
from hmnist.results.image_figure import describe_data
from hmnist.scores.text import score_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAIRS, _PAIRS_IN_LINE = 10, 5

_LABELS, _LABELS_IN_LINE = 24, 6


def draw_suspects(data: LesionDataset) -> "Iterator[tuple[str, Figure]]":
    """Yield the sheets of suspects, each with its name; none where nothing is suspicious.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or there are too few images, or they are too small.
    """
    suspects = find_suspects(data)
    if len(suspects.pairs):
        yield "suspects-pairs", plot_near_pairs(data, suspects)
    if len(suspects.labels):
        yield "suspects-labels", plot_improbable_labels(data, suspects)


@canvas.drawing()
def plot_near_pairs(data: LesionDataset, suspects: Suspects) -> "Figure":
    """Draw the ten pairs of images that are most alike and show two lesions, by their ids.

    Parameters
    ----------
    data : LesionDataset
        The data set.
    suspects : Suspects
        What `hmnist.checks.suspects.find_suspects` returns for it; at least one pair.

    Returns
    -------
    matplotlib.figure.Figure
        Each pair one above the other, with its likeness, names and diagnoses.

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    pairs = suspects.pairs[:_PAIRS]
    lines = -(-len(pairs) // _PAIRS_IN_LINE)
    known = "of two lesions" if data.lesion_ids is not None else "(lesions unknown)"
    title = f"Images {known} that are most alike"
    note = (
        f"The {len(pairs)} nearest of {len(suspects.pairs):,} pairs with a likeness of .8 or more; "
        "copies of one image have .9 or more, also where one is turned, mirrored or brightened. "
        "Images with a dark rim are alike for their rim."
    )
    figure = canvas.new_figure(3.4 * lines, title, [note, *describe_data(data)])
    axes = figure.subplots(2 * lines, _PAIRS_IN_LINE, squeeze=False)
    for number, (rows, likeness) in enumerate(
        zip(pairs.tolist(), suspects.likeness.tolist(), strict=False)
    ):
        line, column = divmod(number, _PAIRS_IN_LINE)
        for below, row in enumerate(rows):
            name = f"{data.name_of(row)}, {CODES[data.labels[row]]}"
            canvas.show_image(axes[2 * line + below, column], data.images[row], name)
        axes[2 * line, column].set_title(f"likeness {score_text(likeness)}", size=7.5, pad=2)
    _hide(axes.ravel().tolist())
    return figure


@canvas.drawing()
def plot_improbable_labels(data: LesionDataset, suspects: Suspects) -> "Figure":
    """Draw the 24 images whose label is the least probable, compared with another diagnosis.

    Parameters
    ----------
    data : LesionDataset
        The data set.
    suspects : Suspects
        What `hmnist.checks.suspects.find_suspects` returns for it; at least one label.

    Returns
    -------
    matplotlib.figure.Figure
        Each image with its label, the predicted diagnosis and its probability.

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    rows = suspects.labels[:_LABELS]
    lines = -(-len(rows) // _LABELS_IN_LINE)
    title = "Improbable labels: label → predicted diagnosis, and its probability"
    note = (
        f"{len(rows)} of {len(suspects.labels):,} images with another predicted diagnosis, by "
        "logistic regression that was fitted without the lesion. Most of them are difficult "
        "lesions, not wrong labels."
    )
    figure = canvas.new_figure(1.48 * lines, title, [note, *describe_data(data)])
    all_axes = figure.subplots(lines, _LABELS_IN_LINE, squeeze=False).ravel().tolist()
    shown = zip(all_axes, rows.tolist(), suspects.predicted.tolist(), strict=False)
    for (axes, row, predicted), chance in zip(shown, suspects.probabilities, strict=False):
        canvas.show_image(axes, data.images[row], data.name_of(row))
        change = f"{CODES[data.labels[row]]} → {CODES[predicted]}  {score_text(float(chance))}"
        axes.set_title(change, size=7.5, pad=2, loc="center")
    _hide(all_axes)
    return figure


def _hide(all_axes: "Sequence[Axes]") -> None:
    for axes in all_axes:
        axes.set_axis_off()
