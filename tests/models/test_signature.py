"""Signatures of files: only what this user has written, as it was written."""

from pathlib import Path

import pytest

from hmnist.files import cache_folder
from hmnist.models.signature import KEY_BYTES, KEY_FILE, is_signed, sign


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path, tmp_path / "signature"


def test_a_file_is_as_it_was_signed(paths: tuple[Path, Path]) -> None:
    path, signature = paths
    assert not is_signed(path, signature)
    sign(path, signature)
    assert is_signed(path, signature)
    path.write_bytes(b"contents")
    assert not is_signed(path, signature)


@pytest.mark.parametrize("claim", [b"", b"0" * 64, b"\xff" * 64, b"0" * 2000])
def test_a_signature_cannot_be_made_up(paths: tuple[Path, Path], claim: bytes) -> None:
    path, signature = paths
    signature.write_bytes(claim)
    assert not is_signed(path, signature)


def test_another_user_has_another_key(
    paths: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(*paths)
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "other"))
    assert not is_signed(*paths)
    sign(*paths)
    assert is_signed(*paths)
    key = cache_folder() / KEY_FILE
    assert len(key.read_bytes()) == KEY_BYTES
    assert key.stat().st_mode & 0o077 == 0
    key.write_bytes(b"")
    assert not is_signed(*paths)


@pytest.mark.parametrize("content", [b"", b"short", b"0" * 33])
def test_a_key_that_is_none_is_made_again(paths: tuple[Path, Path], content: bytes) -> None:
    key = cache_folder() / KEY_FILE
    key.write_bytes(content)
    sign(*paths)
    assert is_signed(*paths)
    assert len(key.read_bytes()) == KEY_BYTES
    assert not key.read_bytes().startswith(content or b"0" * 8)


def test_without_a_cache_nothing_is_signed(
    paths: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "occupied").write_bytes(b"")
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "occupied"))
    sign(*paths)
    assert not paths[1].exists()
    assert not is_signed(*paths)
