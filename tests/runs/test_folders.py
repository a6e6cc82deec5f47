"""Where new runs go, and which runs a folder holds."""

from pathlib import Path

import pytest

from hmnist.errors import DataMissingError, UsageError
from hmnist.files import RUNS_FOLDER
from hmnist.runs.folders import find_runs, run_folder, runs_folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail(error: type[BaseException], *, begun: bool) -> None:
    with runs_folder(None) as folder:
        if begun:
            (folder / "half").write_text("half")
        raise error("It broke.")


@pytest.mark.parametrize("error", [UsageError, KeyboardInterrupt])
def test_a_new_folder_stays_if_something_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error):
        fail(error, begun=False)
    assert names_in(tmp_path) == []
    with pytest.raises(error):
        fail(error, begun=True)
    assert names_in(next(RUNS_FOLDER.iterdir())) == ["half"]
    with runs_folder(None, "-tune") as empty:
        pass
    assert empty.is_dir()


def test_runs_need_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(UsageError, match="file is a file") as caught,
        runs_folder(tmp_path / "file"),
    ):
        pytest.fail("The work must not begin.")
    assert "--out" in caught.value.hint


def test_several_runs_do_not_go_into_the_folder_of_one(copy: Path) -> None:
    with run_folder(copy) as folder:
        assert folder == copy
    with (
        pytest.raises(UsageError, match="is the folder of a single run") as caught,
        runs_folder(copy),
    ):
        pytest.fail("The work must not begin.")
    assert "--out" in caught.value.hint


def test_a_folder_that_the_user_names_is_neither_made_nor_removed(tmp_path: Path) -> None:
    with runs_folder(str(tmp_path / "new")) as folder:
        assert folder == tmp_path / "new"
    assert names_in(tmp_path) == []
    folder.mkdir()
    with pytest.raises(UsageError), runs_folder(folder):
        raise UsageError("It broke.")
    assert names_in(tmp_path) == ["new"]


def test_runs_may_go_into_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with runs_folder("~/runs") as folder:
        assert folder == tmp_path / "runs"


def test_find_runs_finds_runs_alone(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / ".copy-half").mkdir()
    (tmp_path / ".copy-half" / "manifest.json").write_text("{}")
    assert find_runs(tmp_path) == [copy]


def test_find_runs_needs_a_folder(copy: Path) -> None:
    with pytest.raises(DataMissingError, match="There is no folder "):
        find_runs(copy / "nowhere")
    with pytest.raises(UsageError, match="is a file; expected a folder with runs"):
        find_runs(copy / "manifest.json")


def test_runs_are_found_in_the_home_folder(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(copy.parent))
    assert find_runs("~") == [copy]
