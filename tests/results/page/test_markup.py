"""Tables as HTML."""

from html.parser import HTMLParser

from hmnist.results.page.markup import Cell, Heading, html_facts, html_list, html_table


class Texts(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data)


EVIL = '<i onclick="x">&\'</i>'


def test_every_text_is_escaped() -> None:
    table = html_table(EVIL, [Heading(EVIL, EVIL)], [[Cell(EVIL, model=0)]])
    for text, count in ((table, 3), (html_list([EVIL]), 1), (html_facts([(EVIL, EVIL)]), 2)):
        parsed = Texts(text)
        assert "i" not in parsed.tags
        assert parsed.texts == [EVIL] * count


def test_numbers_are_sorted_by_value() -> None:
    table = html_table("", [Heading("model"), Heading("size")], [[Cell("a"), Cell("1 kB", 1e-5)]])
    assert '<td data-sort="0.000010000">1 kB</td>' in table


def test_headings_say_how_they_are_sorted() -> None:
    headings = [Heading("a"), Heading("b", first="rising"), Heading("c", first="falling")]
    table = html_table("", headings, [])
    assert '<th scope="col" data-sort-method="none">a</th>' in table
    assert '<th scope="col">b</th>' in table
    assert '<th scope="col" data-sort-reverse>c</th>' in table
