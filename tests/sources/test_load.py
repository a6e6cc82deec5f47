import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.sources import find_data, load
from hmnist.sources.sample import write_sample

LABELS = [4, 4, 6, 3, 0]


@pytest.fixture(autouse=True)
def _empty_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("HMNIST_DATA", raising=False)
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "cache"))


def write_pixels(folder: Path, name: str = "hmnist_8_8_L.csv") -> Path:
    columns = {f"pixel{index:04d}": np.arange(len(LABELS)) + index for index in range(64)}
    path = folder / name
    pd.DataFrame(columns | {"label": LABELS}).to_csv(path, index=False)
    return path


def write_metadata(folder: Path, name: str = "HAM10000_metadata.csv") -> Path:
    rows = [f"L_{row // 2},I_{row},{CODES[label]}" for row, label in enumerate(LABELS)]
    path = folder / name
    path.write_text("\n".join(["lesion_id,image_id,dx", *rows]) + "\n")
    return path


# load


@pytest.mark.parametrize("name", ["hmnist_8_8_L.csv", "hmnist_8_8_L.csv.gz"])
def test_pixel_file_without_metadata(tmp_path: Path, name: str) -> None:
    data = load(write_pixels(tmp_path, name))
    assert data.name == name
    assert data.image_shape == (8, 8, 1)
    assert data.images[2, 0, :3, 0].tolist() == [2, 3, 4]
    assert data.labels.tolist() == LABELS
    assert data.lesion_ids is None
    assert data.own_split is None
    assert not data.synthetic


def test_metadata_beside_the_file_is_found(tmp_path: Path) -> None:
    path = write_pixels(tmp_path)
    write_metadata(tmp_path)
    data = load(str(path))
    assert data.lesion_ids is not None
    assert data.lesion_ids.tolist() == ["L_0", "L_0", "L_1", "L_1", "L_2"]


@pytest.mark.parametrize("none", ["none", False])
def test_metadata_beside_the_file_may_be_ignored(tmp_path: Path, none: object) -> None:
    path = write_pixels(tmp_path)
    write_metadata(tmp_path)
    data = load(path, metadata=none)  # type: ignore[arg-type] # both words are right
    assert data.lesion_ids is None
    assert data.metadata is None


def test_named_metadata_goes_before_the_file_beside(tmp_path: Path) -> None:
    path = write_pixels(tmp_path)
    (tmp_path / "HAM10000_metadata.csv").write_text("nonsense")
    assert load(path, metadata=write_metadata(tmp_path, "mine.csv")).lesion_count == 3
    with pytest.raises(DataMissingError, match=r"yours\.csv does not exist"):
        load(path, metadata=tmp_path / "yours.csv")


@pytest.mark.parametrize("given", [pd.DataFrame({"dx": ["nv"]}), True, 3])
def test_metadata_are_named_and_not_given(tmp_path: Path, given: Any) -> None:
    path = write_pixels(tmp_path)
    with pytest.raises(UsageError, match=rf"False or None, not an? {type(given).__name__}\."):
        load(path, metadata=given)


def test_a_name_that_no_file_can_have_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="no name contains a zero byte"):
        load(tmp_path / "a\0b.csv")


