"""Downloads from a server on this machine that is slow, cuts off, lies or is not there."""

import errno
import hashlib
import io
import os
import stat
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.errors import DataError, TrustError, WorkError
from hmnist.sources import fetching
from hmnist.sources.fetching import RemoteFile, fetch
from tests.sources.server import served

CONTENT = np.random.default_rng(0).bytes(100_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    monkeypatch.setattr(fetching, "BLOCK", 1024)


def remote(url: str, md5: str | None = MD5, name: str = "file.bin") -> RemoteFile:
    return RemoteFile(name, url, 100_000, md5)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def leftovers(folder: Path) -> list[str]:
    """Return the hidden files, but not the locks."""
    hidden = (path for path in folder.iterdir() if path.name.startswith("."))
    return sorted(path.name for path in hidden if path.suffix != ".lock")


def test_a_file_arrives_whole(tmp_path: Path) -> None:
    with served(CONTENT) as server:
        assert fetch(remote(server.url), tmp_path / "new")
    assert (tmp_path / "new" / "file.bin").read_bytes() == CONTENT
    assert leftovers(tmp_path / "new") == []
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new" / "file.bin").stat().st_mode) == 0o666 & ~mask


def test_a_file_that_is_there_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(CONTENT)
    (tmp_path / "mine.bin").write_bytes(b"mine")
    with served(CONTENT) as server:
        assert not fetch(remote(server.url), tmp_path)
        assert not fetch(remote(server.url, md5=None, name="mine.bin"), tmp_path)
    assert server.asked == []
    assert (tmp_path / "mine.bin").read_bytes() == b"mine"


def test_a_file_with_another_hash_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(CONTENT[:-1])
    with served(CONTENT) as server:
        assert fetch(remote(server.url), tmp_path)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("tells_length", [True, False])
def test_progress_ends_with_all_bytes(tmp_path: Path, tells_length: bool) -> None:
    steps: list[tuple[int, int]] = []
    with served(CONTENT, tells_length=tells_length) as server:
        fetch(remote(server.url), tmp_path, lambda done, total: steps.append((done, total)))
    assert steps[-1] == (100_000, 100_000)
    assert all(done <= total for done, total in steps)
    assert len(steps) > 50


def test_a_cut_is_mended_within_the_call(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    with served(CONTENT, cuts=[30_000, 20_000]) as server:
        fetch(remote(server.url), tmp_path, lambda done, total: steps.append((done, total)))
    assert server.asked[0] is None
    # What is received in one block is written in one: the rest of a cut block is asked for again.
    first, second = (int(str(asked)[6:-1]) for asked in server.asked[1:])
    assert 28_000 < first <= 30_000
    assert first + 18_000 < second <= first + 20_000
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert {total for _, total in steps} == {100_000}


def test_the_next_call_goes_on_where_the_last_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "CUTS", 1)
    with served(CONTENT, cuts=[30_000]) as server:
        with pytest.raises(DataError, match=r"connection was lost"):
            fetch(remote(server.url), tmp_path)
        assert visible(tmp_path) == []
        [part] = leftovers(tmp_path)
        size = (tmp_path / part).stat().st_size
        fetch(remote(server.url), tmp_path)
    assert server.asked == [None, f"bytes={size}-"]
    assert size > 28_000
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert leftovers(tmp_path) == []


def test_an_interrupted_download_goes_on(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > 40_000:
            raise KeyboardInterrupt

    with served(CONTENT) as server:
        with pytest.raises(KeyboardInterrupt):
            fetch(remote(server.url), tmp_path, interrupt)
        assert visible(tmp_path) == []
        fetch(remote(server.url), tmp_path)
    assert int(str(server.asked[1])[6:-1]) > 40_000
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_again(tmp_path: Path) -> None:
    with served(CONTENT, cuts=[30_000], takes_ranges=False) as server:
        fetch(remote(server.url), tmp_path)
    assert len(server.asked) == 2
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_that_always_cuts_off_is_given_up(tmp_path: Path) -> None:
    with (
        served(CONTENT, cuts=[5_000] * 99) as server,
        pytest.raises(DataError, match=r"file\.bin could not be fetched: 127") as caught,
    ):
        fetch(remote(server.url), tmp_path)
    assert len(server.asked) == fetching.CUTS
    assert caught.value.exit_code == 3
    assert visible(tmp_path) == []


@pytest.mark.parametrize("too_long", [0, 5])
def test_a_part_that_is_complete_or_too_long(tmp_path: Path, too_long: int) -> None:
    (tmp_path / ".file.bin.part").write_bytes(CONTENT + bytes(too_long))
    with served(CONTENT) as server:
        fetch(remote(server.url), tmp_path)
    assert len(server.asked) == (2 if too_long else 1)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_file_with_a_hash_that_is_not_known_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"older")
    with (
        served(CONTENT[:-1] + b"x") as server,
        pytest.raises(TrustError, match=f"not {MD5}") as caught,
    ):
        fetch(remote(server.url), tmp_path)
    assert caught.value.exit_code == 4
    assert leftovers(tmp_path) == []
    assert (tmp_path / "file.bin").read_bytes() == b"older"


def test_a_part_of_another_file_is_found_out(tmp_path: Path) -> None:
    (tmp_path / ".file.bin.part").write_bytes(bytes(50_000))
    with served(CONTENT) as server:
        with pytest.raises(TrustError):
            fetch(remote(server.url), tmp_path)
        fetch(remote(server.url), tmp_path)
    assert server.asked == ["bytes=50000-", None]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "words"), [(404, "Not Found"), (503, "Unavailable"), (403, "Forbidden")]
)
def test_an_error_of_the_server_is_told(tmp_path: Path, status: int, words: str) -> None:
    (tmp_path / ".file.bin.part").write_bytes(CONTENT[:500])
    with (
        served(CONTENT, status=status) as server,
        pytest.raises(DataError, match=rf"answers {status} \(.*{words}\)") as caught,
    ):
        fetch(remote(server.url), tmp_path)
    assert caught.value.exit_code == 3
    assert visible(tmp_path) == []
    assert (tmp_path / ".file.bin.part").read_bytes() == CONTENT[:500]


