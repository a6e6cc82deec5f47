import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES, label_of
from hmnist.errors import DataError, DataMissingError
from hmnist.sources.metadata import (
    SAME_LESION,
    attach_metadata,
    merge_same_lesions,
    read_metadata,
    read_patient_file,
)

HEADER = "lesion_id,image_id,dx,dx_type,age,sex,localization\n"
ROWS = (
    "L_1,I_1,nv,histo,50.0,male,back\n"
    "L_1,I_2,nv,histo,50.0,male,back\n"
    "L_2,I_3,mel,follow_up,,female,face\n"
    "L_3,I_4,df,histo,35,unknown,\n"
)


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "metadata.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def make_data(*codes: str) -> LesionDataset:
    labels = np.array([label_of(code) for code in codes])
    return LesionDataset(np.zeros((len(codes), 2, 2, 1), np.uint8), labels, name="pixels.csv")


# Reading


def test_columns_and_types(tmp_path: Path) -> None:
    metadata = read_metadata(write(tmp_path, HEADER + ROWS))
    assert metadata.columns.tolist() == HEADER.strip().split(",")
    assert metadata["lesion_id"].tolist() == ["L_1", "L_1", "L_2", "L_3"]
    assert metadata["age"].dtype == np.float64
    np.testing.assert_array_equal(metadata["age"], [50, 50, np.nan, 35])


def test_extra_columns_are_kept_and_few_suffice(tmp_path: Path) -> None:
    text = "dx,diameter_mm,image_id,lesion_id\nnv,4,007,01\nmel,9,008,1\n"
    metadata = read_metadata(write(tmp_path, text))
    assert metadata["diameter_mm"].tolist() == [4, 9]
    assert metadata["lesion_id"].tolist() == ["01", "1"]
    assert metadata["image_id"].tolist() == ["007", "008"]


@pytest.mark.parametrize(
    "spell",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: (text + "\n\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: text.replace("back", '"back, left"').encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("dx,", " dx ,").encode(),
        lambda text: f"sep=,\n{text}".encode(),
        lambda text: f"{text},,,,,,\n,,,,,,\n".encode(),
        lambda text: f"{text}\x1a".encode(),
    ],
)
def test_harmless_spellings_are_read(tmp_path: Path, spell) -> None:  # type: ignore[no-untyped-def] # a lambda each
    metadata = read_metadata(write(tmp_path, spell(HEADER + ROWS)))
    assert metadata["image_id"].tolist() == ["I_1", "I_2", "I_3", "I_4"]


MALFORMED = {
    "empty": ("", "no column 'lesion_id'"),
    "no dx": ("lesion_id,image_id\na,b\n", "no column 'dx'; its columns are lesion_id, image_id"),
    "pixel file": (
        ",".join(f"pixel{index}" for index in range(99)) + "\n",
        r"pixel8 … \(99 in all\)\.",
    ),
    "open quotation mark": (HEADER + ROWS.replace("male", '"male', 1), "line 2 is not CSV"),
    "tabs": ((HEADER + ROWS).replace(",", "\t"), "no column 'lesion_id'"),
    "repeated column": ("dx,dx,image_id,lesion_id\nnv,nv,1,2\n", "more than one column 'dx'"),
    "no rows": (HEADER, "a header and no rows"),
    "row too short": (
        HEADER + ROWS.replace(",female,face", ""),
        "line 4 has 5 cells where the header has 7",
    ),
    "row too long": (
        HEADER + ROWS.replace("male,back", "male,back,x", 1),
        "line 2 has 8 cells",
    ),
    "every row too long": (HEADER + ROWS.replace("\n", ",1\n"), "line 2 has 8 cells"),
    "cut off": ((HEADER + ROWS)[:-20], "line 5 has 3 cells"),
    "empty lesion": (HEADER + ROWS.replace("L_2", ""), r"row 2 \(line 4\), column lesion_id"),
    "blank lesion": (HEADER + ROWS.replace("L_2", " "), r"row 2 \(line 4\), column lesion_id"),
    "empty image": (HEADER + ROWS.replace("I_4", ""), r"row 3 \(line 5\), column image_id"),
    "long lesion": (
        HEADER + ROWS.replace("L_2", "L" * 256),
        r"row 2 \(line 4\), column lesion_id: the id has more than 255 characters",
    ),
    "repeated image": (
        HEADER + ROWS.replace("I_4", "I_2"),
        r"row 3 \(line 5\) repeats the image_id I_2 of row 1",
    ),
    "unknown dx": (
        HEADER + ROWS.replace("mel", "melanoma"),
        r"row 2 \(line 4\), column dx: found 'melanoma'; expected one of akiec",
    ),
    "capital dx": (HEADER + ROWS.replace("mel", "MEL"), "found 'MEL'"),
    "empty dx": (HEADER + ROWS.replace("mel", ""), "column dx: found ''"),
    "age in words": (
        HEADER + ROWS.replace("35", "old"),
        r"row 3 \(line 5\), column age: found 'old'",
    ),
    "utf-16": ((HEADER + ROWS).encode("utf-16"), "is not text: line 1"),
    "latin-1": ((HEADER + ROWS).replace("back", "rücken").encode("latin-1"), "is not UTF-8"),
    "zero bytes": (HEADER + ROWS.replace("male", "ma\0le", 1), "line 2 .* zero bytes"),
    "huge line": (HEADER + ROWS + "x" * 70_000, "line 6 .* more than 65,536 characters"),
    "huge header": ("a," * 70_000, "line 1 .* more than 65,536 characters"),
    "huge quotation": (HEADER + ROWS + '"a\n' + "b\n" * 70_000, "line 6 .* more than 65,536"),
    "empty lines": (
        HEADER + ROWS + "\n" * 10_001,
        "more than 10,000 empty lines",
    ),
    "empty cells in the middle": (HEADER + ",,,,,,\n" + ROWS, "line 2 has empty cells only"),
    "infinite age": (HEADER + ROWS.replace("35", "inf"), "found .*inf.*; expected years"),
    "far too large age": (HEADER + ROWS.replace("35", "9" * 400), "expected years"),
    "cut gzip": (gzip.compress((HEADER + ROWS).encode())[:-9], "ends too early"),
}


