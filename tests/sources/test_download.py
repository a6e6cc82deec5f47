"""Published data sets, fetched from a server on this machine."""

import dataclasses
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import hmnist
from hmnist.errors import DataError, TrustError, UsageError
from hmnist.files import downloads_folder
from hmnist.sources import find_data
from hmnist.sources.download import ARCHIVES, download
from hmnist.sources.sample import write_sample
from tests.conftest import Command
from tests.sources.server import Served, served

METADATA, PIXELS = "HAM10000_metadata.csv", "hmnist_28_28_RGB.csv"


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Served]]:
    """Serve a sample instead of what Kaggle has."""
    write_sample(tmp_path / "there" / PIXELS, rows=60)
    archive = ARCHIVES["kaggle"]
    with ExitStack() as stack:
        told = {
            file.name: stack.enter_context(served((tmp_path / "there" / file.name).read_bytes()))
            for file in archive.files
        }
        files = tuple(dataclasses.replace(file, url=told[file.name].url) for file in archive.files)
        monkeypatch.setitem(ARCHIVES, "kaggle", dataclasses.replace(archive, files=files))
        yield told


def test_the_pixel_file_comes_with_its_metadata(servers: dict[str, Served]) -> None:
    steps: list[tuple[int, int]] = []
    path = download(on_progress=lambda done, total: steps.append((done, total)))
    data = hmnist.load(path)
    assert (len(data), data.lesion_count is None) == (60, False)
    assert path == downloads_folder() / PIXELS
    assert find_data(None, sample_allowed=True) == path
    assert steps[-1] == (path.stat().st_size, path.stat().st_size)
    assert download("KAGGLE") == path
    assert {name: len(told.asked) for name, told in servers.items()} == {METADATA: 1, PIXELS: 1}


def test_the_pixel_file_is_never_there_alone(servers: dict[str, Served]) -> None:
    servers[METADATA].status = 503
    with pytest.raises(DataError, match="answers 503"):
        download()
    assert servers[PIXELS].asked == []
    assert find_data(None, sample_allowed=True) == "sample"


def test_without_a_network_it_is_said_what_to_do_by_hand(servers: dict[str, Served]) -> None:
    servers[PIXELS].kind = "text/html"
    with pytest.raises(DataError, match="a web page") as caught:
        download()
    for text in (servers[PIXELS].url, servers[METADATA].url, str(downloads_folder()), PIXELS):
        assert text in caught.value.hint
    assert caught.value.exit_code == 3


def test_malformed_files_are_deleted(servers: dict[str, Served]) -> None:
    servers[PIXELS].content = servers[PIXELS].content[:-10]
    with pytest.raises(TrustError, match=r"malformed, and was deleted: .*is cut off") as caught:
        download()
    assert caught.value.exit_code == 4
    assert not [path for path in downloads_folder().iterdir() if path.suffix == ".csv"]


def test_files_of_the_user_are_kept(servers: dict[str, Served]) -> None:
    downloads_folder().mkdir(parents=True)
    for name in (METADATA, PIXELS):
        (downloads_folder() / name).write_text("mine")
    with pytest.raises(DataError):
        download()
    assert (downloads_folder() / PIXELS).read_text() == "mine"


def test_a_good_file_is_not_blamed_for_one_of_the_user(servers: dict[str, Served]) -> None:
    downloads_folder().mkdir(parents=True)
    (downloads_folder() / PIXELS).write_text("mine")
    with pytest.raises(DataError, match=PIXELS) as caught:
        download()
    assert "deleted" not in str(caught.value)
    assert (downloads_folder() / METADATA).is_file()


def test_dermamnist_is_what_medmnist_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = ARCHIVES["dermamnist"]
    [file] = archive.files
    with served(b"another file") as server:
        other = dataclasses.replace(file, url=server.url)
        monkeypatch.setitem(ARCHIVES, "dermamnist", dataclasses.replace(archive, files=(other,)))
        with pytest.raises(TrustError, match="0744692d530f8e62ec473284d019b0c7"):
            download("dermamnist")
    assert not (downloads_folder() / "dermamnist.npz").exists()


def test_every_archive_says_what_a_user_should_know() -> None:
    for archive in ARCHIVES.values():
        assert "NC" in archive.licence
        assert "Tschandl" in archive.citation
        assert archive.page.startswith("https://")
        for file in archive.files:
            assert file.url.startswith("https://")
            assert file.md5 is None or re.fullmatch("[0-9a-f]{32}", file.md5)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean kaggle"):
        download("kagle")


# hmnist data download


def test_the_command_prints_the_path(servers: dict[str, Served], command: Command) -> None:
    called = command("data", "download")
    assert called.code == 0
    assert called.out == f"{downloads_folder() / PIXELS}\n"
    for text in ("93 MB", "CC BY-NC-SA 4.0", "Tschandl", "kaggle.com/datasets/kmader"):
        assert text in called.err
    assert command("data", "download", "--quiet").err == ""
    assert "60 images" in command("data", "info").out


def test_the_command_explains_a_failure(servers: dict[str, Served], command: Command) -> None:
    servers[METADATA].status = 404
    called = command("data", "download")
    assert called.code == 3
    assert "answers 404" in called.err
    assert str(downloads_folder()) in called.err
    assert command("data", "download", "kagle").code == 2


def test_an_interrupted_command_says_how_to_go_on(
    servers: dict[str, Served], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("requests.get", interrupt)
    called = command("data", "download")
    assert called.code == 130
    assert "the same command goes on" in called.err
