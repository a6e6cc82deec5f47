import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.results import canvas
from hmnist.results.suspect_figures import draw_suspects
from hmnist.sources.sample import write_sample
from tests.conftest import Command
from tests.results.pictures import outside, text_of


@pytest.fixture(autouse=True)
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw quickly."""
    monkeypatch.setattr(canvas, "DOTS_PER_INCH", 100)


def with_copies(data: LesionDataset, count: int) -> LesionDataset:
    """Return data of which some images are a mirrored one of another lesion."""
    images = data.images.copy()
    images[-count:] = images[:count, :, ::-1]
    return dataclasses.replace(data, images=images)


def test_pairs_and_labels_are_drawn(sample: LesionDataset) -> None:
    data = with_copies(sample, 8)
    figures = dict(draw_suspects(data))
    assert set(figures) == {"suspects-pairs", "suspects-labels"}
    for figure in figures.values():
        assert not outside(figure)
    pairs = text_of(figures["suspects-pairs"])
    assert pairs.count("likeness") >= 8
    assert data.image_ids is not None
    assert "SAMPLE" in pairs
    assert "→" in text_of(figures["suspects-labels"])


def test_rows_stand_for_names_and_grey_is_drawn(sample: LesionDataset) -> None:
    copied = with_copies(sample, 3)
    grey = copied.images.mean(axis=3, keepdims=True).astype(np.uint8)
    bare = dataclasses.replace(copied, images=grey, metadata=None, lesion_ids=None)
    text = text_of(dict(draw_suspects(bare))["suspects-pairs"])
    assert "row 0, " in text
    assert "lesions unknown" in text


def test_the_command_draws_them_where_asked(command: Command, tmp_path: Path) -> None:
    pixels, _ = write_sample(tmp_path / "sample.csv", rows=105)
    called = command("data", "plot", pixels, "--suspects", "--out", tmp_path / "figures")
    assert called.code == 0, called.err
    assert "suspects-labels.png" in called.out
    assert (tmp_path / "figures" / "suspects-labels.png").is_file()
