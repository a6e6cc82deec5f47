from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import DataError, DataMissingError, HmnistError, UsageError, WorkError
from hmnist.experiments.train import train
from hmnist.oversampling import oversample
from hmnist.sources import load
from hmnist.sources.photographs import from_images, pixel_file_name
from hmnist.splits.split import split
from tests.conftest import Command

COUNT = 12


def photograph(seed: int) -> Image.Image:
    """Return an image of 600×450 in which no two parts are alike."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (45, 60, 3), dtype=np.uint8))
    return coarse.resize((600, 450), Image.Resampling.BICUBIC)


def name(number: int) -> str:
    # Neither in the order of names nor in that of numbers.
    return f"ISIC_{number * 7 % COUNT:07d}"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a folder as the Kaggle archive unpacks to: two folders of JPEGs, and the metadata."""
    root = tmp_path / "archive"
    for part in (1, 2):
        (root / f"HAM10000_images_part_{part}").mkdir(parents=True)
    rows = [f"HAM_{number // 2},{name(number)},{CODES[number % 7]}" for number in range(COUNT)]
    (root / "HAM10000_metadata.csv").write_text("\n".join(["lesion_id,image_id,dx", *rows]) + "\n")
    for number in range(COUNT):
        photograph(number).save(path_of(root, number), quality=90)
    return root


def path_of(root: Path, number: int) -> Path:
    return root / f"HAM10000_images_part_{1 + number % 2}" / f"{name(number)}.jpg"


def metadata_of(root: Path) -> Path:
    return root / "HAM10000_metadata.csv"


def squeeze_by_pillow(path: Path, size: tuple[int, int], mode: str) -> npt.NDArray[np.uint8]:
    """Squeeze first, then convert: photographs in colour were made into the files like this."""
    with Image.open(path) as opened:
        resized = opened.resize((size[1], size[0]), Image.Resampling.LANCZOS).convert(mode)
    return np.asarray(resized).reshape(*size, -1)


# Files that are written


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(28, 28), (75, 100), (8, 8), (33, 20)])
def test_every_pixel_equals_pillows(archive: Path, size: tuple[int, int], mode: str) -> None:
    out = archive / pixel_file_name(size, mode)
    written = from_images(archive, metadata_of(archive), out, size=size, mode=mode)
    assert written == (out, metadata_of(archive))
    data = load(out)
    assert data.image_shape == (*size, 3 if mode == "RGB" else 1)
    for number, image in enumerate(data.images):
        np.testing.assert_array_equal(
            image, squeeze_by_pillow(path_of(archive, number), size, mode)
        )


def test_rows_labels_and_lesions_come_from_the_metadata(archive: Path) -> None:
    pixels, _ = from_images(archive, metadata_of(archive), archive / "hmnist_8_8_L.csv",
                            size=(8, 8), mode="L")  # fmt: skip
    data = load(pixels)
    table = pd.read_csv(metadata_of(archive))
    assert data.image_ids is not None
    assert data.image_ids.tolist() == table["image_id"].tolist()
    assert [CODES[label] for label in data.labels] == table["dx"].tolist()
    assert data.lesion_count == COUNT // 2
    assert not data.synthetic


def test_columns_are_named_as_in_the_kaggle_files_and_beyond(archive: Path) -> None:
    pixels, _ = from_images(archive, metadata_of(archive), archive / "hmnist_75_100_RGB.csv",
                            size=(75, 100))  # fmt: skip
    text = pixels.read_text()
    names = text.splitlines()[0].split(",")
    assert len(names) == 75 * 100 * 3 + 1
    assert [names[at] for at in (0, 9, 9999, 10000, -2, -1)] == [
        "pixel0000", "pixel0009", "pixel9999", "pixel10000", "pixel22499", "label",
    ]  # fmt: skip
    # pandas reads the same numbers.
    read = pd.read_csv(pixels, dtype="uint8")
    np.testing.assert_array_equal(read.iloc[:, :-1].to_numpy(), load(pixels).X)


@pytest.mark.parametrize("jobs", [1, 2, 5, None])
def test_the_file_is_the_same_whatever_the_number_of_jobs(archive: Path, jobs: int | None) -> None:
    out, again = archive / "a_9_7_L.csv", archive / "b_9_7_L.csv.gz"
    progress: list[tuple[int, int]] = []
    from_images(archive, metadata_of(archive), out, size=(9, 7), mode="L", jobs=1)
    from_images(
        [archive / f"HAM10000_images_part_{part}" for part in (2, 1)],
        metadata_of(archive),
        again,
        size=(9, 7),
        mode="L",
        jobs=jobs,
        on_progress=lambda done, total: progress.append((done, total)),
    )
    np.testing.assert_array_equal(load(out).images, load(again).images)
    assert progress == [(done, COUNT) for done in range(1, COUNT + 1)]


