"""The notebook of ``benchmarks/``: every cell runs, and shows what it promises."""

import re
import runpy
import sys
from pathlib import Path

import pytest

import hmnist
from hmnist.results.table import Table
from hmnist.sources.sample import load_sample

NOTEBOOK = Path(__file__).parent.parent / "benchmarks" / "notebook.py"


def test_it_has_ten_cells() -> None:
    numbers = re.findall(r"^# %% (\d+)\.", NOTEBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 11)]


@pytest.mark.usefixtures("few_patches")
def test_every_cell_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(NOTEBOOK)])
    monkeypatch.setattr(hmnist, "load", lambda _: load_sample(rows=500))  # of 2,500 images
    names = runpy.run_path(str(NOTEBOOK), run_name="__main__")
    table = names["table"]
    assert isinstance(table, Table)
    assert {row.model for row in table.rows} == {*names["MODELS"], "majority"}
    assert (tmp_path / names["OUT"] / "times.pdf").read_bytes().startswith(b"%PDF")
    printed = capsys.readouterr().out
    for words in ("500 images", "No lesion is in two parts", "xgboost", "[95% interval"):
        assert words in printed
