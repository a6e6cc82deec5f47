"""The precision of training: measured once for a machine, and kept."""

import json
from pathlib import Path

import pytest

from hmnist.models import precision
from hmnist.models.precision import choose_precision


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path))
    monkeypatch.setattr(precision, "processor_name", lambda: "Abacus 1")
    return tmp_path / "precision.json"


def pretend(monkeypatch: pytest.MonkeyPatch, *ratios: float) -> None:
    measured = iter(ratios)
    monkeypatch.setattr(precision, "_measure", lambda: next(measured))


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.6, "float32"), (1.1, "float32"), (1.9, "bfloat16")]
)
def test_bfloat16_is_chosen_where_it_is_clearly_quicker(
    monkeypatch: pytest.MonkeyPatch, ratio: float, expected: str
) -> None:
    pretend(monkeypatch, ratio)
    assert choose_precision() == (expected, ratio)


def test_a_machine_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 1.9, 0.5)
    assert choose_precision() == choose_precision() == ("bfloat16", 1.9)
    monkeypatch.setattr(precision, "processor_name", lambda: "Abacus 2")
    assert choose_precision() == ("float32", 0.5)
    monkeypatch.setattr(precision, "processor_name", lambda: "Abacus 1")
    assert choose_precision() == ("bfloat16", 1.9)


@pytest.mark.parametrize("content", ["", "[1]", '{"a": "quick"}', "null"])
def test_a_damaged_note_is_measured_again(
    monkeypatch: pytest.MonkeyPatch, cache: Path, content: str
) -> None:
    cache.write_text(content)
    pretend(monkeypatch, 1.5)
    assert choose_precision() == ("bfloat16", 1.5)
    assert list(json.loads(cache.read_text()).values()) == [1.5]


def test_the_ratio_is_measured() -> None:
    _, ratio = choose_precision()
    assert 0.01 < ratio < 100