@pytest.mark.parametrize(("text", "message"), MALFORMED.values(), ids=MALFORMED)
def test_first_mistake_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as caught:
        read_metadata(path)
    assert caught.value.message.startswith(str(path))
    assert caught.value.hint
    assert caught.value.exit_code == 3
    assert "--metadata none" not in caught.value.hint  # not every command has it
    with pytest.raises(DataError, match=message) as caught:
        attach_metadata(make_data("nv"), path)
    assert caught.value.hint.endswith("Or go without metadata: --metadata none.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("mel", "melanoma"), r"row 2 \(line 6\), column dx"),
        (("35", "old"), r"row 3 \(line 8\), column age"),
        (("L_2", ""), r"row 2 \(line 6\), column lesion_id: the cell is empty"),
        (("I_4", "I_2"), r"row 3 \(line 8\) repeats the image_id I_2 of row 1"),
    ],
)
def test_lines_are_those_of_the_file(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    first, second, third, fourth = ROWS.splitlines(keepends=True)
    spread = third.replace("female", '"fe\nmale"')
    text = HEADER + first + second + "\n\n" + spread + fourth
    with pytest.raises(DataError, match=message):
        read_metadata(write(tmp_path, text.replace(*change)))


def test_lines_of_rows_that_differ_are_those_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "\n\n" + ROWS)
    with pytest.raises(DataError, match=r"row 1 \(line 5\) says nv"):
        attach_metadata(make_data("nv", "mel", "nv", "df"), path)


@pytest.mark.parametrize("word", ["NA", "null", "None", "nan", "N/A"])
def test_a_lesion_or_an_image_may_have_any_word_as_its_name(tmp_path: Path, word: str) -> None:
    text = HEADER + ROWS.replace("L_1", word).replace("I_3", word).replace("face", word)
    metadata = read_metadata(write(tmp_path, text))
    assert metadata["lesion_id"].tolist() == [word, word, "L_2", "L_3"]
    assert metadata["image_id"].tolist() == ["I_1", "I_2", word, "I_4"]
    assert metadata["localization"].isna().tolist() == [False, False, True, True]
    with pytest.raises(DataError, match=f"column dx: found '{word}'"):
        read_metadata(write(tmp_path, HEADER + ROWS.replace("mel", word)))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="does not exist"):
        read_metadata(tmp_path / "metadata.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_metadata(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="a device or a pipe"):
        read_metadata(tmp_path / "pipe.csv")


def test_a_table_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.sources.tables.MOST_ROWS", 4)
    assert len(read_metadata(write(tmp_path, HEADER + ROWS))) == 4
    with pytest.raises(DataError, match="more than 4 rows"):
        read_metadata(write(tmp_path, HEADER + ROWS * 2))
    monkeypatch.setenv("HMNIST_TRUST_DATA", "1")
    with pytest.raises(DataError, match="repeats the image_id"):
        read_metadata(write(tmp_path, HEADER + ROWS * 2))


# Matching


def test_lesions_are_attached(tmp_path: Path) -> None:
    data = attach_metadata(make_data("nv", "nv", "mel", "df"), write(tmp_path, HEADER + ROWS))
    assert data.lesion_ids is not None
    assert data.lesion_ids.tolist() == ["L_1", "L_1", "L_2", "L_3"]
    assert data.lesion_ids.dtype.kind == "U"
    assert data.image_ids is not None
    assert data.image_ids.tolist() == ["I_1", "I_2", "I_3", "I_4"]
    assert data.lesion_count == 3


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (
            ["nv", "mel", "nv", "df"],
            r"row 1 \(line 3\) says nv, the label of image 1 says mel.* in another order",
        ),
        (["nv", "nv", "mel"], "the first 3 rows agree.* 4 rows, the data 3"),
        (["nv", "nv", "mel", "df", "nv"], "the first 4 rows agree.* 4 rows, the data 5"),
        (["nv", "df", "nv"], r"row 1 \(line 3\) says nv.* says df.* 4 rows, the data 3"),
    ],
)
def test_metadata_of_other_images_is_refused(
    tmp_path: Path, codes: list[str], message: str
) -> None:
    path = write(tmp_path, HEADER + ROWS)
    with pytest.raises(DataError, match=message) as caught:
        attach_metadata(make_data(*codes), path)
    assert "--metadata none" in caught.value.hint


