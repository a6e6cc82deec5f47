"""Numbers and tables as text: for the terminal, for Markdown and for LaTeX."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table as RichTable

_GAP = 2
"""Columns of the terminal between two columns of a table."""

_TEXT_WIDTH = 30
"""Sentences in a table get at least so many columns of the terminal."""


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


def duration_text(seconds: float) -> str:
    """Return a time in the largest unit that suits it: ``84 s``, ``12 min`` or ``10.6 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def markdown_table(
    header: Sequence[str], body: Sequence[Sequence[str]], *, text: Collection[str] = ()
) -> str:
    """Return a table as Markdown: numbers to the right; to the left the first column and `text`."""
    rule = ["---", *("---" if heading in text else "---:" for heading in header[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *body))


_LATEX = str.maketrans(
    {
        **{sign: rf"\{sign}" for sign in "%&_#${}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": "$<$",
        ">": "$>$",
        "±": r"$\pm$",
        "−": "$-$",
        "×": r"$\times$",
        "≥": r"$\geq$",
        "–": "--",
        "…": r"\dots{}",
        "→": r"$\rightarrow$",
    }
)
"""The signs that LaTeX reads as commands, or does not know in a file of UTF-8."""


def latex_text(text: str) -> str:
    r"""Return text for LaTeX, with all special signs escaped.

    Examples
    --------
    >>> print(latex_text("df_1: 95% [−.1, .2]"))
    df\_1: 95\% [$-$.1, .2]
    """
    return text.translate(_LATEX)


def latex_tabular(
    header: Sequence[str], body: Sequence[Sequence[str]], *, bold: Sequence[bool]
) -> str:
    """Return a LaTeX ``tabular`` with the rules of booktabs; `bold` tells which rows are bold."""
    lines = [" & ".join(map(latex_text, header)) + r" \\", r"\midrule"]
    for cells, heavy in zip(body, bold, strict=True):
        texts = [rf"\textbf{{{latex_text(cell)}}}" if heavy else latex_text(cell) for cell in cells]
        lines.append(" & ".join(texts) + r" \\")
    begin = rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}"
    return "\n".join([begin, r"\toprule", *lines, r"\bottomrule", r"\end{tabular}"])


_FITTED = r"\ifdim\width>\linewidth\linewidth\else\width\fi"
"""The width of a table in LaTeX: its own, or that of the page if it is wider."""


def latex_table(tabulars: Sequence[str], *, caption: str, notes: Sequence[str]) -> str:
    """Return a LaTeX ``table`` of several tabulars below each other, the notes under them."""
    return "\n".join(
        [
            r"% Needs \usepackage{booktabs} and \usepackage{graphicx}.",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex_text(caption)}}}",
            r"\label{tab:hmnist}",
            "\n\n\\medskip\n".join(
                f"\\resizebox{{{_FITTED}}}{{!}}{{%\n{each}}}" for each in tabulars
            ),
            "",
            r"\medskip",
            r"\begin{minipage}{\linewidth}\footnotesize",
            "\n\n".join(map(latex_text, notes)),
            r"\end{minipage}",
            r"\end{table}",
            "",
        ]
    )


FIRST = ("balanced acc.", "accuracy", "AUC")
"""The scores of the first table on a terminal that is too narrow for all."""


@dataclass(frozen=True)
class PlainTable:
    """A table for the terminal, laid out for its width; see `plain_table`."""

    header: Sequence[str]
    body: Sequence[Sequence[str]]
    text: Collection[str] = ()
    first: Sequence[str] = ()

    def __rich_console__(
        self, console: "Console", options: "ConsoleOptions"
    ) -> "Iterator[RenderableType]":
        for columns in self.fit(options.max_width):
            yield self._draw(columns, options.max_width)
            yield ""

    def fit(self, width: int) -> list[list[int]]:
        """Return the columns of each table that is drawn in `width`: the first is in all."""
        columns = list(range(1, len(self.header)))
        if self._width([0, *columns]) > width:
            columns.sort(key=self._importance)
        parts: list[list[int]] = []
        for column in columns:
            if parts and self._width([*parts[-1], column]) <= width:
                parts[-1].append(column)
            else:
                parts.append([0, column])
        # Within a table the order stays, so that it does not change with the width.
        return [sorted(part) for part in parts]

    def _importance(self, column: int) -> int:
        heading = self.header[column]
        return self.first.index(heading) if heading in self.first else len(self.first)

    def _width(self, columns: Sequence[int]) -> int:
        """Return what a table of these columns takes at least, gaps included."""
        return sum(self._least(column) + _GAP for column in columns) - _GAP

    def _least(self, column: int) -> int:
        """Return the width of a column; of a column of words, the least that is still readable."""
        from rich.cells import cell_len

        whole = self._whole(column)
        if self.header[column] not in self.text:
            return whole
        words = " ".join(cells[column] for cells in self.body).split()
        return min(whole, max(_TEXT_WIDTH, *map(cell_len, words)))

    def _whole(self, column: int) -> int:
        from rich.cells import cell_len

        return max(cell_len(cells[column]) for cells in (self.header, *self.body))

    def _draw(self, columns: Sequence[int], width: int) -> "RichTable":
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        spare = width - self._width(columns)
        table = RichTable(
            box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False
        )
        for number in columns:
            least, words = self._least(number), number == 0 or self.header[number] in self.text
            more = max(0, min(spare, self._whole(number) - least))
            # Where even two columns are too wide, rich breaks cells into lines.
            table.add_column(
                Text(self.header[number]),  # in a plain string, brackets would be rich's markup
                justify="left" if words else "right",
                overflow="fold",
                width=least + more if spare >= 0 else None,
            )
            spare -= more if spare >= 0 else 0
        for cells in self.body:
            table.add_row(*(Text(cells[number]) for number in columns))
        return table


def plain_table(
    header: Sequence[str],
    body: Sequence[Sequence[str]],
    *,
    text: Collection[str] = (),
    first: Sequence[str] = (),
) -> PlainTable:
    """Return a table for the terminal, with one rule.

    The first column holds names and those whose headings are in `text` hold sentences: both stand
    to the left, and only sentences take several lines. Numbers stand to the right. What does not
    fit the terminal's width becomes several tables that fit, each with the first column; the
    columns whose headings are in `first` stand in the first of them then. No cell is cut.

    Examples
    --------
    >>> table = plain_table(["model", "accuracy", "AUC"], [["logistic", ".799", ".946"]])
    >>> table.fit(width=80), table.fit(width=20)
    ([[0, 1, 2]], [[0, 1], [0, 2]])
    """
    return PlainTable(header, body, text, first)
