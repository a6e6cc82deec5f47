"""`Explanation`: maps of what predictions rest on, and one sheet with the images and their maps."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.arrays import Float32, Float64, Labels, Pixels
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, unknown_name
from hmnist.files import expand_home, write_file
from hmnist.results import canvas
from hmnist.runs.facts import as_line
from hmnist.scores.text import signed_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24
"""Images on one sheet."""

FORMATS = {"png": "Software", "svg": "Date", "pdf": "CreationDate"}
"""Endings of files, and what matplotlib writes into each that differs without a difference."""

_PAIRS = 3  # images in a row, each with its map beside it

_MEANING = {
    "grad-cam": "Orange: what speaks for the predicted diagnosis. The strongest place of each "
    "image has the full colour.",
    "occlusion": "Orange: the predicted diagnosis loses probability if this part is covered with "
    "the colour of the skin; blue: it gains. Above each map, the largest change.",
    "permutation": "Orange: the predicted diagnosis loses probability if this part comes from "
    "another image; blue: it gains. Above each map, the largest change.",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """Which parts of some images their predictions rest on.

    Attributes
    ----------
    title : str
        The run and the method.
    method : str
        ``occlusion``, ``grad-cam`` or ``permutation``.
    images : numpy.ndarray of uint8, shape (n, h, w, c)
    names : tuple of str
        A name for each image.
    predicted : numpy.ndarray of int64, shape (n,)
        The predicted diagnoses, which are explained.
    probabilities : numpy.ndarray of float64, shape (n, 7)
        Calibrated.
    maps : numpy.ndarray of float32, shape (n, h, w)
        For ``occlusion`` and ``permutation`` the loss of the predicted diagnosis' probability if
        something else is there, −1 to 1. For ``grad-cam`` 0 or more, in arbitrary units.
    groups : dict of str to float
        For ``permutation`` and a tabular model on features: the mean loss of probability if a group
        of features comes from other images, the largest first. Empty otherwise.
    notes : tuple of str
        Sentences on what the maps do not show.
    """

    title: str
    method: str
    images: Pixels
    names: tuple[str, ...]
    predicted: Labels
    probabilities: Float64
    maps: Float32
    groups: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def plot(self) -> "Figure":
        """Return one sheet with all images and their maps.

        It raises a UsageError without matplotlib, or if there are more than 24 images.
        """
        canvas.check_drawing()
        if len(self.images) > MOST:
            raise UsageError(
                f"A sheet has room for {MOST} images, and there are {len(self.images):,}.",
                "Choose fewer.",
            )
        with canvas.drawing():
            return _draw(self)

    def save(self, path: str | Path) -> None:
        """Write the sheet of `plot` as ``.png``, ``.svg`` or ``.pdf``, by the file's ending."""
        path = expand_home(path)
        ending = check_format(path)
        figure = self.plot()
        with write_file(path) as temporary, canvas.drawing():
            figure.savefig(temporary, format=ending, metadata={FORMATS[ending]: None})


def check_format(path: Path) -> str:
    """Return the format that the ending of a file tells, or raise a UsageError."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise unknown_name("format of figures", ending, FORMATS)
    return ending


def _draw(explanation: Explanation) -> "Figure":
    count = len(explanation.images)
    columns = min(count, _PAIRS)
    rows = -(-count // columns)
    bars = len(explanation.groups)
    side = canvas.WIDTH / (2 * max(columns, 2))
    heights = [rows * (side + 0.5), *([0.45 + 0.2 * bars] if bars else [])]
    caption = [_MEANING[explanation.method], *explanation.notes]
    figure = canvas.new_figure(sum(heights), explanation.title, caption)
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).ravel()
    all_axes = parts[0].subplots(rows, 2 * columns, squeeze=False)
    for axes in all_axes.ravel():
        axes.set_axis_off()
    for number in range(count):
        row, column = divmod(number, columns)
        _draw_image(all_axes[row, 2 * column], explanation, number)
        _draw_map(all_axes[row, 2 * column + 1], explanation, number)
    if bars:
        _draw_groups(parts[1].subplots(), explanation.groups)
    return figure


def _draw_image(axes: "Axes", explanation: Explanation, number: int) -> None:
    label = explanation.predicted[number]
    share = canvas.share_text(explanation.probabilities[number, label], 1)
    axes.imshow(_in_colour(explanation.images[number]), interpolation="nearest")
    name = as_line(explanation.names[number])
    axes.set_title(f"{name[:24]}\n{CODES[label]}, {share}")


def _draw_map(axes: "Axes", explanation: Explanation, number: int) -> None:
    values = explanation.maps[number]
    grey = _in_colour(explanation.images[number]).mean(axis=2)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.imshow(_paint(values), interpolation="nearest")
    if not values.any():
        axes.set_title("\nnothing")
    elif explanation.method != "grad-cam":
        largest = values.flat[np.abs(values).argmax()]
        axes.set_title(f"\n{signed_text(-largest)}")


def _paint(values: Float32) -> Float32:
    """Return a map as colours with opacity, shape (h, w, 4): orange above 0, blue below."""
    from matplotlib.colors import to_rgb

    strength = values / max(float(np.abs(values).max()), 1e-12)
    colours = np.empty((*values.shape, 4), np.float32)
    colours[..., :3] = np.where(
        (strength > 0)[..., None], to_rgb(canvas.ACCENT), to_rgb(canvas.MAIN)
    )
    colours[..., 3] = 0.8 * np.abs(strength)
    return colours


def _draw_groups(axes: "Axes", groups: dict[str, float]) -> None:
    values = list(groups.values())
    axes.barh(range(len(values)), values, height=0.62, color=canvas.LIGHT)
    for position, value in enumerate(values):
        canvas.label_bar(axes, position, max(value, 0), f"{value:.3f}")
    canvas.name_bars(axes, list(groups))
    axes.set_title("Mean loss of probability if a group of features comes from other images")
    axes.set_xlim(min(0, *values), max(1e-3, *values) * 1.15)
    axes.grid(visible=True, axis="x")


def _in_colour(image: Pixels) -> Pixels:
    return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