@settings(max_examples=30, deadline=None)
@given(codes=st.lists(st.sampled_from(CODES), min_size=1, max_size=12), data=st.data())
def test_the_first_row_that_differs_is_named(
    tmp_path_factory: pytest.TempPathFactory, codes: list[str], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(codes) - 1))
    wrong = data.draw(st.sampled_from([code for code in CODES if code != codes[index]]))
    text = "lesion_id,image_id,dx\n" + "".join(f"L{i},I{i},{c}\n" for i, c in enumerate(codes))
    path = write(tmp_path_factory.mktemp("metadata"), text)
    attach_metadata(make_data(*codes), path)
    changed = [*codes[:index], wrong, *data.draw(st.permutations(codes[index + 1 :]))]
    with pytest.raises(DataError, match=rf"row {index} \(line {index + 2}\)"):
        attach_metadata(make_data(*changed), path)


# Lesions known to be the same


def test_pairs_are_nineteen_and_well_formed() -> None:
    assert len(SAME_LESION) == 19
    images = [image for pair in SAME_LESION for image in pair]
    assert len(set(images)) == 38
    assert all(len(image) == 12 and image.startswith("ISIC_00") for image in images)


def test_every_image_of_both_lesions_gets_one_id() -> None:
    first, second = SAME_LESION[3]
    images = ["a", first, "b", second, "c"]
    lesions = ["HAM_9", "HAM_9", "HAM_2", "HAM_2", "HAM_5"]
    assert merge_same_lesions(images, lesions).tolist() == ["HAM_2"] * 4 + ["HAM_5"]


def test_half_a_pair_changes_nothing() -> None:
    first, _ = SAME_LESION[0]
    assert merge_same_lesions([first, "b"], ["HAM_9", "HAM_2"]).tolist() == ["HAM_9", "HAM_2"]


def test_chains_of_pairs_become_one_lesion() -> None:
    (a, b), (c, d), (e, f) = SAME_LESION[:3]
    # a–b joins 4 and 3, c–d joins 2 and 1, e–f joins 3 and 2: all four are one.
    lesions = ["HAM_4", "HAM_3", "HAM_2", "HAM_1", "HAM_3", "HAM_2", "HAM_0"]
    merged = merge_same_lesions([a, b, c, d, e, f, "g"], lesions)
    assert merged.tolist() == ["HAM_1"] * 6 + ["HAM_0"]


def test_all_pairs_at_once_lose_nineteen_lesions(tmp_path: Path) -> None:
    images = [image for pair in SAME_LESION for image in pair]
    text = "lesion_id,image_id,dx\n" + "".join(
        f"L{i:02d},{image},nv\n" for i, image in enumerate(images)
    )
    data = attach_metadata(make_data(*["nv"] * 38), write(tmp_path, text))
    assert data.lesion_count == 19
    assert data.lesion_ids is not None
    assert data.lesion_ids.tolist() == [f"L{i // 2 * 2:02d}" for i in range(38)]
    assert isinstance(data.metadata, pd.DataFrame)
    assert data.metadata["lesion_id"].tolist() == [f"L{i:02d}" for i in range(38)]


# Patients of images to predict


def test_patients_need_neither_diagnosis_nor_lesion(tmp_path: Path) -> None:
    patients = read_patient_file(write(tmp_path, "image_id,age,sex\nI_1,50,male\nI_2,,\n"))
    np.testing.assert_array_equal(patients["age"], [50, np.nan])
    rows = read_patient_file(write(tmp_path, "dx,localization\nno diagnosis,back\n,\n"))
    assert rows["localization"].tolist()[0] == "back"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image_id,dx\nI_1,nv\n", "none of the columns age, sex, localization"),
        ("image_id,age\nI_1,old\n", "found 'old'; expected years"),
        ("image_id,age\nI_1,50\nI_1,60\n", "repeats the image_id I_1"),
        ("image_id,age\nI_1,50,male\n", "has 3 cells where the header has 2"),
        ("age,sex\n", "no rows"),
    ],
)
def test_unsuitable_patients_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_patient_file(write(tmp_path, text))
