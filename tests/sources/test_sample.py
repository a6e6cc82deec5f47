"""The embedded sample: its lesions, that it is the same every time, and its files."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.sources import load
from hmnist.sources.cohort import MINIMUM_ROWS, describe, plan_rows
from hmnist.sources.sample import (
    generate,
    is_sample,
    load_sample,
    write_sample,
)

PUBLISHED_IMAGES = {
    "nv": 6705, "mel": 1113, "bkl": 1099, "bcc": 514, "akiec": 327, "vasc": 142, "df": 115,
}  # fmt: skip
PUBLISHED_COLUMNS = ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]


def sample_metadata(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return the metadata that `load_sample` gives, without painting the images."""
    return describe(plan_rows(rows, seed), seed)


def test_the_default_is_large_enough_and_synthetic() -> None:
    data = load_sample()
    assert len(data) >= 2500
    assert data.synthetic
    assert data.name == "synthetic sample"
    assert data.image_shape == (28, 28, 3)
    assert set(data.labels) == set(range(7))


def test_metadata_belongs_to_the_images() -> None:
    data = load_sample(200, seed=3)
    metadata = data.metadata
    assert metadata is not None
    assert list(metadata.columns) == PUBLISHED_COLUMNS
    assert [CODES[label] for label in data.labels] == metadata["dx"].tolist()
    assert data.lesion_ids is not None
    assert data.lesion_ids.tolist() == metadata["lesion_id"].tolist()
    pd.testing.assert_frame_equal(metadata, sample_metadata(200, seed=3))


def test_shares_and_images_per_lesion_are_the_published_ones() -> None:
    metadata = sample_metadata(10_015)
    assert metadata["dx"].value_counts().to_dict() == PUBLISHED_IMAGES
    images = metadata.groupby("lesion_id").size()
    assert len(images) == 7470
    assert images[images > 1].count() == pytest.approx(1956, abs=5)
    assert images[images > 1].sum() == pytest.approx(4501, abs=5)
    assert images.max() == 6
    lesions = metadata.groupby("dx")["lesion_id"].nunique()
    assert lesions[["df", "vasc"]].tolist() == [73, 98]


def test_a_lesion_has_one_diagnosis_age_sex_and_site() -> None:
    metadata = sample_metadata(5000)
    assert len(metadata.drop(columns="image_id").drop_duplicates()) == len(
        metadata["lesion_id"].unique()
    )


def test_ages_sexes_and_sites_differ_by_diagnosis_and_overlap() -> None:
    metadata = sample_metadata(10_015)
    ages = metadata.groupby("dx")["age"]
    assert 40 < ages.mean()["nv"] < 55 < ages.mean()["mel"] < 70
    assert ages.quantile(0.9)["nv"] > ages.quantile(0.1)["mel"]
    known = metadata["age"].dropna()
    assert (known % 5 == 0).all()
    assert 0 <= known.min() <= known.max() <= 85
    assert 20 < metadata["age"].isna().sum() < 120
    assert set(metadata["sex"]) == {"male", "female", "unknown"}
    assert metadata.groupby("dx")["localization"].nunique().min() > 5
    assert set(metadata["dx_type"]) == {"histo", "follow_up", "consensus", "confocal"}
    assert set(metadata.loc[metadata["dx"] == "mel", "dx_type"]) == {"histo"}


def test_ids_cannot_be_mistaken_for_real_ones() -> None:
    metadata = sample_metadata(100, seed=7)
    assert metadata["image_id"].is_unique
    assert metadata["image_id"].str.fullmatch(r"SAMPLE_7_\d{7}").all()
    assert metadata["lesion_id"].str.fullmatch(r"SAMPLE_7_LESION_\d{7}").all()
    assert is_sample(metadata)
    assert not is_sample(metadata.assign(image_id="ISIC_0000000"))
    assert not is_sample(metadata.drop(columns="image_id"))
    assert not is_sample(None)


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(MINIMUM_ROWS, 3000), seed=st.integers(0, 2**32))
def test_every_diagnosis_has_six_lesions_at_any_size(rows: int, seed: int) -> None:
    metadata = sample_metadata(rows, seed)
    assert len(metadata) == rows
    lesions = metadata.groupby("dx")["lesion_id"].nunique()
    assert len(lesions) == 7
    assert lesions.min() >= 6
    assert metadata.groupby("lesion_id").size().max() <= 6


def test_the_same_seed_gives_the_same_data_set() -> None:
    assert load_sample(100, seed=1).digest == load_sample(100, seed=1).digest
    assert load_sample(100, seed=1).digest != load_sample(100, seed=2).digest


def test_a_seed_may_be_an_integer_of_numpy() -> None:
    three: Any = np.int32(3)
    ours, numpys = load_sample(50, seed=3), load_sample(50, seed=three)
    assert numpys.digest == ours.digest
    assert numpys.patient_digest == ours.patient_digest


@pytest.mark.parametrize("chunk_rows", [1, 37, 100, 1000])
def test_the_size_of_chunks_changes_nothing(chunk_rows: int) -> None:
    whole = load_sample(150, seed=5)
    chunks = list(generate(150, seed=5, chunk_rows=chunk_rows))
    assert all(len(chunk) == chunk_rows for chunk in chunks[:-1])
    assert all(chunk.synthetic for chunk in chunks)
    np.testing.assert_array_equal(np.concatenate([c.images for c in chunks]), whole.images)
    np.testing.assert_array_equal(np.concatenate([c.labels for c in chunks]), whole.labels)
    metadata = pd.concat([chunk.metadata for chunk in chunks], ignore_index=True)
    pd.testing.assert_frame_equal(metadata, sample_metadata(150, seed=5))


