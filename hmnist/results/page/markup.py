"""Pieces of a page as HTML; every text is escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Heading:
    """The head of a column.

    Attributes
    ----------
    text : str
    about : str
        A sentence that is shown when the pointer rests on it.
    first : {"rising", "falling", ""}
        How the first click sorts the column; empty where it cannot be sorted.
    """

    text: str
    about: str = ""
    first: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    text : str
    value : float or None
        The number that it is sorted by; None sorts by the text.
    model : int or None
        The number of the model that a click on the cell selects.
    """

    text: str
    value: float | None = None
    model: int | None = None


def html_table(
    caption: str, headings: Sequence[Heading], body: Iterable[Sequence[Cell]], *, kind: str = ""
) -> str:
    """Return a table in a box of its own that scrolls; the first cell of each row is its head.

    Examples
    --------
    >>> "<td>a &lt; b</td>" in html_table("", [Heading("x")] * 2, [[Cell("1"), Cell("a < b")]])
    True
    """
    head = "".join(map(_heading, headings))
    rows = "".join(f"<tr>{''.join(_cells(cells))}</tr>\n" for cells in body)
    label = escape(caption, quote=True)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">'
        f'<table class="{kind}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>"
    )


def html_list(sentences: Iterable[str]) -> str:
    """Return sentences as a list."""
    items = "".join(f"<li>{escape(sentence)}</li>\n" for sentence in sentences)
    return f"<ul>\n{items}</ul>"


def html_facts(facts: Iterable[tuple[str, str]]) -> str:
    """Return named facts; what is typed or compared letter by letter is set in `code`."""
    items = "".join(
        f"<dt>{escape(name)}</dt><dd><code>{escape(text)}</code></dd>\n" for name, text in facts
    )
    return f"<dl>\n{items}</dl>"


def html_section(name: str, title: str, content: str) -> str:
    """Return a section under its heading; `name` is where links lead to."""
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{escape(title)}</h2>\n{content}\n</section>\n'
    )


def _heading(heading: Heading) -> str:
    about = f' title="{escape(heading.about, quote=True)}"' if heading.about else ""
    sort = ' data-sort-method="none"' if not heading.first else ""
    reverse = " data-sort-reverse" if heading.first == "falling" else ""
    return f'<th scope="col"{about}{sort}{reverse}>{escape(heading.text)}</th>'


def _cells(cells: Sequence[Cell]) -> Iterable[str]:
    for number, cell in enumerate(cells):
        text = escape(cell.text)
        if cell.model is not None:
            text = f'<button type="button" data-model="{cell.model}">{text}</button>'
        # Plain decimals: the sort does not read exponents.
        sort = "" if cell.value is None else f' data-sort="{cell.value:.9f}"'
        yield f'<th scope="row"{sort}>{text}</th>' if number == 0 else f"<td{sort}>{text}</td>"
