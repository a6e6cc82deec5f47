import io
import itertools
from collections import Counter

import pytest
from rich.console import Console

from hmnist.results.canvas import share_text
from hmnist.results.formatting import (
    byte_text,
    count_text,
    duration_text,
    markdown_table,
    plain_table,
)

HEADER = ["model", "balanced acc.", "accuracy", "what it is", "F1"]

BODY = [
    ["cnn + patients", ".656 ± .040 [.631, .682]", ".835", "a network on 28×28 pixels, " * 3, ".1"],
    ["majority", ".143", ".691", "short", "1.000"],
]


def print_table(width: int) -> list[str]:
    text = io.StringIO()
    table = plain_table(HEADER, BODY, text=["what it is"], first=["F1", "balanced acc."])
    Console(width=width, file=text, color_system=None).print(table)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_brackets_are_no_markup() -> None:
    text = io.StringIO()
    Console(width=100, file=text).print(plain_table(["score", "[low, high]"], [["a", "[b, c]"]]))
    assert "[low, high]" in text.getvalue()
    assert "[b, c]" in text.getvalue()


@pytest.mark.parametrize("width", [40, 46, 50, 60, 72, 80, 100, 1000])
def test_a_table_that_is_too_wide_becomes_several_that_fit(width: int) -> None:
    lines = print_table(width)
    assert max(map(len, lines)) <= width
    tables = [line for line in lines if line.startswith("model ")]
    headings = " ".join(tables)
    assert all(headings.count(heading) == 1 for heading in HEADER[1:])
    # Numbers and names stand whole on one line each, names in every table.
    for cells in BODY:
        rows = [line for line in lines if line.startswith(f"{cells[0]} ")]
        assert len(rows) == len(tables)
        assert all(any(cells[column] in line for line in rows) for column in (1, 2, 4))
    assert " ".join(" ".join(lines).split()).count("pixels,") == 3


def test_the_columns_that_matter_stand_in_the_first_table() -> None:
    wide, *narrow = (
        [line.split()[1:] for line in print_table(width) if line.startswith("model ")]
        for width in (1000, 60)
    )
    assert wide == [["balanced", "acc.", "accuracy", "what", "it", "is", "F1"]]
    assert narrow == [[["balanced", "acc.", "accuracy", "F1"], ["what", "it", "is"]]]


@pytest.mark.parametrize("width", [5, 12, 25])
def test_nothing_is_lost_on_a_terminal_too_narrow_for_a_column(width: int) -> None:
    lines = print_table(width)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    printed = Counter("".join(lines))
    assert all(
        count <= printed[sign]
        for sign, count in Counter("".join(itertools.chain(*BODY))).items()
        if not sign.isspace()
    )


def test_numbers_as_text() -> None:
    assert [count_text(number) for number in (20_356, 1_090_000)] == ["20,356", "1.09 M"]
    assert [byte_text(size) for size in (287, 440_400)] == ["287 B", "440.4 kB"]
    times = [0, 84, 100, 5_000, 38_000]
    assert [duration_text(time) for time in times] == ["0 s", "84 s", "2 min", "83 min", "10.6 h"]
    shares = [(1, 4), (1, 1000), (999, 1000), (0, 5)]
    assert [share_text(*share) for share in shares] == ["25%", "<1%", ">99%", "0%"]


def test_sentences_stand_on_the_left_in_markdown() -> None:
    table = markdown_table(HEADER, BODY, text=["what it is"]).splitlines()
    assert table[1] == "| --- | ---: | ---: | --- | ---: |"
    assert table[-1] == "| majority | .143 | .691 | short | 1.000 |"
