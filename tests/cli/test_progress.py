import io

import pytest
from rich.console import Console

from hmnist.cli import progress
from hmnist.cli.progress import watch_reading


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=80)
    monkeypatch.setattr("rich.console.Console", lambda **_: console)
    return text


def test_a_long_reading_shows_a_bar(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", -1)
    with watch_reading(quiet=False) as on_progress:
        assert on_progress is not None
        on_progress(3_000_000, 9_000_000)
    assert "3.0/9.0 MB" in terminal.getvalue()


def test_a_short_reading_shows_nothing(terminal: io.StringIO) -> None:
    with watch_reading(quiet=False) as on_progress:
        assert on_progress is not None
        on_progress(3_000_000, 9_000_000)
    assert terminal.getvalue() == ""


def test_nothing_is_shown_where_it_is_not_wanted(terminal: io.StringIO) -> None:
    with watch_reading(quiet=True) as on_progress:
        assert on_progress is None


def test_nothing_is_shown_without_a_terminal() -> None:
    with watch_reading(quiet=False) as on_progress:
        assert on_progress is None
