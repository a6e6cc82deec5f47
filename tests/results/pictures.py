"""What tests of figures look at: the texts that are drawn, and where they are."""

from unittest.mock import patch

from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def text_of(figure: Figure) -> str:
    """Return all visible text of a figure."""
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible()]
    return " ".join(" ".join(text.get_text() for text in texts).split())


def outside(figure: Figure) -> list[str]:
    """Return the texts that do not lie within the figure as a whole."""
    return _beyond(figure, _boxes_of(figure))


def misplaced(figure: Figure) -> list[str]:
    """Return the texts that do not lie within the figure, or that cover another text."""
    boxes = _boxes_of(figure)
    covered = [
        text
        for number, (text, box) in enumerate(boxes)
        if any(box.overlaps(other) for _, other in boxes[:number])
    ]
    return [*_beyond(figure, boxes), *covered]


def _boxes_of(figure: Figure) -> list[tuple[str, Bbox]]:
    """Draw a figure, and return the texts that are drawn, with their boxes."""
    drawn: list[Text] = []
    draw = Text.draw

    def record(text: Text, renderer: RendererBase) -> None:
        if text.get_visible() and text.get_text().strip():
            drawn.append(text)
        draw(text, renderer)

    with patch.object(Text, "draw", record):
        figure.draw_without_rendering()
    # As that of a Text: the extent of an annotation includes its arrow.
    return [(text.get_text(), Text.get_window_extent(text)) for text in drawn]


def _beyond(figure: Figure, boxes: list[tuple[str, Bbox]]) -> list[str]:
    within = figure.bbox
    return [
        text
        for text, box in boxes
        if not (within.x0 <= box.x0 and box.x1 <= within.x1)
        or not (within.y0 <= box.y0 and box.y1 <= within.y1)
    ]
