"""`label_points`: names beside the points of a figure, so that no name covers another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmnist.arrays import Float64
from hmnist.results import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

_SIZE = 8  # of the letters, in points
_ASIDE = 6  # how many points a label is away from its point
_LINES = 8  # how many lines a label may be above or below its point
_COVERS_TEXT, _COVERS_POINT, _COVERS_LINE = 100, 50, 5


@dataclass(frozen=True)
class _Place:
    """A place for a label: so many lines above its point, to its right or left."""

    lines: int
    right: bool

    @property
    def cost(self) -> float:
        """How far it is, in lines; the right is a little better than the left."""
        return abs(self.lines) + (0 if self.right else 0.5)

    def box(self, point: Float64, width: float, height: float, aside: float) -> "Bbox":
        from matplotlib.transforms import Bbox

        left = point[0] + aside if self.right else point[0] - aside - width
        return Bbox.from_bounds(left, point[1] + (self.lines - 0.5) * height, width, height)


_PLACES = tuple(
    _Place(lines, right) for lines in range(-_LINES, _LINES + 1) for right in (True, False)
)


def label_points(
    axes: "Axes",
    labels: Sequence[str],
    points: Float64,
    intervals: Sequence[tuple[float, float]],
) -> None:
    """Write a label beside each point; a thin line joins those that are far from theirs.

    Labels take their places one by one: each the nearest that covers no label, no point, no
    vertical line of an interval, and lies within the axes, as far as there is one.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With everything else drawn, and its final limits.
    labels : sequence of str, length n
    points : numpy.ndarray of float64, shape (n, 2)
        In the units of the axes.
    intervals : sequence of (float, float), length n
        The lower and the upper end of the vertical line at each point.
    """
    from matplotlib.transforms import Bbox

    measured = [axes.text(0, 0, label, size=_SIZE) for label in labels]
    for text in measured:
        text.set_in_layout(False)
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]  # axes have a figure
    extents = [text.get_window_extent() for text in measured]
    for text in measured:
        text.remove()
    pixel = axes.figure.dpi / 72  # of a point, the printer's unit
    to_pixels = axes.transData.transform
    centres = to_pixels(points)
    dots = [
        Bbox.from_bounds(x - 3 * pixel, y - 3 * pixel, 6 * pixel, 6 * pixel) for x, y in centres
    ]
    lines = [
        Bbox(to_pixels([(x, low), (x, high)]))
        for (x, _), (low, high) in zip(points, intervals, strict=True)
    ]
    taken: list[Bbox] = []
    for label, point, centre, extent in zip(labels, points, centres, extents, strict=True):

        def cost(place: _Place, centre: Float64 = centre, extent: "Bbox" = extent) -> float:
            box = place.box(centre, extent.width, extent.height, _ASIDE * pixel)
            inside = axes.bbox.containsx(box.x0) and axes.bbox.containsx(box.x1)
            inside = inside and axes.bbox.containsy(box.y0) and axes.bbox.containsy(box.y1)
            return (
                place.cost
                + _COVERS_TEXT * (box.count_overlaps(taken) + (not inside))
                + _COVERS_POINT * box.count_overlaps(dots)
                + _COVERS_LINE * box.count_overlaps(lines)
            )

        place = min(_PLACES, key=cost)
        taken.append(place.box(centre, extent.width, extent.height, _ASIDE * pixel))
        _write(axes, label, point, place, extent.height / pixel)


def _write(axes: "Axes", label: str, point: Float64, place: _Place, height: float) -> None:
    arrow = {
        "arrowstyle": "-", "color": canvas.FADED, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 2,
        "relpos": (0 if place.right else 1, 0.5),
    }  # fmt: skip
    axes.annotate(
        label,
        (float(point[0]), float(point[1])),
        xytext=(_ASIDE if place.right else -_ASIDE, place.lines * height),
        textcoords="offset points",
        ha="left" if place.right else "right",
        va="center",
        size=_SIZE,
        arrowprops=arrow if place.lines else None,
    ).set_in_layout(False)
