"""Silence of stderr lasts for one block."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from hmnist.models.stderr import without_stderr


def test_only_the_block_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        os.write(2, b"from a library")
        raise ValueError("told")

    with pytest.raises(ValueError, match="told"), without_stderr():
        fail()
    os.write(2, b"afterwards")
    assert capfd.readouterr().err == "afterwards"


def test_threads_do_not_take_stderr_from_each_other(capfd: pytest.CaptureFixture[str]) -> None:
    def be_silent(_: int) -> None:
        with without_stderr():
            os.write(2, b"from a library")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(be_silent, range(200)))
    os.write(2, b"afterwards")
    assert capfd.readouterr().err == "afterwards"
