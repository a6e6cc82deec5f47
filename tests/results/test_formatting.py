import io

from rich.console import Console

from hmnist.results.formatting import plain_table


def test_brackets_are_no_markup() -> None:
    text = io.StringIO()
    Console(width=100, file=text).print(plain_table(["score", "[low, high]"], [["a", "[b, c]"]]))
    assert "[low, high]" in text.getvalue()
    assert "[b, c]" in text.getvalue()
