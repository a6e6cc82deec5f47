"""What is loaded before it is needed. Time is not measured here: it is the machine's as well."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "dask",
    "distributed",
    "imblearn",
    "joblib",
    "keras",
    "matplotlib",
    "pandas",
    "sklearn",
    "tensorflow",
    "xgboost",
)

# Modules are counted when the process ends, because the command line ends it itself.
AND_TELL = """
import atexit, json, os, sys

def tell():
    with open(os.environ["LOADED"], "w", encoding="utf-8") as file:
        json.dump(sorted(sys.modules), file)

atexit.register(tell)
"""


def loaded_by(code: str, folder: Path, *arguments: str) -> tuple[set[str], str]:
    """Run code in a process of its own; return the modules it has loaded and what it printed."""
    told = folder / "loaded.json"
    environment = {**os.environ, "LOADED": str(told)}
    root = str(Path(__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    answer = subprocess.run(
        [sys.executable, "-c", AND_TELL + code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout or not arguments
    return set(json.loads(told.read_text(encoding="utf-8"))), answer.stdout


CALL = "from hmnist.cli import main; main()"


@pytest.mark.parametrize("code", ["import hmnist", "from hmnist.cli.commands import app"])
def test_an_import_loads_nothing_heavy(tmp_path: Path, code: str) -> None:
    loaded, _ = loaded_by(code, tmp_path)
    assert "hmnist" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["benchmark", "--help"], ["train", "--help"], ["data", "--help"]],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    loaded, printed = loaded_by(CALL, tmp_path, *arguments)
    assert "hmnist" in printed
    assert not loaded & set(HEAVY)


def test_nothing_of_the_front_door_is_loaded_before_it_is_named(tmp_path: Path) -> None:
    loaded, _ = loaded_by("import hmnist; hmnist.HmnistError", tmp_path)
    assert {name for name in loaded if name.startswith("hmnist.")} == {"hmnist.errors"}


def test_wrong_usage_is_told_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    code = f"""
try:
    {CALL}
except SystemExit as stop:
    print(stop.code)
    sys.exit(0)
"""
    loaded, printed = loaded_by(code, tmp_path, "benchmark", "none.csv", "--seeds", "many")
    assert printed.strip() == "2"
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("what", ["info", "check"])
def test_looking_at_data_needs_no_learning(tmp_path: Path, what: str) -> None:
    loaded, printed = loaded_by(CALL, tmp_path, "data", what, "sample")
    assert "synthetic" in printed.lower()
    assert not loaded & {"imblearn", "keras", "sklearn", "tensorflow", "xgboost"}


def test_figures_of_data_open_no_window_and_need_no_learning(tmp_path: Path) -> None:
    code = "import hmnist; hmnist.save_data_figures(hmnist.load_sample(rows=60), 'figures')"
    loaded, _ = loaded_by(code, tmp_path)
    assert (tmp_path / "figures" / "diagnoses.png").is_file()
    assert "matplotlib" in loaded
    assert not loaded & {"matplotlib.pyplot", "keras", "sklearn", "tensorflow", "xgboost"}