def test_a_page_to_log_in_is_no_file(tmp_path: Path) -> None:
    with (
        served(b"<html>Log in", kind="text/html; charset=utf-8") as server,
        pytest.raises(DataError, match=r"a web page instead of file\.bin"),
    ):
        fetch(remote(server.url), tmp_path)
    assert visible(tmp_path) == leftovers(tmp_path) == []


def test_without_a_network(tmp_path: Path) -> None:
    with served(CONTENT) as server:
        pass
    with pytest.raises(DataError, match=r"127\.0\.0\.1:\d+ cannot be reached"):
        fetch(remote(server.url), tmp_path)
    assert visible(tmp_path) == leftovers(tmp_path) == []


def test_a_server_that_says_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT", 0.1)
    go_on = threading.Event()
    with served(CONTENT, go_on=go_on) as server:
        with pytest.raises(DataError, match="connection was lost"):
            fetch(remote(server.url), tmp_path)
        go_on.set()
    assert visible(tmp_path) == []


def pack(content: bytes, name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def test_a_packed_file_is_unpacked(tmp_path: Path) -> None:
    text = b"lesion_id,image_id\n" * 5_000
    with served(pack(text, "metadata.csv")) as server:
        fetch(remote(server.url, md5=None, name="metadata.csv"), tmp_path)
    assert (tmp_path / "metadata.csv").read_bytes() == text
    assert leftovers(tmp_path) == []


def test_a_file_that_is_an_archive_itself_is_left_alone(tmp_path: Path) -> None:
    packed = pack(b"numbers", "train_images.npy")
    with served(packed) as server:
        fetch(remote(server.url, md5=None, name="data.npz"), tmp_path)
    assert (tmp_path / "data.npz").read_bytes() == packed


def test_a_damaged_archive_is_deleted(tmp_path: Path) -> None:
    packed = bytearray(pack(CONTENT, "file.bin"))
    packed[50_000] ^= 1
    with served(bytes(packed)) as server, pytest.raises(TrustError, match="damaged") as caught:
        fetch(remote(server.url, md5=None), tmp_path)
    assert caught.value.exit_code == 4
    assert visible(tmp_path) == leftovers(tmp_path) == []


def test_a_bomb_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.sources.opening.UNPACKED_FREELY", 2**20)
    packed = pack(bytes(2**24), "file.bin")
    with served(packed) as server, pytest.raises(DataError, match="unpacks to more than 50 times"):
        fetch(remote(server.url, md5=None), tmp_path)
    assert visible(tmp_path) == leftovers(tmp_path) == []


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_server_that_sends_without_end_is_given_up(tmp_path: Path, tells_length: bool) -> None:
    with (
        served(CONTENT * 5, tells_length=tells_length) as server,
        pytest.raises(DataError, match="more than 4 times the bytes"),
    ):
        fetch(remote(server.url), tmp_path)
    assert visible(tmp_path) == leftovers(tmp_path) == []


def test_two_downloads_at_once_ask_once(tmp_path: Path) -> None:
    go_on = threading.Event()
    with served(CONTENT, go_on=go_on) as server, ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(fetch, remote(server.url), tmp_path) for _ in range(2)]
        while not server.asked:
            pass
        assert visible(tmp_path) == []
        go_on.set()
        assert sorted(call.result() for call in calls) == [False, True]
    assert server.asked == [None]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkError):
        fetch(remote("http://127.0.0.1:9/"), tmp_path / "file")


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(done: int, total: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with served(CONTENT) as server, pytest.raises(WorkError, match="No space left") as caught:
        fetch(remote(server.url), tmp_path, fill)
    assert caught.value.exit_code == 1
    assert visible(tmp_path) == []


def test_bytes_are_not_packed_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    asked: list[dict[str, str]] = []
    get = requests.get

    def spy(url: str, **options: Any) -> Any:
        asked.append(options["headers"])
        return get(url, **options)

    monkeypatch.setattr("requests.get", spy)
    with served(CONTENT) as server:
        fetch(remote(server.url), tmp_path)
    assert asked[0]["Accept-Encoding"] == "identity"
    assert asked[0]["User-Agent"].startswith("hmnist/")
