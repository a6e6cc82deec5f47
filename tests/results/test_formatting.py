import io

from rich.console import Console

from hmnist.results.canvas import share_text
from hmnist.results.formatting import (
    as_sentence_list,
    byte_text,
    count_text,
    plain_table,
    score_text,
    signed_text,
)


def test_brackets_are_no_markup() -> None:
    text = io.StringIO()
    Console(width=100, file=text).print(plain_table(["score", "[low, high]"], [["a", "[b, c]"]]))
    assert "[low, high]" in text.getvalue()
    assert "[b, c]" in text.getvalue()


def test_numbers_as_text() -> None:
    assert [score_text(score) for score in (0.5, 1.0, None)] == [".500", "1.000", "–"]
    assert [signed_text(difference) for difference in (-0.0741, None)] == ["−.074", "–"]
    assert [count_text(number) for number in (20_356, 1_090_000)] == ["20,356", "1.09 M"]
    assert [byte_text(size) for size in (287, 440_400)] == ["287 B", "440.4 kB"]
    shares = [(1, 4), (1, 1000), (999, 1000), (0, 5)]
    assert [share_text(*share) for share in shares] == ["25%", "<1%", ">99%", "0%"]


def test_names_as_a_list() -> None:
    names = ["lenet", "vgg16", "mobilenet"]
    assert as_sentence_list(names) == "lenet, vgg16 and mobilenet"
