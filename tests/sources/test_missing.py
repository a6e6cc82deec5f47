"""What the error for a missing file says to do."""

from pathlib import Path

import pytest

from hmnist.errors import DataError, DataMissingError
from hmnist.files import downloads_folder
from hmnist.sources import load
from hmnist.sources.download import ARCHIVES
from hmnist.sources.missing import FETCHED_BY


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def hint_for(name: str) -> str:
    with pytest.raises(DataMissingError) as caught:
        load(name)
    return caught.value.hint


def put(*names: str) -> None:
    for name in names:
        Path(name).write_text("")


def test_a_downloaded_file_is_found_in_the_cache() -> None:
    downloaded = downloads_folder() / "hmnist_28_28_RGB.csv"
    downloaded.parent.mkdir(parents=True)
    downloaded.write_text("")
    put("hmnist_28_28_L.csv")  # it is alike, but the other one is what was asked for
    hint = hint_for("hmnist_28_28_RGB.csv")
    assert hint == (
        f"The downloaded file is {downloaded}: name that path (on the command line, DATA may be "
        "left out)."
    )


def test_commands_find_only_the_pixel_file_without_its_name() -> None:
    downloaded = downloads_folder() / "dermamnist.npz"
    downloaded.parent.mkdir(parents=True)
    downloaded.write_text("")
    hint = hint_for("data/dermamnist.npz")
    assert hint == f"The downloaded file is {downloaded}: name that path."


@pytest.mark.parametrize(
    ("name", "file"),
    [(name, file.name) for name, archive in ARCHIVES.items() for file in archive.files],
)
def test_files_that_can_be_downloaded_are_said_to_be(name: str, file: str) -> None:
    words = {"kaggle": "hmnist data download", "dermamnist": "hmnist data download dermamnist"}
    assert FETCHED_BY[file] == words[name]
    assert f"{words[name]} fetches {file}." in hint_for(file)


@pytest.mark.parametrize(
    ("named", "there", "offered"),
    [
        ("nometa.csv", ("small.csv", "short.csv"), ""),
        ("smal.csv", ("small.csv", "short.csv"), "Did you mean small.csv?"),
        ("small.csv", ("small.csv.gz",), "Did you mean small.csv.gz?"),
        ("sampl", (), "Did you mean sample?"),
        ("sampl", ("sampler.csv",), "Did you mean sample or sampler.csv?"),
        ("sampl.csv", (), ""),
    ],
)
def test_names_are_alike_without_their_ending(
    named: str, there: tuple[str, ...], offered: str
) -> None:
    put(*there)
    hint = hint_for(named)
    assert hint == (offered or f"The folder is {Path().resolve()}: check the name and the folder.")


def test_a_folder_without_data_may_hold_photographs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder") as caught:
        load(tmp_path)
    assert f"hmnist data from-images {tmp_path} HAM10000_metadata.csv" in caught.value.hint
    (tmp_path / "pixels.csv").write_text("")
    with pytest.raises(DataError, match="is a folder") as caught:
        load(tmp_path)
    assert caught.value.hint == "Name one of the files in it: pixels.csv."
