import itertools
from pathlib import Path

import pytest
from rich.console import Console

from hmnist.cli import watching
from hmnist.cli.watching import Lines, LiveTable, Pace
from hmnist.dataset import LesionDataset
from hmnist.experiments.cells import Cell
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run
from hmnist.splits.split import split


@pytest.fixture
def cells(sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    """Return three cells of 9 seconds each; the clock goes on by 6 seconds whenever it is read."""
    monkeypatch.setattr(watching, "estimate_seconds", lambda _: 8)
    clock = itertools.count(0, 6)
    monkeypatch.setattr(watching, "monotonic", lambda: next(clock))
    parts = split(sample)
    return [
        Cell(Recipe(model="logistic", seed=seed), parts, tmp_path / str(seed)) for seed in range(3)
    ]


def test_cells_side_by_side_are_counted(cells: list[Cell]) -> None:
    pace = Pace(cells)
    assert pace.counts == "3 left"
    pace.start(cells[0])
    pace.start(cells[1])
    assert pace.running == [str(cells[0]), str(cells[1])]
    assert pace.counts == "2 running, 1 left"
    pace.move(cells[1], 1 / 3)
    # 3 of 27 seconds are done, 6 have passed.
    assert pace.counts == "2 running, 1 left, about 48 seconds still needed"
    pace.finish(cells[0])
    assert pace.counts == "1 running, 1 left, about 15 seconds still needed"
    pace.start(cells[1])  # its worker was lost, and it begins again
    assert pace.counts == "1 running, 1 left, about 36 seconds still needed"
    pace.finish(cells[1])
    pace.finish(cells[2])  # finished before: it did not begin
    assert (pace.counts, pace.finished, pace.running) == ("", 3, [])


def test_lines_say_what_runs_and_what_is_left(
    cells: list[Cell], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines()
    lines.planned(cells, 24)
    for cell in cells[:2]:
        lines.started(cell)
    lines.finished(cells[0], run)
    lines.noted("A worker was lost.")
    planned, finished, noted = capsys.readouterr().err.splitlines()
    assert planned == "3 models: about 29 seconds on two cores."
    assert finished.startswith("[1/3] logistic, oversampling random, seed 0: balanced accuracy")
    assert finished.endswith("; 1 running, 1 left, about 12 seconds still needed")
    assert noted == "A worker was lost."


def test_a_live_table_shows_rows_and_what_runs(cells: list[Cell], run: Run) -> None:
    console = Console(width=160, force_terminal=True, record=True)
    with LiveTable(console) as table:
        table.planned(cells, 24)
        for cell in cells[:2]:
            table.started(cell)
        table.finished(cells[0], run)
        table.noted("A worker was lost.")
        text = console.export_text(clear=False)
        with console.capture() as shown:
            console.print(table._live.get_renderable())
    assert "A worker was lost." in text
    assert "1 of 3 done: logistic, oversampling random, seed 1" in shown.get()
    assert "1 running, 1 left, about 12 seconds still needed" in shown.get()
    assert "balanced acc." in shown.get()
