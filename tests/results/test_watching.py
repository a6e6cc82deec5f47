import io
import unittest.mock
from pathlib import Path

import pytest
from rich.console import Console

from hmnist.cli.watching import watch_training
from hmnist.dataset import LesionDataset
from hmnist.experiments.cells import Cell, Watcher
from hmnist.results import watching
from hmnist.results.watching import Lines, LiveTable
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run
from hmnist.splits.split import split


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("hmnist.results.pace.monotonic", clock)
    return clock


@pytest.fixture
def cells(
    sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> list[Cell]:
    """Return six cells of 9 seconds each."""
    monkeypatch.setattr(watching, "estimate_seconds", lambda _: 8)
    parts = split(sample)
    return [
        Cell(Recipe(model="logistic", seed=seed), parts, tmp_path / str(seed)) for seed in range(6)
    ]


def test_lines_say_what_runs_and_what_is_left(
    cells: list[Cell], run: Run, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    lines = Lines()
    lines.planned(cells[:3], 22)
    for cell in cells[:2]:
        lines.started(cell)
    lines.step(cells[1], 1, 2)
    clock.now = 12
    lines.finished(cells[0], run)
    lines.noted("A worker was lost.")
    lines.finished(cells[1], run)
    lines.finished(cells[2], run)
    planned, finished, noted, *_, last = capsys.readouterr().err.splitlines()
    assert planned == "3 models: about 27 s on two cores."
    assert finished.startswith("[1/3] logistic, oversampling random, seed 0: balanced accuracy")
    assert finished.endswith("; 1 running, 1 to do, about 8 s left")
    assert noted == "A worker was lost."
    assert last.endswith(" s")


def shown(table: LiveTable, width: int = 100, height: int = 50) -> str:
    console = Console(width=width, height=height, force_terminal=True)
    with console.capture() as captured:
        console.print(table._live.get_renderable())
    return captured.get()


def test_a_live_table_shows_rows_and_what_runs(cells: list[Cell], run: Run, clock: Clock) -> None:
    console = Console(width=160, force_terminal=True, record=True)
    with LiveTable(console) as table:
        table.planned(cells, 49)
        assert "0 of 6 done" in shown(table)
        assert "0:00:00 passed, about 0:00:54 left" in shown(table)
        for cell in cells[:5]:
            table.started(cell)
        clock.now = 4
        assert "0:00:04 passed, about 0:00:50 left" in shown(table)
        table.step(cells[1], 1, 4)
        table.finished(cells[0], run)
        table.noted("A worker was lost.")
        text = shown(table)
        assert "1 of 6 done" in text
        assert "logistic, oversampling random, seed 1: 25%" in text
        assert "seed 4: 0%" in text
        assert "balanced acc." in text
        table.started(cells[5])
        assert "and 1 more" in shown(table)
        clock.now = 1000
        assert "longer than expected" in shown(table)
    assert "A worker was lost." in console.export_text()


@pytest.mark.parametrize("width", [60, 80])
def test_the_time_left_fits_into_a_line(cells: list[Cell], run: Run, width: int) -> None:
    with LiveTable(Console(width=width, force_terminal=True, record=True)) as table:
        table.planned(cells, 36_000)
        assert "about 10:00:05 left" in shown(table, width).splitlines()[0]


def test_the_table_so_far_stays_when_the_work_is_interrupted(cells: list[Cell], run: Run) -> None:
    console = Console(width=160, force_terminal=True, record=True)

    def work() -> None:
        with LiveTable(console) as table:
            table.planned(cells, 24)
            table.started(cells[0])
            table.finished(cells[0], run)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    last_lines = console.export_text().rstrip().splitlines()[-12:]
    assert any("balanced acc." in line for line in last_lines)


def test_one_training_shows_its_share_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    console = Console(width=80, force_terminal=True)
    monkeypatch.setattr("hmnist.cli.watching.Console", lambda **_: console)
    with console.capture() as captured, watch_training("cnn", 19, quiet=False) as on_step:
        assert on_step is not None
        clock.now = 5
        on_step(1, 4)
    assert "cnn: 25%" in captured.get()
    assert "0:00:05 passed, about 0:00:1" in captured.get()
    with watch_training("cnn", 19, quiet=True) as on_step:
        assert on_step is None


def test_python_shows_progress_in_a_notebook_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def kind(*, notebook: bool, widgets: bool) -> type:
        monkeypatch.setattr(
            watching, "Console", lambda **_: Console(force_jupyter=notebook, file=io.StringIO())
        )
        spec = object() if widgets else None
        monkeypatch.setattr("importlib.util.find_spec", lambda _: spec)
        monkeypatch.setattr(watching, "Live", unittest.mock.MagicMock())
        with watching.watch_quietly() as watcher:
            return type(watcher)

    assert kind(notebook=False, widgets=True) is Watcher
    assert kind(notebook=True, widgets=True) is LiveTable
    assert kind(notebook=True, widgets=False) is Lines
