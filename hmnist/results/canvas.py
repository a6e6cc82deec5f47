"""What all figures share: size, font, colours, title and caption, and how a figure is written.

Figures are made without pyplot, so that no window opens and no global state changes.
"""

import contextlib
import functools
import importlib.util
import io
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64, Labels
from hmnist.diagnoses import CODES, DIAGNOSES
from hmnist.errors import UsageError, unknown_name
from hmnist.files import expand_home, write_file
from hmnist.scores.text import score_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 7.0
"""Inches: the width of the text on a page, so that fonts are printed in their own size."""

COLUMN = 3.5
"""Inches: one of two columns of a page, for figures that are about as high as wide."""

MAIN, LIGHT, ACCENT, FADED = "#0072B2", "#56B4E9", "#D55E00", "#BBBBBB"
"""Blues and vermilion of Okabe & Ito (2008), distinct for colour-blind readers too; a grey."""

PANEL_TITLE = 7.5
"""Points: the size in which a count of images and lesions fits above one of four panels."""

_QUARTERS = (0, 0.25, 0.5, 0.75, 1)

FORMATS = ("png", "svg", "pdf")
"""The formats of ``--figures``."""

DOTS_PER_INCH = 300
"""What journals ask for."""

_NO_DATES: dict[str, Any] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""Without date and version of matplotlib, the same figure gives the same PNG and PDF."""

_STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "text.parse_math": False,  # a dollar in a file's name is a dollar
    "text.usetex": False,
    "savefig.bbox": None,
    "savefig.dpi": "figure",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,  # TrueType: some journals refuse matplotlib's default, Type 3
    "svg.hashsalt": "hmnist",  # the same names in each file
}

_CAPTION_COLUMNS = 18.5  # characters of the caption in an inch
_LINE_INCHES = 0.135


def can_draw() -> bool:
    """Return whether matplotlib is installed, without loading it."""
    return importlib.util.find_spec("matplotlib") is not None


def check_drawing() -> None:
    """Raise UsageError where matplotlib is missing."""
    if not can_draw():
        sentence = "Figures are drawn by matplotlib, which is not installed."
        raise UsageError(sentence, "pip install matplotlib")


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Draw in the style of this package; the user's own settings hold again afterwards.

    Functions that make figures have it as their decorator. Raises UsageError where matplotlib is
    missing.
    """
    check_drawing()
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # The name of a file may have characters that the font lacks: boxes are drawn then.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def new_figure(height: float, title: str, caption: Sequence[str], width: float = WIDTH) -> "Figure":
    """Return an empty figure as wide as a page, with a title above and a caption below.

    `height` is in inches, between title and caption; the sentences of the caption are wrapped.
    """
    lines = textwrap.wrap(" ".join(caption), round(_CAPTION_COLUMNS * width))
    above, below = 0.3, _LINE_INCHES * len(lines) + 0.12
    total = above + height + below
    figure = _figure_class()(figsize=(width, total), dpi=DOTS_PER_INCH, layout="constrained")
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, below / total, 1, height / total))  # type: ignore[call-arg]  # constrained's own
    left = 0.085 / width
    figure.text(left, 1 - 0.09 / total, title, va="top", weight="bold", size=9.5)
    figure.text(
        left, 0.07 / total, "\n".join(lines), va="bottom", size=7, color="#555555", linespacing=1.3
    )
    return figure


@functools.cache
def _figure_class() -> "type[Figure]":
    """Return the class of figures, which notebooks show though pyplot has not made them."""
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

    return NotebookFigure


