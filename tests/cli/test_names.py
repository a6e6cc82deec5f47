"""Names that the shell completes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hmnist.cli.names import (
    check_new_file,
    check_new_folder,
    check_path,
    complete_split,
    named,
)
from hmnist.errors import UsageError

SCRIPT = "from hmnist.cli import main; main()"


@pytest.mark.parametrize(
    ("kind", "incomplete", "found"),
    [
        ("model", "c", ["cnn"]),
        ("model", "CN", ["cnn"]),
        ("model", "cnn,log", ["cnn,logistic"]),
        ("model", "cnn,c", []),
        ("oversampling method", "sm", ["smote"]),
        ("effort", "", ["quick", "standard", "best"]),
        ("model", "x,y,z,", None),
    ],
)
def test_the_last_of_several_names_is_completed(
    kind: str, incomplete: str, found: list[str] | None
) -> None:
    completed = named(kind, several=True)["autocompletion"](incomplete)
    if found is None:
        assert len(completed) > 9
    else:
        assert completed == found


def test_splits_are_completed_with_the_published_ones() -> None:
    assert complete_split("l") == ["lesion"]
    assert "published:lenet" in complete_split("pub")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_the_name_of_a_model(shell: str, tmp_path: Path) -> None:
    words = {
        "COMP_WORDS": "hmnist train logi",
        "COMP_CWORD": "2",
        "_TYPER_COMPLETE_ARGS": "hmnist train logi",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    called = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={**os.environ, **words, "_HMNIST_COMPLETE": f"complete_{shell}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "logistic" in called.stdout
    assert "xgboost" not in called.stdout


def test_paths_may_begin_with_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    assert check_path(Path("~/runs")) == Path("/home/anna/runs")
    assert check_path(("~/a.csv", "sample")) == ["/home/anna/a.csv", "sample"]
    assert check_path(None) is None
    assert check_path("~nobody-here/a.csv") == "~nobody-here/a.csv"
    for empty in ("", ["a.csv", ""]):
        with pytest.raises(UsageError, match="An empty name is not a file"):
            check_path(empty)


def test_what_a_command_writes_must_not_be_there_as_something_else(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    for path in (file, None):
        assert check_new_file(path) == path
        assert check_new_folder(path) == path
    file.write_text("")
    assert check_new_file(file) == file
    assert check_new_folder(tmp_path) == tmp_path
    with pytest.raises(UsageError, match="is a folder; expected a file"):
        check_new_file(tmp_path)
    with pytest.raises(UsageError, match="is a file; expected a folder"):
        check_new_folder(file)


def test_where_one_name_is_expected_no_second_is_completed() -> None:
    assert named("effort")["autocompletion"]("be") == ["best"]
    assert named("effort")["autocompletion"]("quick,be") == []
