import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.patients import UNKNOWN_PATIENT, encode_patients
from hmnist.sources.images import PHOTOGRAPHS, load_images, read_photograph
from hmnist.sources.metadata import read_metadata
from hmnist.sources.sample import write_sample

SHAPE = (28, 28, 3)


def picture(height: int = 45, width: int = 60, seed: int = 0) -> Image.Image:
    """Return an image in which no two parts are alike."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def squeezed(path: Path, size: tuple[int, int] = (28, 28)) -> npt.NDArray[np.uint8]:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB").resize(size, Image.Resampling.LANCZOS))


# One photograph


@pytest.mark.parametrize("ending", PHOTOGRAPHS)
def test_a_photograph_is_squeezed_pixel_by_pixel_as_pillow_does(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"one{ending}"
    picture().save(path)
    read = read_photograph(path, SHAPE)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, squeezed(path))


def test_a_photograph_of_that_size_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    picture(28, 28).save(path)
    np.testing.assert_array_equal(read_photograph(path, SHAPE), np.asarray(picture(28, 28)))


def test_height_comes_before_width(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    picture().save(path)
    read = read_photograph(path, (10, 20, 3))
    np.testing.assert_array_equal(read, squeezed(path, size=(20, 10)))


def test_a_grey_model_sees_luminance(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    picture().save(path)
    read = read_photograph(path, (8, 8, 1))
    assert read.shape == (8, 8, 1)
    # ITU-R 601-2, the weights that Pillow names for its mode L.
    luminance = squeezed(path, size=(8, 8)) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read[..., 0] - luminance).max() <= 1


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK"])
def test_any_kind_of_colour_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "one.tif"
    picture().convert(mode).save(path)
    np.testing.assert_array_equal(read_photograph(path, SHAPE), squeezed(path))


def test_a_missing_photograph(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"one\.jpg does not exist"):
        read_photograph(tmp_path / "one.jpg", SHAPE)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".tif"])
def test_a_truncated_photograph_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"one{ending}"
    picture().save(path)
    whole = path.read_bytes()
    for share in (0.0, 0.01, 0.3, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        # Pillow also warns about damage, which is an error in tests unless it is silenced.
        with pytest.raises(DataError, match="cannot be read as a photograph") as caught:
            load_images(path, SHAPE)
        assert str(path) in caught.value.message


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.jpg"
    path.write_text("pixel0000,label\n")
    with pytest.raises(DataError, match="cannot be read as a photograph"):
        read_photograph(path, SHAPE)
    path = tmp_path / "folder.png"
    path.mkdir()
    with pytest.raises(DataError, match="is a folder"):
        read_photograph(path, SHAPE)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="a device or a pipe"):
        read_photograph(tmp_path / "pipe.png", SHAPE)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("GIF", {}, "it is none of JPEG, PNG"),
        ("EPS", {}, "it is none of JPEG, PNG"),
        ("WEBP", {"save_all": True, "append_images": [picture(seed=1)]}, "several images"),
        ("PNG", {"save_all": True, "append_images": [picture(seed=1)]}, "several images"),
        ("TIFF", {"save_all": True, "append_images": [picture(seed=1)]}, "several images"),
    ],
)
def test_what_is_no_single_photograph_is_refused(
    tmp_path: Path, kind: str, options: dict[str, object], message: str
) -> None:
    path = tmp_path / "one.png"
    picture().save(path, kind, **options)
    with pytest.raises(DataError, match=message):
        read_photograph(path, SHAPE)


@pytest.mark.parametrize(("mode", "kind"), [("I;16", "PNG"), ("I", "TIFF"), ("F", "TIFF")])
def test_more_than_8_bits_are_refused(tmp_path: Path, mode: str, kind: str) -> None:
    # Pillow would cut off what is above 255, so that most of the picture is white.
    path = tmp_path / "one.png"
    Image.new(mode, (60, 45), 700).save(path, kind)
    with pytest.raises(DataError, match="more than 8 bits a channel"):
        read_photograph(path, SHAPE)


def test_a_photograph_is_turned_upright_as_the_camera_noted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # Orientation: the camera was turned to the right by 90°
    picture().save(tmp_path / "turned.png", exif=exif)
    picture().rotate(-90, expand=True).save(tmp_path / "upright.png")
    turned, upright = (
        read_photograph(tmp_path / f"{name}.png", SHAPE) for name in ("turned", "upright")
    )
    np.testing.assert_array_equal(turned, upright)


def test_a_preview_behind_the_photograph_of_a_phone_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "one.jpg"
    picture().save(path, "MPO", save_all=True, append_images=[picture(seed=1)])
    picture().save(tmp_path / "plain.jpg")
    np.testing.assert_array_equal(
        read_photograph(path, SHAPE), read_photograph(tmp_path / "plain.jpg", SHAPE)
    )


def test_text_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    note = PngInfo()
    note.add_text("note", "a" * 2**24, zip=True)
    picture().save(tmp_path / "one.png", pnginfo=note)
    with pytest.raises(DataError, match="cannot be read as a photograph"):
        read_photograph(tmp_path / "one.png", SHAPE)


def test_an_image_too_large_for_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.png"
    picture().save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match="cannot be read as a photograph"):
        read_photograph(path, SHAPE)


# All kinds of paths


def test_one_photograph_has_its_name_as_id(tmp_path: Path) -> None:
    path = tmp_path / "ISIC_1.JPG"
    picture().save(path)
    for given in (path, str(path)):
        loaded = load_images(given, SHAPE)
        assert loaded.source == str(path)
        assert loaded.images.shape == (1, *SHAPE)
        np.testing.assert_array_equal(loaded.images[0], squeezed(path))
        assert loaded.image_ids is not None
        assert loaded.image_ids.tolist() == ["ISIC_1"]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for seed, name in enumerate(["c.png", "a.jpg", "B.PNG"]):
        picture(seed=seed).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a photograph")
    (tmp_path / "more").mkdir()
    loaded = load_images(tmp_path, SHAPE)
    assert loaded.source == str(tmp_path)
    assert loaded.image_ids is not None
    assert loaded.image_ids.tolist() == ["B", "a", "c"]
    for image, name in zip(loaded.images, ["B.PNG", "a.jpg", "c.png"], strict=True):
        np.testing.assert_array_equal(image, squeezed(tmp_path / name))


def test_damaged_photographs_are_left_out_and_named(tmp_path: Path) -> None:
    for name in ("a.png", "c.webp"):
        picture().save(tmp_path / name)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    loaded = load_images(tmp_path, SHAPE)
    assert loaded.names == ["a.png", "c.webp"]
    assert loaded.image_ids is not None
    assert loaded.image_ids.tolist() == ["a", "c"]
    assert len(loaded.images) == 2
    [damage] = loaded.damaged
    assert "b.jpg cannot be read as a photograph" in damage
    with pytest.raises(DataError, match=r"b\.jpg cannot be read"):
        load_images(tmp_path / "b.jpg", SHAPE)


def test_images_without_ids_are_called_by_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("pixel0,pixel1,pixel2,label\n10,20,30,6\n10,20,30,4\n")
    assert load_images(path, (1, 1, 3)).names == ["row 0 of two.csv", "row 1 of two.csv"]


def test_a_folder_without_photographs(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"no photographs \(\.jpg"):
        load_images(tmp_path, SHAPE)


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match="could not be read: Permission denied"):
        load_images(tmp_path, SHAPE)


def test_a_pixel_file_brings_ids_with_its_metadata(tmp_path: Path) -> None:
    pixels, _ = write_sample(tmp_path / "pixels.csv", rows=42)
    loaded = load_images(pixels, SHAPE)
    assert loaded.source == str(pixels)
    assert loaded.images.shape == (42, *SHAPE)
    assert loaded.image_ids is not None
    assert loaded.image_ids[0].startswith("SAMPLE_")


def test_a_pixel_file_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.csv"
    path.write_text("pixel0,pixel1,pixel2,label\n10,20,30,6\n")
    with pytest.raises(UsageError, match="holds images of 1×1×3; the model was trained on 28×28×3"):
        load_images(path, SHAPE)
    assert load_images(path, (1, 1, 3)).image_ids is None


def test_the_word_sample_is_the_sample_even_if_a_folder_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample").mkdir()
    picture().save(tmp_path / "sample" / "one.png")
    loaded = load_images("sample", SHAPE)
    assert loaded.source == "sample"
    assert len(loaded.images) > 1000
    assert loaded.image_ids is not None
    assert len(load_images("./sample", SHAPE).images) == 1
    assert len(load_images(Path("sample"), SHAPE).images) == 1


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"none\.csv"):
        load_images(tmp_path / "none.csv", SHAPE)
    with pytest.raises(DataMissingError, match=r"none\.png"):
        load_images(tmp_path / "none.png", SHAPE)


# Patients


def make_metadata(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"age": [30.0, 70.0], "sex": ["male", "female"], **columns})


def test_photographs_find_their_patients_by_name(tmp_path: Path) -> None:
    for name in ("b.png", "c.jpg"):
        picture().save(tmp_path / name)
    metadata = make_metadata(image_id=["c", "a"])
    expected = encode_patients(metadata)
    assert expected is not None
    found = load_images(tmp_path, SHAPE, metadata).patients
    np.testing.assert_array_equal(found, [UNKNOWN_PATIENT, expected[0]])
    assert load_images(tmp_path, SHAPE).patients is None
    with pytest.raises(DataError, match="no column 'image_id'"):
        load_images(tmp_path, SHAPE, make_metadata())


def test_rows_of_a_pixel_file_have_their_patients(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("pixel0,pixel1,pixel2,label\n10,20,30,6\n10,20,30,4\n")
    metadata = make_metadata()
    loaded = load_images(path, (1, 1, 3), metadata)
    np.testing.assert_array_equal(loaded.patients, encode_patients(metadata))
    assert load_images(path, (1, 1, 3)).patients is None
    with pytest.raises(DataError, match=r"1 rows, .*two\.csv has 2 images"):
        load_images(path, (1, 1, 3), metadata[:1])


def test_metadata_in_another_order_are_put_in_order_by_their_ids(tmp_path: Path) -> None:
    pixels, beside = write_sample(tmp_path / "pixels.csv", rows=42)
    metadata = read_metadata(beside)
    expected = np.asarray(encode_patients(metadata))
    same = load_images(pixels, SHAPE, metadata)
    assert not same.reordered
    turned = load_images(pixels, SHAPE, metadata[::-1].reset_index(drop=True))
    assert turned.reordered
    for loaded in (same, turned):
        np.testing.assert_array_equal(loaded.patients, expected)
    with pytest.raises(DataError, match=r"do not name 1 of 42 images of pixels\.csv, such as"):
        load_images(pixels, SHAPE, metadata[1:])
    # Without ids, rows are rows.
    unnamed = metadata[::-1].drop(columns="image_id")
    np.testing.assert_array_equal(load_images(pixels, SHAPE, unnamed).patients, expected[::-1])


def test_metadata_beside_a_pixel_file_tell_the_patients(tmp_path: Path) -> None:
    pixels, metadata = write_sample(tmp_path / "pixels.csv", rows=42)
    expected = encode_patients(read_metadata(metadata))
    np.testing.assert_array_equal(load_images(pixels, SHAPE).patients, expected)
