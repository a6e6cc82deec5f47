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
    monkeypatch.setattr(precision, "use_threads", lambda _: None)  # for the rest of the process
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
    assert choose_precision("cpu") == (expected, ratio)


def test_a_machine_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 1.9, 0.5)
    assert choose_precision("cpu") == choose_precision("cpu") == ("bfloat16", 1.9)
    monkeypatch.setattr(precision, "processor_name", lambda: "Abacus 2")
    assert choose_precision("cpu") == ("float32", 0.5)
    monkeypatch.setattr(precision, "processor_name", lambda: "Abacus 1")
    assert choose_precision("cpu") == ("bfloat16", 1.9)


@pytest.mark.parametrize("content", ["", "[1]", '{"a": "quick"}', "null"])
def test_a_damaged_note_is_measured_again(
    monkeypatch: pytest.MonkeyPatch, cache: Path, content: str
) -> None:
    cache.write_text(content)
    pretend(monkeypatch, 1.5)
    assert choose_precision("cpu") == ("bfloat16", 1.5)
    assert list(json.loads(cache.read_text()).values()) == [1.5]


def test_the_device_is_used_before_tensorflow_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[object] = []
    monkeypatch.setattr(precision, "use_threads", used.append)
    monkeypatch.setattr(precision, "use_device", used.append)
    monkeypatch.setattr(precision, "find_gpu", lambda: "Abacus G")

    def measure() -> float:
        used.append("measured")
        return 3.0

    monkeypatch.setattr(precision, "_measure", measure)
    assert choose_precision("gpu", 1) == ("bfloat16", 3.0)
    assert used == [1, "gpu", "measured"]


def test_the_ratio_is_measured() -> None:
    _, ratio = choose_precision("cpu")
    assert 0.01 < ratio < 100
