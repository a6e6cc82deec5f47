"""The numbers that convolutions are trained in, by what the processor says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hmnist.models.precision import training_precision

WITHOUT = "processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16x\nbugs\t\t: avx512_bf16\n"
WITH = "processor\t: 0\nflags\t\t: fpu avx2 {}\nbogomips\t: 4000.00\n"


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    training_precision.cache_clear()
    yield
    training_precision.cache_clear()


def pretend(monkeypatch: pytest.MonkeyPatch, text: str | None, machine: str = "x86_64") -> None:
    def read_text(self: Path, **_: Any) -> str:
        assert self == Path("/proc/cpuinfo")
        if text is None:
            raise FileNotFoundError(self)
        return text

    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(Path, "read_text", read_text)


@pytest.mark.parametrize(
    ("text", "machine", "expected"),
    [
        (WITH.format("avx512_bf16"), "x86_64", "mixed_bfloat16"),
        (WITH.format("amx_bf16 amx_tile"), "x86_64", "mixed_bfloat16"),
        (WITH.format("avx512_bf16"), "aarch64", "float32"),
        (WITHOUT, "x86_64", "float32"),
        ("", "x86_64", "float32"),
        (None, "x86_64", "float32"),
    ],
)
def test_brain_floats_are_used_where_the_processor_has_them(
    monkeypatch: pytest.MonkeyPatch, text: str | None, machine: str, expected: str
) -> None:
    pretend(monkeypatch, text, machine)
    assert training_precision() == expected


def test_the_processor_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, WITH.format("avx512_bf16"))
    training_precision()
    pretend(monkeypatch, None)
    assert training_precision() == "mixed_bfloat16"