def test_a_million_rows_come_in_chunks() -> None:
    chunks = generate(1_000_000, chunk_rows=64)
    first, second = next(chunks), next(chunks)
    assert len(first) == len(second) == 64
    assert first.metadata is not None
    assert second.metadata is not None
    assert first.metadata["image_id"].iloc[-1] < second.metadata["image_id"].iloc[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"rows": 41}, "six of each diagnosis"),
        ({"seed": -1}, "from 0, not -1"),
        ({"chunk_rows": 0}, "at least 1 row"),
    ],
)
def test_unsuitable_sizes_are_refused_at_once(arguments: dict[str, int], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        generate(**arguments)


def test_a_sample_may_be_written_into_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert write_sample("~/sample.csv", rows=42)[0] == tmp_path / "sample.csv"
    assert (tmp_path / "sample.csv").is_file()


@pytest.mark.parametrize("name", ["sample.csv", "sample.csv.gz"])
def test_a_written_sample_reads_back(tmp_path: Path, name: str) -> None:
    progress: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        progress.append((done, total))

    pixel_path, metadata_path = write_sample(tmp_path / name, 120, 4, on_progress=note)
    data = load_sample(120, seed=4)
    raw = pixel_path.read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
    header, *lines = text.splitlines()
    assert header.split(",") == [*(f"pixel{index:04d}" for index in range(2352)), "label"]
    table = np.loadtxt(lines, delimiter=",", dtype=np.int64)
    np.testing.assert_array_equal(table[:, :-1], data.X)
    np.testing.assert_array_equal(table[:, -1], data.labels)
    assert metadata_path == tmp_path / "HAM10000_metadata.csv"
    read = pd.read_csv(metadata_path)
    pd.testing.assert_frame_equal(read, sample_metadata(120, seed=4), check_dtype=False)
    assert is_sample(read)
    assert progress[-1] == (120, 120)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["HAM10000_metadata.csv", name]


def test_a_written_sample_loads_as_the_same_synthetic_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "cache"))
    path, _ = write_sample(tmp_path / "sample.csv.gz", 60)
    data = load(path)
    assert data.synthetic
    assert data.digest == load_sample(60).digest


def test_a_sample_of_several_chunks_has_one_header(tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        progress.append((done, total))

    pixel_path, metadata_path = write_sample(tmp_path / "s.csv", 2100, on_progress=note)
    assert pixel_path.read_text().count("pixel0000") == 1
    pd.testing.assert_frame_equal(
        pd.read_csv(metadata_path), sample_metadata(2100), check_dtype=False
    )
    assert progress == [(2048, 2100), (2100, 2100)]


def test_the_same_sample_is_the_same_file(tmp_path: Path) -> None:
    first, _ = write_sample(tmp_path / "one" / "first.csv.gz", 50)
    second, _ = write_sample(tmp_path / "two" / "second.csv.gz", 50)
    assert first.read_bytes() == second.read_bytes()


def test_an_existing_pixel_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("precious")
    with pytest.raises(UsageError, match="exists already"):
        write_sample(path, 50)
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    "text",
    ["", "lesion_id,image_id\nHAM_1,ISIC_1\n", "lesion_id,x\nSAMPLE_0_LESION_1,a\nHAM_1,b\n"],
)
def test_metadata_of_other_data_stays(tmp_path: Path, text: str) -> None:
    metadata_path = tmp_path / "HAM10000_metadata.csv"
    metadata_path.write_text(text)
    with pytest.raises(UsageError, match="belongs to other data"):
        write_sample(tmp_path / "sample.csv", 50)
    assert metadata_path.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == [metadata_path.name]


def test_metadata_of_an_earlier_sample_stay(tmp_path: Path) -> None:
    _, metadata = write_sample(tmp_path / "first.csv", 50)
    before = metadata.read_bytes()
    with pytest.raises(UsageError, match="belongs to other data"):
        write_sample(tmp_path / "second.csv", 60)
    assert metadata.read_bytes() == before
    assert not (tmp_path / "second.csv").exists()


def test_a_written_sample_stays_one_without_its_lesions(tmp_path: Path) -> None:
    path, _ = write_sample(tmp_path / "first.csv", 50)
    assert load(path, metadata="none").synthetic


@pytest.mark.parametrize("name", ["sample.npz", "sample", "HAM10000_metadata.csv"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.csv\.gz"):
        write_sample(tmp_path / name, 50)


def test_an_interrupted_writing_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "sample.csv.gz", 50, on_progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_split_by_image_scores_higher_than_one_by_lesion() -> None:
    data = load_sample(3000)
    # Means of 4×4 blocks: enough to recognise a lesion by, and quick.
    pooled = data.images.reshape(-1, 7, 4, 7, 4, 3).mean(axis=(2, 4)).reshape(len(data), -1)
    lesions, _ = pd.factorize(sample_metadata(3000)["lesion_id"])
    random = np.random.default_rng(0)
    by_lesion, by_image = [], []
    for _ in range(3):
        folds = random.integers(0, 5, len(data))
        by_lesion.append(_score_nearest_neighbour(pooled, data.labels, folds[lesions] == 0))
        by_image.append(_score_nearest_neighbour(pooled, data.labels, folds == 0))
    assert min(by_image) > max(by_lesion) + 0.03
    assert np.mean(by_image) > np.mean(by_lesion) + 0.08


def _score_nearest_neighbour(
    features: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], tested: npt.NDArray[np.bool_]
) -> float:
    """Balanced accuracy of the nearest training image's diagnosis."""
    train, test = features[~tested], features[tested]
    # The squared length of the test image is the same for all its neighbours.
    nearest = (np.square(train).sum(axis=1) - 2 * test @ train.T).argmin(axis=1)
    hit = labels[~tested][nearest] == labels[tested]
    return float(np.mean([hit[labels[tested] == label].mean() for label in range(7)]))
