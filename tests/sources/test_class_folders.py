"""Folders as the source of `lenet` kept them: a part, a diagnosis, photographs."""

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hmnist.diagnoses import CODES
from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.sources import load
from hmnist.sources.class_folders import from_class_folders, has_class_folders
from hmnist.sources.resizing import resize
from hmnist.splits.split import split
from tests.conftest import Command

HEADER = "lesion_id,image_id,dx,dx_type,age,sex,localization\n"


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Return folders with a training and a test photograph of each diagnosis."""
    for number in range(14):
        place = tmp_path / "photos" / ("train", "test")[number % 2] / CODES[number // 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (45, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"ISIC_{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    """Return metadata in another order, with an image that has no photograph."""
    rows = [f"HAM_{n},ISIC_{n},{CODES[n // 2 % 7]},histo,50.0,male,back\n" for n in range(15)]
    path = tmp_path / "metadata.csv"
    path.write_text(HEADER + "".join(rows[::-1]))
    return path


def test_each_part_has_its_filter(folder: Path, tmp_path: Path) -> None:
    assert has_class_folders(folder)
    pixels, split_file = from_class_folders(
        folder, out=tmp_path / "hmnist_9_11_RGB.csv", size=(9, 11)
    )
    data = load(pixels)
    parts = split(data, split_file)
    assert parts.sizes == {"train": 7, "validation": 0, "test": 7}
    for part, by in (("train", "linear"), ("test", "area")):
        for label, row in zip(range(7), parts.indices[part], strict=True):
            (path,) = (folder / part / CODES[label]).iterdir()
            assert data.labels[row] == label
            expected = resize(Image.open(path), (9, 11), by)  # type: ignore[arg-type] # one of them
            np.testing.assert_array_equal(data.images[row], expected)


def test_metadata_tell_the_lesions(folder: Path, metadata: Path, tmp_path: Path) -> None:
    pixels, _, copy = from_class_folders(
        folder, metadata, tmp_path / "made" / "hmnist_28_28_RGB.csv"
    )
    data = load(pixels)
    assert data.image_ids is not None
    assert data.image_ids.tolist() == [f"ISIC_{n}" for n in [*range(0, 14, 2), *range(1, 14, 2)]]
    assert data.lesion_count == 14
    with copy.open() as file:
        assert {row["age"] for row in csv.DictReader(file)} == {"50.0"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("df/ISIC_9.png", "folder of df"),
        ("nv/ISIC_8.png", "called ISIC_8"),
        ("nv/ISIC_99.png", "not name 1"),
    ],
)
def test_photographs_that_do_not_fit_the_metadata_are_named(
    name: str, message: str, folder: Path, metadata: Path, tmp_path: Path
) -> None:
    (folder / "test" / "nv" / "ISIC_9.png").rename(folder / "test" / name)
    with pytest.raises(DataError, match=message):
        from_class_folders(folder, metadata, tmp_path / "made" / "hmnist_28_28_RGB.csv")
    assert not list((tmp_path / "made").glob("*.csv"))


def test_a_damaged_photograph_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "test" / "nv" / "ISIC_9.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="unreadable: ISIC_9"):
        from_class_folders(folder, out=tmp_path / "made" / "hmnist_28_28_RGB.csv")
    assert not list((tmp_path / "made").glob("*.csv"))


def test_a_photograph_that_is_too_large_is_named_without_a_warning(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Between Pillow's limit and twice it, where Pillow itself would only warn.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 45 * 60 - 1)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(DataError, match="Oversized: ISIC_0"):
            from_class_folders(folder, out=tmp_path / "made" / "hmnist_28_28_RGB.csv")
    assert warned == []


def test_paths_may_begin_with_the_home_folder(
    folder: Path, metadata: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    written = from_class_folders(f"~/{folder.name}", f"~/{metadata.name}", "~/hmnist_28_28_RGB.csv")
    assert {path.parent for path in written} == {folder.parent}
    assert all(path.is_file() for path in written)


def test_folders_that_are_missing_or_taken(folder: Path, tmp_path: Path) -> None:
    assert not has_class_folders(folder / "train")
    with pytest.raises(DataMissingError, match="no photographs in folders called akiec, bcc"):
        from_class_folders(tmp_path, out=tmp_path / "hmnist_28_28_RGB.csv")
    (tmp_path / "hmnist_28_28_RGB_split.csv").touch()
    with pytest.raises(UsageError, match="would be replaced"):
        from_class_folders(folder, out=tmp_path / "hmnist_28_28_RGB.csv")


def test_the_command(folder: Path, tmp_path: Path, command: Command) -> None:
    out = tmp_path / "hmnist_28_28_RGB.csv"
    called = command("data", "from-images", str(folder), "--out", str(out))
    assert called.code == 0
    assert f"Wrote {out} and {tmp_path / 'hmnist_28_28_RGB_split.csv'}." in called.err
    refused = command("data", "from-images", str(folder / "train"))
    assert refused.code == 2
    assert "METADATA is missing" in refused.err