def test_only_a_few_photographs_are_read_ahead(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    ahead: list[int] = []

    def read(path: Path, shape: tuple[int, int, int], by: str) -> npt.NDArray[np.uint8]:
        started.append(1)
        return np.zeros(shape, np.uint8)

    monkeypatch.setattr("hmnist.sources.photographs.read_photograph", read)
    from_images(
        archive,
        metadata_of(archive),
        archive / "x_1_1_L.csv",
        size=(1, 1),
        mode="L",
        jobs=1,
        on_progress=lambda done, _: ahead.append(len(started) - done),
    )
    assert len(started) == COUNT
    assert max(ahead) <= 5


def test_metadata_are_copied_beside_the_file(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere" / "hmnist_8_8_RGB.csv"
    pixels, beside = from_images(archive, metadata_of(archive), out, size=(8, 8))
    assert beside == out.with_name("HAM10000_metadata.csv")
    assert beside.read_bytes() == metadata_of(archive).read_bytes()
    assert load(pixels).lesion_count == COUNT // 2
    # A second size in that folder finds them there.
    from_images(archive, metadata_of(archive), out.with_name("hmnist_8_8_L.csv"), size=(8, 8),
                mode="L")  # fmt: skip


def test_copies_of_a_photograph_are_allowed(archive: Path) -> None:
    # The Kaggle archive holds its folders twice.
    copy = archive / "ham10000_images_part_1"
    copy.mkdir()
    (copy / path_of(archive, 0).name).write_bytes(path_of(archive, 0).read_bytes())
    from_images(archive, metadata_of(archive), archive / "a_2_2_L.csv", size=(2, 2), mode="L")


# Options and photographs that are refused


def refused(archive: Path, **options: object) -> HmnistError:
    """Return the error, after checking that no file was left."""
    before = sorted(archive.rglob("*"))
    with pytest.raises(HmnistError) as caught:
        from_images(archive, metadata_of(archive), archive / "hmnist_4_4_L.csv",
                    **({"size": (4, 4), "mode": "L"} | options))  # type: ignore[arg-type] # fmt: skip
    assert sorted(archive.rglob("*")) == before
    return caught.value


def test_all_problems_are_named_at_once(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600 * 450)
    path_of(archive, 1).unlink()
    path_of(archive, 11).unlink()
    whole = path_of(archive, 3).read_bytes()
    path_of(archive, 3).write_bytes(whole[: len(whole) // 2])
    path_of(archive, 4).write_text("no picture")
    # Between Pillow's limit and twice it, where Pillow itself would only warn; and beyond.
    photograph(5).resize((700, 450)).save(path_of(archive, 5))
    photograph(6).resize((1800, 1000)).save(path_of(archive, 6))
    photograph(7).save(archive / f"{name(8)}.png")
    error = refused(archive)
    assert isinstance(error, DataError)
    assert error.exit_code == 3
    assert "7 of 12 photographs" in error.message
    for kind, numbers in {
        "missing": [1, 11],
        "Damaged or unreadable": [3, 4],
        "oversized": [5, 6],
        "and different": [8],
    }.items():
        assert f"{kind}: {', '.join(map(name, numbers))}" in error.message


def test_photographs_that_are_missing_only(archive: Path) -> None:
    path_of(archive, 2).unlink()
    error = refused(archive)
    assert isinstance(error, DataMissingError)
    assert f"Missing: {name(2)}." in error.message


def test_a_long_list_says_how_long_it_is(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.sources.photographs.LISTED", 2)
    for number in (1, 2, 3, 4):
        path_of(archive, number).unlink()
    assert f"Missing: {name(1)}, {name(2)} and 2 more." in refused(archive).message


def test_the_wrong_folder(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, message in [("empty", "None of the 12"), ("none", "does not exist")]:
        with pytest.raises(DataMissingError, match=message):
            from_images(tmp_path / folder, metadata_of(archive), tmp_path / "a_2_2_L.csv",
                        size=(2, 2), mode="L")  # fmt: skip
    with pytest.raises(DataMissingError, match="is not a folder"):
        from_images(metadata_of(archive), metadata_of(archive), tmp_path / "hmnist_28_28_RGB.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (0, 4)}, "0×4"),
        ({"size": (4, 1025)}, "4×1025"),
        ({"mode": "HSV"}, "no mode called 'HSV'"),
        ({"size": (28.5, 28)}, "28.5×28"),
        ({"jobs": 0}, "number of jobs is 0"),
        ({"jobs": "2"}, "number of jobs is '2'"),
        ({"size": (20, 30)}, "does not tell that its images are 20×30 L"),
    ],
)
def test_options_out_of_range(archive: Path, options: dict[str, object], message: str) -> None:
    error = refused(archive, **options)
    assert isinstance(error, UsageError)
    assert message in error.message


def test_a_name_must_tell_the_shape_if_the_columns_do_not(archive: Path) -> None:
    for file, size, mode in [
        ("mine.csv", (75, 100), "RGB"),  # as many columns as 150×150 in grey
        ("hmnist_2_8_L.csv", (4, 4), "L"),
        ("hmnist_28_28_RGB.txt", (28, 28), "RGB"),
    ]:
        with pytest.raises(UsageError) as caught:
            from_images(archive, metadata_of(archive), archive / file, size=size, mode=mode)
        assert pixel_file_name(size, mode) in caught.value.hint


def test_no_file_is_overwritten(archive: Path, tmp_path: Path) -> None:
    (archive / "hmnist_4_4_L.csv").write_text("mine")
    assert "exists already" in refused(archive).message
    other = tmp_path / "other"
    other.mkdir()
    metadata_of(other).write_text("lesion_id,image_id,dx\nA,B,nv\n")
    with pytest.raises(UsageError, match="belongs to other data"):
        from_images(archive, metadata_of(archive), other / "a_2_2_L.csv", size=(2, 2), mode="L")
    assert [path.name for path in other.iterdir()] == ["HAM10000_metadata.csv"]


def test_a_full_disk_leaves_nothing(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hmnist.sources.photographs.format_rows", fail)
    error = refused(archive)
    assert isinstance(error, WorkError)
    assert "No space left" in error.message


# The command


def test_the_command_writes_under_the_size_name(command: Command, archive: Path) -> None:
    called = command("data", "from-images", archive, metadata_of(archive), "--size", "75x100")
    assert called.code == 0, called.err
    assert called.out == ""
    assert "hmnist_75_100_RGB.csv" in called.err
    described = command("data", "info", "hmnist_75_100_RGB.csv")
    assert "12 images of 75×100×3, 6 lesions" in described.out


def test_the_command_takes_several_folders(command: Command, archive: Path) -> None:
    folders = [archive / f"HAM10000_images_part_{part}" for part in (1, 2)]
    words = ["data", "from-images", *folders, metadata_of(archive), "--size", "20×30"]
    called = command(*words, "--mode", "L", "--out", "mine_20_30_L.csv.gz", "--jobs", "2", "-q")
    assert (called.code, called.out, called.err) == (0, "", "")
    assert load("mine_20_30_L.csv.gz").image_shape == (20, 30, 1)
    path_of(archive, 0).unlink()
    called = command("data", "from-images", *folders, metadata_of(archive))
    assert called.code == 3
    assert name(0) in called.err


# Images of other shapes in the rest of the package


def oblong(shape: tuple[int, int, int] = (20, 30, 3), count: int = 210) -> LesionDataset:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 7
    labels[count // 2 :] = 4
    light = (labels * 25)[:, None, None, None]
    images = (light + rng.integers(0, 60, (count, *shape))).astype(np.uint8)
    return LesionDataset(images, labels, np.array([f"L{at // 2}" for at in range(count)]))


@pytest.mark.parametrize("method", ["random", "augment", "smote", "balanced"])
def test_oblong_images_are_oversampled(method: str) -> None:
    training = split(oblong()).train
    images, labels = oversample(training, method, target=20).apply(training)
    assert images.shape == (len(labels), 20, 30, 3)
    assert len(images) > len(training)


@pytest.mark.usefixtures("few_patches")
@pytest.mark.parametrize(("model", "features"), [("logistic", "lesion"), ("hist-gbdt", "pixels")])
def test_models_of_tables_learn_oblong_images(model: str, features: str, tmp_path: Path) -> None:
    run = train(
        oblong((8, 12, 3), 105),
        model,
        oversample="augment",
        features=features,
        effort="quick",
        threads=1,
        out=tmp_path / "run",
    )
    images = oblong((8, 12, 3), 5).images
    assert run.predict_proba(images).shape == (5, len(CODES))