def test_metadata_beside_the_file_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    path = write_pixels(tmp_path)
    metadata = write_metadata(tmp_path)
    metadata.write_text("\n".join(metadata.read_text().splitlines()[:-1]))
    with pytest.raises(DataError, match="4 rows, the data 5") as caught:
        load(path)
    assert "--metadata none" in caught.value.hint


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pixels(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(load("~/hmnist_8_8_L.csv")) == len(LABELS)


def test_medmnist_file_and_its_metadata(tmp_path: Path) -> None:
    arrays: dict[str, npt.NDArray[np.integer]] = {}
    for prefix in ("train", "val", "test"):
        arrays[f"{prefix}_images"] = np.zeros((7, 4, 4, 3), np.uint8)
        arrays[f"{prefix}_labels"] = np.arange(7)[:, None]
    np.savez(tmp_path / "dermamnist.npz", **arrays)  # type: ignore[arg-type] # as in its own test
    # The Kaggle file's metadata has another order: it is not taken because it lies beside.
    write_metadata(tmp_path)
    data = load(tmp_path / "dermamnist.npz")
    assert data.lesion_ids is None
    codes = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"] * 3
    rows = [f"L{row % 9},I{row},{code}" for row, code in enumerate(codes)]
    (tmp_path / "mine.csv").write_text("\n".join(["lesion_id,image_id,dx", *rows]))
    named = load(tmp_path / "dermamnist.npz", metadata=tmp_path / "mine.csv")
    assert named.lesion_count == 9
    assert named.own_split is not None


def test_the_word_sample(tmp_path: Path) -> None:
    data = load("sample")
    assert data.synthetic
    assert data.lesion_ids is not None
    assert load("sample", metadata="none").lesion_ids is None
    with pytest.raises(DataMissingError):
        load("./sample")
    with pytest.raises(DataMissingError):
        load(Path("sample"))


def test_a_written_sample_is_recognised(tmp_path: Path) -> None:
    path, _ = write_sample(tmp_path / "mine.csv", rows=60)
    data = load(path)
    assert data.synthetic
    assert data.lesion_ids is not None
    assert len(data) == 60


def test_without_metadata_no_heavy_library_is_loaded(tmp_path: Path) -> None:
    path = write_pixels(tmp_path)
    code = (
        "import sys; from hmnist.sources import load; load(sys.argv[1]);"
        "print(*{'pandas', 'sklearn', 'tensorflow', 'xgboost'} & set(sys.modules))"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert completed.stdout.split() == []


def test_digest_is_the_same_for_plain_and_packed(tmp_path: Path) -> None:
    plain, packed = load(write_pixels(tmp_path)), load(write_pixels(tmp_path, "a.csv.gz"))
    assert isinstance(plain, LesionDataset)
    assert plain.digest == packed.digest


# find_data


def test_named_data_are_returned_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMNIST_DATA", "elsewhere.csv")
    assert find_data("mine.csv", sample_allowed=False) == Path("mine.csv")
    assert find_data("sample", sample_allowed=False) == "sample"
    assert find_data("./sample", sample_allowed=False) != "sample"


def test_order_of_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_data(None, sample_allowed=True) == "sample"
    downloads = tmp_path / "cache" / "downloads"
    downloads.mkdir(parents=True)
    paths = [
        downloads / "hmnist_28_28_RGB.csv.gz",
        downloads / "hmnist_28_28_RGB.csv",
        tmp_path / "here" / "hmnist_28_28_RGB.csv.gz",
        tmp_path / "here" / "hmnist_28_28_RGB.csv",
    ]
    for path in paths:
        path.touch()
        for sample_allowed in (False, True):
            assert Path(find_data(None, sample_allowed=sample_allowed)).resolve() == path
    variable = tmp_path / "variable.csv"
    variable.touch()
    monkeypatch.setenv("HMNIST_DATA", str(variable))
    assert find_data(None, sample_allowed=True) == variable


def test_variable_may_name_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMNIST_DATA", "sample")
    assert find_data(None, sample_allowed=False) == "sample"


def test_variable_that_names_no_file_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("hmnist_28_28_RGB.csv").touch()
    monkeypatch.setenv("HMNIST_DATA", "missing.csv")
    with pytest.raises(DataMissingError, match=r"\$HMNIST_DATA names missing\.csv") as caught:
        find_data(None, sample_allowed=True)
    assert caught.value.exit_code == 3


def test_without_data_the_error_says_what_to_type() -> None:
    with pytest.raises(DataMissingError, match=r"hmnist_28_28_RGB\.csv") as caught:
        find_data(None, sample_allowed=False)
    assert "sample" in caught.value.hint
    assert caught.value.exit_code == 3


def test_a_pipe_beside_the_pixels_is_not_waited_for(tmp_path: Path) -> None:
    path = write_pixels(tmp_path)
    (tmp_path / "HAM10000_metadata.csv").unlink(missing_ok=True)
    os.mkfifo(tmp_path / "HAM10000_metadata.csv")
    assert not load(path, metadata="none").synthetic
    assert load(path).metadata is None
    with pytest.raises(DataError, match="a device or a pipe"):
        load(path, metadata=tmp_path / "HAM10000_metadata.csv")