def panels(
    figure: "Figure", count: int, below: str, columns: int = 4, **shared: Any
) -> "list[Axes]":
    """Return `count` small axes in rows; the lowest of each column has the label `below`."""
    rows = -(-count // columns)
    all_axes: list[Axes] = figure.subplots(rows, columns, squeeze=False, **shared).ravel().tolist()
    for number, axes in enumerate(all_axes):
        axes.grid(visible=True)
        # In the row above the last, the panel below may be one that stays empty.
        if number < count <= number + columns:
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(below)
    for empty in all_axes[count:]:
        empty.set_visible(False)
    return all_axes[:count]


def label_bar(axes: "Axes", position: float, end: float, text: str) -> None:
    """Write a text to the right of a horizontal bar: `position` is up the axis, `end` along it."""
    axes.annotate(
        text, (end, position), xytext=(4, 0), textcoords="offset points", va="center", size=8,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip


def share_text(count: float, total: float) -> str:
    """Return a share in whole per cent: 0 % means none (else ``<1%``), and 100 % means all."""
    share = count / total
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def whole_epochs(axes: "Axes") -> None:
    """Put ticks at whole epochs only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))


def whole_counts(axes: "Axes") -> None:
    """Put ticks at whole numbers of images only, on the vertical axis."""
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter("{x:,.0f}")


def count_texts(labels: Labels, lesions: npt.NDArray[Any] | None, between: str = ", ") -> list[str]:
    """Return how many images each diagnosis has, and of how many lesions where they are known.

    Examples
    --------
    >>> count_texts(np.array([0, 0, 1]), np.array(["a", "a", "b"]))[:3]
    ['2 images, 1 lesion', '1 image, 1 lesion', '0 images, 0 lesions']
    """
    images = np.bincount(labels, minlength=len(CODES)).tolist()
    texts = [_count(number, "image") for number in images]
    if lesions is None:
        return texts
    numbers = [len(np.unique(lesions[labels == label])) for label in range(len(CODES))]
    return [
        f"{text}{between}{_count(number, 'lesion')}"
        for text, number in zip(texts, numbers, strict=True)
    ]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def name_with_counts(labels: Labels, lesions: npt.NDArray[Any] | None) -> list[str]:
    """Return the full name of each diagnosis, and below it the text of `count_texts`."""
    names = zip(full_names(), count_texts(labels, lesions), strict=True)
    return ["\n".join(lines) for lines in names]


def title_panel(axes: "Axes", label: int, counts: str) -> None:
    """Title the panel of a diagnosis by its short name, and below it how many images it has."""
    name = f"{short_names()[label]} ({CODES[label]})"
    axes.set_title(f"{name}\n{counts}", size=PANEL_TITLE)


def full_names() -> list[str]:
    """Return the names of the diagnoses with their codes, in the Kaggle order."""
    return [f"{diagnosis.name} ({diagnosis.code})" for diagnosis in DIAGNOSES]


def short_names() -> list[str]:
    """Return short names of the diagnoses, in the Kaggle order."""
    return [diagnosis.name.split(" / ")[0] for diagnosis in DIAGNOSES]


def heat_map(
    figure: "Figure", shares: Float64, texts: Sequence[Sequence[str]], darkest: float
) -> "Axes":
    """Return axes of cells, each with a text, the bluer the closer its share is to `darkest`."""
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=darkest, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.65 * darkest else "#222222" if share else "#999999"
        axes.text(column, row, texts[row][column], ha="center", va="center", color=colour, size=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return axes


def name_bars(axes: "Axes", names: Sequence[str]) -> None:
    """Write names to the left of horizontal bars, the first one at the top."""
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)


def show_shares(axis: "Axis") -> None:
    """Put ticks at quarters, written in per cent, on an axis that shows shares."""
    axis.set_ticks(_QUARTERS, [f"{share:.0%}" for share in _QUARTERS])


def show_scores(axis: "Axis") -> None:
    """Put a few ticks on an axis of scores, written as in the tables: ``.650``."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda score, _: score_text(score)))


def round_ticks(axis: "Axis") -> None:
    """Put ticks at 1, 2, 5, 10, 20 … on a logarithmic axis, written without powers."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_locator(NullLocator())


def save_figures(
    figures: "Iterable[tuple[str, Figure]]", out: str | Path, formats: Sequence[str]
) -> list[Path]:
    """Write each figure under its name, in each format, into the folder `out`.

    Raises
    ------
    UsageError
        If a format is unknown.
    WorkError
        If a file cannot be written.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("figure format", name, FORMATS)
    folder, paths = expand_home(out), []
    for name, figure in figures:
        for ending in formats:
            paths.append(folder / f"{name}.{ending}")
            with drawing(), write_file(paths[-1]) as temporary:
                figure.savefig(temporary, format=ending, metadata=_NO_DATES[ending])
    return paths
