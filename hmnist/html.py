"""Values as HTML, for notebooks: tables with notes, and images within the page.

The colours are the notebook's own, so that it may be light or dark.
"""

import base64
import html
import io
from collections.abc import Iterable, Sequence

import numpy as np

from hmnist.arrays import Pixels

Cells = tuple[Sequence[str], Sequence[Sequence[str]]]
"""The header of a table, and its rows."""


def html_of(tables: Iterable[Cells], notes: Iterable[str] = (), *, title: str = "") -> str:
    """Return tables as HTML, the notes below; everything is escaped.

    Examples
    --------
    >>> html_of([(["model"], [["<cnn>"]])])
    '<div><table><tr><th>model</th></tr><tr><td>&lt;cnn&gt;</td></tr></table></div>'
    """
    heading = f"<p><b>{html.escape(title)}</b></p>" if title else ""
    below = "".join(f"<p><small>{html.escape(note)}</small></p>" for note in notes)
    return f"<div>{heading}{''.join(_table(*table) for table in tables)}{below}</div>"


def image_html(images: Pixels, *, zoom: int = 2) -> str:
    """Return images (n, h, w, c) side by side as one picture within the page."""
    from PIL import Image

    strip = np.concatenate(list(images), axis=1)
    picture = Image.fromarray(strip.squeeze(-1) if strip.shape[-1] == 1 else strip)
    picture = picture.resize(
        (picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST
    )
    file = io.BytesIO()
    picture.save(file, "PNG")
    return f'<img src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    rows = [_row("th", header), *(_row("td", cells) for cells in body)]
    return f"<table>{''.join(rows)}</table>"


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
