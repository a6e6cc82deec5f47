"""Numbers and tables as text: for the terminal, for Markdown and for LaTeX."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table as RichTable


def score_text(value: float | None) -> str:
    """Return a score with three decimals and without the zero before the point: ``.500``."""
    if value is None:
        return "–"
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


def signed_text(value: float | None) -> str:
    """Return a difference of scores with its sign: ``−.074``."""
    if value is None:
        return "–"
    rounded = round(value, 3) + 0.0
    return f"{'−' if rounded < 0 else '+'}{score_text(abs(rounded))}"


def count_text(number: float) -> str:
    """Return a count of parameters: ``20,356`` or ``1.09 M``."""
    return f"{number:,.0f}" if number < 1e5 else f"{number / 1e6:.2f} M"


def byte_text(size: float) -> str:
    """Return a size in bytes: ``287 B`` or ``440.4 kB``."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def as_sentence_list(names: Sequence[str]) -> str:
    """Return names with commas and a final “and”: ``lenet, vgg16 and mobilenet``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def markdown_table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown: the first column to the left, all others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *body))


def latex_text(cell: str) -> str:
    """Return a cell of a table with LaTeX's special characters escaped."""
    return cell.replace("%", r"\%").replace("±", r"$\pm$").replace("–", "--").replace("_", r"\_")


def plain_table(
    header: Sequence[str], body: Sequence[Sequence[str]], *, text: Sequence[str] = ()
) -> "RichTable":
    """Return a table for the terminal, with one rule.

    The first column and those whose headings are in `text` hold words: they stand to the left and
    may take a second line. Numbers stand to the right and are never broken.
    """
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for number, heading in enumerate(header):
        words = number == 0 or heading in text
        # As Text: in a plain string, brackets would be rich's markup.
        table.add_column(Text(heading), justify="left" if words else "right", no_wrap=not words)
    for cells in body:
        table.add_row(*map(Text, cells))
    return table
