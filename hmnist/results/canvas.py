"""The paper that figures are drawn on: size, type, colours, caption, and the way into a file.

Figures are made without pyplot: no window, no global state, nothing left open.
"""

import contextlib
import importlib.util
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmnist.diagnoses import DIAGNOSES
from hmnist.errors import UsageError
from hmnist.files import write_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "ACCENT",
    "FADED",
    "LIGHT",
    "MAIN",
    "SHARES",
    "WIDTH",
    "can_draw",
    "check_drawing",
    "drawing",
    "full_names",
    "label_bar",
    "new_figure",
    "panels",
    "save_figure",
    "share_text",
    "short_names",
    "whole_counts",
    "whole_epochs",
]

WIDTH = 7.0
"""Inches: the text width of a page, so that type is printed in its own size."""

MAIN, LIGHT, ACCENT, FADED = "#0072B2", "#56B4E9", "#D55E00", "#BBBBBB"
"""Blues and vermilion of Okabe & Ito (2008), which all colour vision tells apart; and a grey."""

SHARES = (0, 0.25, 0.5, 0.75, 1)
"""Where an axis of shares has its ticks."""

_DOTS_PER_INCH = 160

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
}

_CAPTION_COLUMNS = 130

_LINE_INCHES = 0.135


def can_draw() -> bool:
    """Tell whether matplotlib is installed; it is not loaded."""
    return importlib.util.find_spec("matplotlib") is not None


def check_drawing() -> None:
    """Refuse to draw where matplotlib is missing.

    Raises
    ------
    UsageError
        If it is.
    """
    if not can_draw():
        raise UsageError(
            "Figures are drawn by matplotlib, which is not installed.", "pip install matplotlib"
        )


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Draw in the style of this package, whatever the user's settings are, and give those back."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A file may be called what the font cannot write: boxes are drawn then.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def new_figure(height: float, title: str, caption: Sequence[str]) -> "Figure":
    """Return an empty figure of the page's width with a title above and a caption below.

    Parameters
    ----------
    height : float
        Inches between title and caption.
    title : str
        One line.
    caption : sequence of str
        Sentences; they are wrapped.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    lines = textwrap.wrap(" ".join(caption), _CAPTION_COLUMNS)
    above, below = 0.3, _LINE_INCHES * len(lines) + 0.12
    total = above + height + below
    figure = Figure(figsize=(WIDTH, total), dpi=_DOTS_PER_INCH, layout="constrained")
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, below / total, 1, height / total))  # type: ignore[call-arg]  # constrained's own
    figure.text(0.012, 1 - 0.09 / total, title, va="top", weight="bold", size=9.5)
    figure.text(
        0.012, 0.07 / total, "\n".join(lines), va="bottom", size=7, color="#555555", linespacing=1.3
    )
    return figure


def panels(
    figure: "Figure", count: int, below: str, columns: int = 4, **shared: Any
) -> "list[Axes]":
    """Return `count` small axes in rows, the lowest with the label `below`."""
    rows = -(-count // columns)
    axes: list[Axes] = figure.subplots(rows, columns, squeeze=False, **shared).ravel().tolist()
    for place, one in enumerate(axes):
        one.grid(visible=True)
        # The panel below may be one of those that stay empty.
        if place < count <= place + columns:
            one.tick_params(labelbottom=True)
            one.set_xlabel(below)
    for empty in axes[count:]:
        empty.set_visible(False)
    return axes[:count]


def label_bar(axes: "Axes", place: float, end: float, text: str) -> None:
    """Write a text behind the end of a horizontal bar."""
    axes.annotate(
        text, (end, place), xytext=(4, 0), textcoords="offset points", va="center", size=8,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip


def share_text(count: float, total: float) -> str:
    """Write a share in whole per cent, without calling a few none or most all.

    Examples
    --------
    >>> share_text(1, 4), share_text(1, 1000), share_text(999, 1000), share_text(0, 5)
    ('25%', '<1%', '>99%', '0%')
    """
    share = count / total
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def whole_epochs(axes: "Axes") -> None:
    """Tick whole epochs only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))


def whole_counts(axes: "Axes") -> None:
    """Tick whole numbers of images only, up the height."""
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter("{x:,.0f}")


def full_names() -> list[str]:
    """Return the diagnoses' names with their codes, in the Kaggle order."""
    return [f"{diagnosis.name} ({diagnosis.code})" for diagnosis in DIAGNOSES]


def short_names() -> list[str]:
    """Return the diagnoses' names for narrow places, in the Kaggle order."""
    return [diagnosis.name.split(" / ")[0] for diagnosis in DIAGNOSES]


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG, whole or not at all.

    Raises
    ------
    WorkError
        If the disk refuses.
    """
    with write_file(path) as temporary:
        # Without the version, the same figure is the same file.
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return path
